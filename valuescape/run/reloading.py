"""Applies files to a run when they are saved, and presets when they are chosen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from valuescape import remarks
from valuescape.gpu.shader_source import files_read
from valuescape.render.view.changes import Restart
from valuescape.render.view.viewer import Viewer
from valuescape.run.applying import (
    Changing,
    changes_to,
    config_now,
    differences,
    steps_along,
)
from valuescape.run.captions import Captions
from valuescape.run.code_files import code_files, loaded_of, needs_restart
from valuescape.run.config_file import ConfigFile
from valuescape.run.controls import Controls
from valuescape.run.pace import Pace
from valuescape.run.restarting import keep_up
from valuescape.run.stage import Stage
from valuescape.run.watching import NotWatched, Saved, Watcher
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError, cut, escaped, shown
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.loading import Loaded
from valuescape.sim.plugins.replacing import replaced

_NAMED = 5
"""Most settings that a message names."""


class Reloadable(Protocol):
    """A run, as far as files change it."""

    stage: Stage
    viewer: Viewer
    pace: Pace
    captions: Captions
    controls: Controls

    @property
    def tuned(self) -> Changing:
        """The run itself; of an A/B run the side that is chosen."""

    def note_file(self, name: str) -> None:
        """Note, for a video, that a file was applied."""


class Reloading:
    """Looks after the files of a run. `look` applies those that were saved; a bad one changes nothing."""

    def __init__(self, run: Reloadable) -> None:
        self._run = run
        self._watcher = Watcher()
        self._watched = False
        self._file: ConfigFile | None = None
        self._complaint = ""
        self._shaders = 0

    def begin(self, file: ConfigFile | None, *, watch: bool = True) -> None:
        """Take `file` for the one that the run was started with; watch it, if that is wanted."""
        self._file, self._watched = file, watch
        self._watch()

    def close(self) -> None:
        """End the watching."""
        self._watcher.close()

    def look(self) -> None:
        """Apply what was saved since the last call; to be called between two frames.

        Performance: 0.3 us while nothing was saved.
        """
        news = self._watcher.news()
        if news:
            self._saved({each.path: each.content for each in news if isinstance(each, Saved)})
            for each in news:
                if isinstance(each, NotWatched):
                    self._say(each.said)
        if self._watched and len(files_read()) != self._shaders:
            self._watch()  # a map of a plug-in was shown for the first time

    def take_preset(self, name: str) -> str:
        """Go over to a preset or a configuration file; return why not, "" if that is done.

        Its settings come into force, and the defaults of those that only the file before it gave. Overrides
        of the command line go on winning.
        """
        try:
            after = ConfigFile.named(name, self._file.overrides if self._file else ())
            before = self._file.config if self._file else self._run.stage.config
            given = {each: settings_of()[each].value_in(after.config) for each in after.given}
            wanted = given | differences(before, after.config)
            winning = _winning(self._file, after) if self._file else ""
            why_not = self._apply(Path(name).name, wanted, after.config, winning)
        except UsageError as error:
            return self._complain(str(error))
        if not why_not:
            self._file = after
            self._watch()
        return why_not

    def reload_shaders(self) -> str:
        """Read the shaders again; return why not, with file and line, "" if that is done."""
        why_not = self._run.stage.reload_shaders()
        if why_not:
            return self._complain(f"{why_not}\n  the shaders before stay in use")
        self._complaint = ""
        self._run.note_file("shaders")
        self._say("shaders reloaded")
        return ""

    def _watch(self) -> None:
        """Watch the files that the run has now."""
        self._shaders = len(files_read())
        if self._watched:
            files = {**files_read(), **code_files()}
            if self._file:
                files[self._file.path.absolute()] = self._file.content
            self._watcher.watch(files)

    def _saved(self, saved: Mapping[Path, bytes | None]) -> None:
        """Apply files that were saved together, by path."""
        if self._file and self._file.path.absolute() in saved:
            self._take_content(self._file, saved[self._file.path.absolute()])
        for loaded in loaded_of(saved):
            self._take_code(loaded, saved)
        if not saved.keys().isdisjoint(files_read()):
            self.reload_shaders()
        self._watch()

    def _take_code(self, loaded: Loaded, saved: Mapping[Path, bytes | None]) -> None:
        """Load a world file or a plug-in anew, and begin the run anew with it; or leave both as they were."""
        source, before = loaded.source, loaded.kinds
        assert source.path
        content = saved.get(source.path, source.content)
        if content is None:
            self._complain(f"{source.where}: there is no such file any more; the run goes on as it was")
            return
        try:
            with replaced(source.path, content) as now:
                began = self._use(now, before)
        except (UsageError, _RefusedError) as error:
            self._complain(f"{error}\n  the code before stays in use")
            return
        self._complaint = ""
        self._run.note_file(source.path.name)
        self._say(f"{source.path.name}: loaded anew{began}")

    def _use(self, now: Loaded, before: frozenset[Kind]) -> str:
        """Let the run go on with code that was loaded anew; return what that took, to be said.

        before: kinds of what the file declared. Raises _RefusedError if it cannot; then it goes on as it was.
        """
        if needs_restart(before | now.kinds, now):
            _require(self._run.controls.apply(Restart({})))
            return ", and the run began anew with it"
        if Kind.LAYER in before | now.kinds:
            maps = [each.name for each in now.declared if each.kind is Kind.LAYER]
            _require(self._run.stage.reload_shaders(maps))
            keep_up(self._run.viewer, self._run.stage)
        return ""

    def _take_content(self, file: ConfigFile, content: bytes | None) -> None:
        """Apply what is in the configuration file now; None: it is gone."""
        self._complaint = ""  # one that still holds is said again, so that the save is seen to have been read
        if content is None:
            self._complain(f"{file.path}: there is no such file any more; the run goes on as it was")
        else:
            self._take_version(file, file.having(content))

    def _take_version(self, before: ConfigFile, after: ConfigFile) -> None:
        """Apply the difference between two versions of the configuration file."""
        try:
            config = after.config
            wanted = steps_along(before.config, config, config_now(self._run))
            why_not = self._apply(after.path.name, wanted, config, _winning(before, after))
        except UsageError as error:
            self._complain(_about(after.path, str(error)))
            return
        if not why_not:
            self._file = after

    def _apply(self, name: str, wanted: Mapping[str, Any], config: Config, winning: str = "") -> str:
        """Give the run settings that `config` has, and say so; return why not, "" if that is done.

        name: of what gave them. winning: a sentence about overrides. Raises UsageError if the run cannot have
        these settings.
        """
        now = config_now(self._run.tuned)
        wanted = {each: wanted[each] for each in _new(wanted, now)}
        why_not = self._run.controls.apply_together(changes_to(self._run.tuned, wanted, config))
        if why_not:
            return self._complain(f"{name}: {why_not}")
        self._complaint = ""
        self._run.controls.started = config
        said = [f"{name}: {_list(wanted)}"] if wanted else []
        if wanted:
            self._run.note_file(name)
        if said or winning:
            self._say("\n".join([*said, *[winning] * bool(winning)]))
        else:
            self._run.captions.refresh(f"{name}: no setting changed")
        return ""

    def _complain(self, text: str) -> str:
        """Say what is wrong, once in the terminal, and in the picture until something else is said."""
        self._run.captions.refresh(text, stays=True)
        if text != self._complaint:
            self._complaint = text
            remarks.announce(text)
        return text

    def _say(self, text: str) -> None:
        self._run.captions.refresh(text)
        remarks.announce(text)


class _RefusedError(Exception):
    """The run cannot go on with something, and does as it was; says why."""


def _require(why_not: str) -> None:
    if why_not:
        raise _RefusedError(why_not)


def _new(wanted: Mapping[str, Any], now: Config) -> list[str]:
    """Return the names of settings that are to have other values than now, in the order of sections."""
    return [
        name for name, each in settings_of().items() if name in wanted and wanted[name] != each.value_in(now)
    ]


def _about(path: Path, said: str) -> str:
    """Return a sentence about a file, that begins with its name."""
    return said if said.startswith(str(path)) else f"{path.name}: {said}"


def _list(settings: Mapping[str, Any]) -> str:
    """Return settings as a sentence: `render.glow = 0.5 (live), trails.length = 128 (restart)`."""
    named = [
        f"{name} = {shown(value)} ({settings_of()[name].declared.applies})"
        for name, value in settings.items()
    ]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _winning(before: ConfigFile, after: ConfigFile) -> str:
    """Return a sentence about changed settings that the command line overrides; "" without any."""
    values, changed = before.values, after.values
    found = [
        f"--set {cut(escaped(override), 60)} goes on winning over {name} = {shown(changed[name])}"
        for name, override in after.overridden.items()
        if name in changed and values.get(name) != changed[name]
    ]
    return "; ".join(found[:2])
