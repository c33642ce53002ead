"""Runs with pictures, as commands show them: their options, a session, and the results at its end."""

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valuescape.cli.progress import progress_bar
from valuescape.cli.run_options import (
    Export,
    Figure,
    Folder,
    Frames,
    Headless,
    Profile,
    Record,
    RecordSession,
    Screenshot,
    Seconds,
    Strict,
    Ticks,
    Watch,
)
from valuescape.cli.terminal import err, out
from valuescape.paths import remove_if_empty, require_name, require_writable
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.browser.browsing import Browsing
    from valuescape.run.config_file import ConfigFile
    from valuescape.run.outputs import RunResult
    from valuescape.run.session import Session
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts


@dataclass(frozen=True, slots=True)
class Shown:
    """What is run: a configuration, its file, and perhaps a side B.

    follow: makes what follows a training run for the session, within which the session runs.
    """

    config: "Config"
    file: "ConfigFile"
    other: "Config | None" = None
    follow: "Callable[[Session], AbstractContextManager[object]] | None" = None

    def following(self, session: "Session") -> AbstractContextManager[object]:
        """Return what follows a training run for the session, if one is to be followed."""
        return self.follow(session) if self.follow else contextlib.nullcontext()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run with pictures; None where one was left out."""

    headless: bool
    length: RunLength
    folder: Path | None
    record: Path | None
    screenshot: Path | None
    profile: Path | None
    export: Path | None
    figure: Path | None
    record_session: Path | None
    strict: bool
    watch: bool
    browsing: "Browsing | None" = None

    @property
    def given(self) -> list[str]:
        """The options given that only a run with pictures can answer."""
        lengths = {"--frames": self.length.frames, "--seconds": self.length.seconds}
        files = {f"--{name.replace('_', '-')}": getattr(self, name) for name in _FILES}
        names = [name for name, value in {**lengths, **files}.items() if value is not None]
        return [*names, *["--strict"] * self.strict, *["--browser"] * (self.browsing is not None)]

    def outputs(self, config: "Config", *, headless: bool) -> Outputs:
        """Return the files that the run writes. Raises UsageError if one of them could not be written."""
        folder = self.folder or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
        self._require_files(folder)
        video = self.record or (folder / "run.mp4" if headless and config.run.record else None)
        return Outputs(
            folder, video, self.screenshot, self.profile, self.export, self.figure, self.record_session
        )

    def require_pair(self) -> None:
        """Raise UsageError if an option was given that is about one run."""
        for name in ("export", "figure", "profile", "record_session"):
            if getattr(self, name):
                option = f"--{name.replace('_', '-')}"
                said = f"{option} does not go with --versus: it is about one run, and there are two"
                raise UsageError(said, "run each by itself for that")

    def _require_files(self, folder: Path) -> None:
        from valuescape.costs.profile_files import require_profile
        from valuescape.sim.paths import require_replaceable

        for name in _FILES:
            if path := getattr(self, name):
                require_replaceable(path, f"--{name.replace('_', '-')}")
        require_name("--screenshot", self.screenshot, ".png")
        require_name("--export", self.export, ".npz")
        require_name("--figure", self.figure, ".pdf", ".svg", ".png")
        if self.profile:
            require_profile(self.profile)
        require_name("--record-session", self.record_session, ".vsz")
        if self.record:
            require_writable("--record", self.record.parent)
        require_writable("--out", folder)


def shown_of(
    headless: Headless = False,
    frames: Frames = None,
    seconds: Seconds = None,
    ticks: Ticks = None,
    folder: Folder = None,
    record: Record = None,
    screenshot: Screenshot = None,
    profile: Profile = None,
    export: Export = None,
    figure: Figure = None,
    record_session: RecordSession = None,
    strict: Strict = False,
    watch: Watch = True,
) -> RunOptions:
    """Return the options that typer read."""
    files = record, screenshot, profile, export, figure, record_session
    return RunOptions(headless, RunLength(frames, seconds, ticks), folder, *files, strict, watch)


SHOWN = shown_of()
"""The options of a run of which none was given."""

_FILES = "record", "screenshot", "profile", "export", "figure", "record_session"
"""The options that name a file."""


def show(shown: Shown, options: RunOptions, interrupts: "Interrupts") -> int:
    """Run with pictures, in a window or headless; print the results, and return the exit status.

    A folder that was named by the time is removed again if it stays empty. Raises UsageError.
    """
    from valuescape.render.displays.display import display_available
    from valuescape.sim.interrupts import unfinished

    if options.browsing and options.headless:
        raise UsageError("--browser and --headless exclude each other: one shows pictures, one shows none")
    headless = not options.browsing and (options.headless or not display_available())
    if shown.other:
        options.require_pair()
    outputs = options.outputs(shown.config, headless=headless)
    try:
        with unfinished(outputs.folder) if options.folder is None else contextlib.nullcontext():
            result = _run(shown, options, outputs, headless, interrupts)
    finally:
        if options.folder is None:
            remove_if_empty(outputs.folder)
    return _finish(result, shown.config, strict=options.strict)


def _run(
    shown: Shown, options: RunOptions, outputs: Outputs, headless: bool, interrupts: "Interrupts"
) -> "RunResult":
    from valuescape.sim.interrupts import leaving_at_once

    with leaving_at_once():
        from valuescape.cli.run_result import showing
    with _session(shown, options, outputs, headless, interrupts) as session, shown.following(session):
        session.reloading.begin(shown.file, watch=options.watch)
        what = "recording" if session.recorder else "running"
        with progress_bar(what, 1.0, hidden=not headless) as update:  # a window shows itself
            interrupts.check()
            if headless and not options.headless:
                err.say(
                    f"no window: neither DISPLAY nor WAYLAND_DISPLAY is set; files go to {outputs.folder}"
                )
            return session.run(showing(update))


def _session(
    shown: Shown, options: RunOptions, outputs: Outputs, headless: bool, interrupts: "Interrupts"
) -> "AbstractContextManager[Session]":
    from valuescape.sim.interrupts import leaving_at_once

    if options.browsing:
        return _browser_session(shown, options.browsing, options.length, outputs, interrupts)

    with leaving_at_once():
        from valuescape.run.session import Session
        from valuescape.run.versus.session import VersusSession

    config, other, length = shown.config, shown.other, options.length
    if headless and length == RunLength():
        length = RunLength(seconds=config.run.seconds)
    interrupts.check()
    how: dict[str, Any] = {"headless": headless, "interrupts": interrupts}
    if other:
        return VersusSession(config, other, length, outputs, **how)
    return Session(config, length, outputs, **how)


def _browser_session(
    shown: Shown, browsing: "Browsing", length: RunLength, outputs: Outputs, interrupts: "Interrupts"
) -> "AbstractContextManager[Session]":
    from valuescape.sim.interrupts import leaving_at_once

    with leaving_at_once():
        from valuescape.cli.browser import browser_session

    configs = (shown.config, shown.other) if shown.other else (shown.config,)
    return browser_session(configs, length, outputs, browsing, interrupts)


def _finish(result: "RunResult", config: "Config", *, strict: bool) -> int:
    """Print a run's results and return the exit status."""
    from valuescape.cli.run_result import broken_limits, show_result

    show_result(out, result, config)
    if result.interrupted:
        return 130
    broken = broken_limits(result.report, config) if strict else []
    if broken:
        err.say(("--strict:", "bold red"), f" broken: {', '.join(broken)}")
    return 1 if broken else 0
