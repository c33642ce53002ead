"""The command `run`."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import read_config_file
from valuescape.cli.options import (
    Activation,
    Algorithm,
    Debug,
    Gamma,
    NamesMap,
    ObsNormalization,
    Overrides,
    stated_changes,
)
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import err, out
from valuescape.paths import remove_if_empty, require_name, require_writable
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.run.config_file import ConfigFile
    from valuescape.run.outputs import RunResult
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts

_Preset = Annotated[
    str,
    typer.Argument(
        help="A preset (see `valuescape presets`), a FILE.toml, a trained MODEL's file, "
        "or the FOLDER of a training run."
    ),
]
_Headless = Annotated[bool, typer.Option("--headless", help="Open no window, write files.")]
_Frames = Annotated[int | None, typer.Option(min=1, help="End after so many frames.")]
_Seconds = Annotated[float | None, typer.Option(min=0.001, help="End after so many seconds.")]
_Ticks = Annotated[int | None, typer.Option(min=1, help="End at exactly this tick.")]
_Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", help="Folder for the run's files; runs/TIME if not given."),
]
_Record = Annotated[
    Path | None, typer.Option(metavar="FILE.mp4", help="Write a video; ticks then wait for frames.")
]
_Screenshot = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Write the last frame as a picture.")
]
_Profile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write where time went, in all processes: .json or .csv (statistics), .trace (Perfetto).",
    ),
]
_Export = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz", help="Write the fields, trails, states and episodes of the last tick as arrays."
    ),
]
_Figure = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.pdf", help="Draw the last tick's landscape and density for a paper: .pdf, .svg or .png."
    ),
]
_Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="End with status 1 if a health limit is broken; one that a short run cannot measure is not.",
    ),
]
_Seed = Annotated[int | None, typer.Option(help="Seed of all randomness, as run.seed.")]
_Checksum = Annotated[
    bool,
    typer.Option(
        "--checksum",
        help="Simulate only, at full speed, and print the hash of the state at tick --ticks. The same for "
        "any number of workers; with a network's actions not for other settings of features.simd.",
    ),
]
_RecordRun = Annotated[
    Path | None,
    typer.Option(metavar="FILE.vsz", help="Simulate only, to --ticks, and write what `replay` compares."),
]
_Watch = Annotated[
    bool,
    typer.Option(
        "--watch/--no-watch",
        help="Apply files when they are saved: the configuration, world files, plug-ins, shaders.",
    ),
]
_RecordSession = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.vsz", help="Record the run with everything that is changed meanwhile, for `replay`."
    ),
]
_Versus = Annotated[
    str | None,
    typer.Option(
        metavar="B",
        help="Show a second run beside this one, with the same seed, at the same tick: a preset, a "
        "FILE.toml, or a MODEL's file or training FOLDER, which acts in the world of this one.",
    ),
]
_VersusSet = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECTION.KEY=VALUE",
        help="Change a setting of the second run, which is that of --versus, or else a copy of this one; "
        "may be given often.",
    ),
]
_RecordEvery = Annotated[
    int | None, typer.Option(min=1, help="Ticks between two states in --record-run; a 20th of the run.")
]


@takes_code
def run(
    preset: _Preset = "demo",
    overrides: Overrides = None,
    headless: _Headless = False,
    frames: _Frames = None,
    seconds: _Seconds = None,
    ticks: _Ticks = None,
    folder: _Folder = None,
    record: _Record = None,
    screenshot: _Screenshot = None,
    profile: _Profile = None,
    export: _Export = None,
    figure: _Figure = None,
    strict: _Strict = False,
    seed: _Seed = None,
    checksum: _Checksum = False,
    record_run: _RecordRun = None,
    record_every: _RecordEvery = None,
    record_session: _RecordSession = None,
    activation: Activation = None,
    gamma: Gamma = None,
    algorithm: Algorithm = None,
    obs_normalization: ObsNormalization = None,
    names: NamesMap = None,
    versus: _Versus = None,
    versus_set: _VersusSet = None,
    code: Code = NO_CODE,
    watch: _Watch = True,
    debug: Debug = False,
) -> int:
    """Show a trained critic's landscape with its agents: in a window, or headless into files.

    Without a screen it runs headless by itself. At the end it prints the run's figures beside five health
    limits, and writes them to run.json.

    [bold]Examples[/]

      valuescape run demo

      valuescape run demo --headless --seconds 10 --out runs/try

      valuescape run ppo.zip --world my_package.envs:GridEnv --env-kwargs size=8

      valuescape run agent.cleanrl_model --gamma 0.99 --record landscape.mp4

      valuescape run sac.zip --versus ppo.zip
    """
    length = RunLength(frames, seconds, ticks)
    files = record, screenshot, profile, export, figure, record_session
    shown = RunOptions(headless, length, folder, *files, strict, watch)
    simulated = ticks, checksum, record_run, record_every
    stated = stated_changes(activation, gamma, algorithm, obs_normalization, names)
    asked = _Asked(preset, [*stated, *_changes(overrides, seed)], code, versus, versus_set or [])
    return _start(asked, shown, simulated)


_Simulated = tuple[int | None, bool, Path | None, int | None]
"""The fields of `SimulationOptions`, whose module takes long to import."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """The configurations that were asked for: that of the run, and of a side B.

    code: that the options name, which is loaded with the first configuration.
    """

    preset: str
    changes: list[str]
    code: Code
    versus: str | None
    versus_set: list[str]

    def second(self, config: "Config") -> "Config | None":
        """Return the configuration of side B beside `config`; None without one. Raises UsageError."""
        if self.versus is None and not self.versus_set:
            return None
        from valuescape.run.versus.asking import second_config

        return second_config(
            config, self.preset, [*self.code.load(self.changes), *self.changes], self.versus, self.versus_set
        )


def _start(asked: _Asked, shown: "RunOptions", simulated: _Simulated) -> int:
    """Read the configurations, and run with pictures or without."""
    from valuescape.sim.interrupts import Interrupts, leaving_at_once

    with Interrupts() as interrupts:
        with leaving_at_once():
            from valuescape.cli.simulate import SimulationOptions, require_simulation, run_simulation
            from valuescape.training_run import with_steps

            simulation = SimulationOptions(*simulated)
            file = read_config_file(asked.preset, asked.changes, asked.code)
            config = with_steps(file.config)
            other = asked.second(config)
        if simulation.wanted:
            require_simulation(simulation, [*shown.given, *["--versus"] * (other is not None)])
            return run_simulation(config, simulation, interrupts)
        return _show(config, other, file, shown, interrupts)


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

    @property
    def given(self) -> list[str]:
        """The options given that only a run with pictures can answer."""
        lengths = {"--frames": self.length.frames, "--seconds": self.length.seconds}
        files = {f"--{name.replace('_', '-')}": getattr(self, name) for name in _FILES}
        names = [name for name, value in {**lengths, **files}.items() if value is not None]
        return [*names, *["--strict"] * self.strict]

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


_FILES = "record", "screenshot", "profile", "export", "figure", "record_session"
"""The options that name a file."""


def _changes(overrides: list[str] | None, seed: int | None) -> list[str]:
    return [*(overrides or []), *([f"run.seed={seed}"] if seed is not None else [])]


def _show(
    config: "Config",
    other: "Config | None",
    file: "ConfigFile",
    options: RunOptions,
    interrupts: "Interrupts",
) -> int:
    """Run with pictures. other: the configuration of side B; None for one run.

    A folder that was named by the time is removed again if it stays empty.
    """
    from valuescape.render.displays.display import display_available
    from valuescape.sim.interrupts import unfinished

    headless = options.headless or not display_available()
    if other:
        options.require_pair()
    outputs = options.outputs(config, headless=headless)
    try:
        with unfinished(outputs.folder) if options.folder is None else contextlib.nullcontext():
            result = _run(config, other, file, options, outputs, headless, interrupts)
    finally:
        if options.folder is None:
            remove_if_empty(outputs.folder)
    return _finish(result, config, strict=options.strict)


def _run(
    config: "Config",
    other: "Config | None",
    file: "ConfigFile",
    options: RunOptions,
    outputs: Outputs,
    headless: bool,
    interrupts: "Interrupts",
) -> "RunResult":
    from valuescape.sim.interrupts import leaving_at_once

    with leaving_at_once():
        from valuescape.cli.run_result import showing
        from valuescape.run.session import Session
        from valuescape.run.versus.session import VersusSession

    length = options.length
    if headless and length == RunLength():
        length = RunLength(seconds=config.run.seconds)
    interrupts.check()
    how: dict[str, Any] = {"headless": headless, "interrupts": interrupts}
    with (
        VersusSession(config, other, length, outputs, **how)
        if other
        else Session(config, length, outputs, **how)
    ) as session:
        session.reloading.begin(file, watch=options.watch)
        what = "recording" if session.recorder else "running"
        with progress_bar(what, 1.0, hidden=not headless) as update:  # a window shows itself
            interrupts.check()
            if headless and not options.headless:
                err.say(
                    f"no window: neither DISPLAY nor WAYLAND_DISPLAY is set; files go to {outputs.folder}"
                )
            return session.run(showing(update))


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
