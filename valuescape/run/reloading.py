"""Applies files to a run when they are saved, and presets when they are chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from valuescape import remarks
from valuescape.gpu.shader_source import files_read
from valuescape.render.view.viewer import Viewer
from valuescape.run.applying import Changing, changes_to, config_now, differences
from valuescape.run.captions import Captions
from valuescape.run.config_file import ConfigFile
from valuescape.run.controls import Controls
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run.watching import NotWatched, Saved, Watcher
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError, cut, escaped, shown

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


class Reloading:
    """Looks after the files of a run. `look` applies those that were saved; a bad one changes nothing."""

    def __init__(self, run: Reloadable) -> None:
        self._run = run
        self._watcher = Watcher()
        self._watched = False
        self._file: ConfigFile | None = None
        self._complaint = ""

    def begin(self, file: ConfigFile | None, *, watch: bool = True) -> None:
        """Take `file` for the one that the run was started with; watch it, if that is wanted."""
        self._file, self._watched = file, watch
        self._watch()

    def close(self) -> None:
        """End the watching."""
        self._watcher.close()

    def look(self) -> None:
        """Apply what was saved since the last call; to be called between two frames.

        Performance: 0.1 us while nothing was saved.
        """
        news = self._watcher.news()
        if news:
            self._saved([each for each in news if isinstance(each, Saved)])
            for each in news:
                if isinstance(each, NotWatched):
                    self._say(each.said)

    def take_preset(self, name: str) -> str:
        """Go over to a preset or a configuration file; return why not, "" if that is done.

        Its settings come into force, and the defaults of those that only the file before it gave. Overrides
        of the command line go on winning.
        """
        try:
            after = ConfigFile.named(name, self._file.overrides if self._file else ())
            before = self._file.config if self._file else self._run.stage.config
            given = {each: settings_of()[each].value_in(after.config) for each in after.values}
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
        self._say("shaders reloaded")
        return ""

    def _watch(self) -> None:
        """Watch the files that the run has now."""
        if self._watched:
            files = dict(files_read())
            if self._file:
                files[self._file.path.absolute()] = self._file.content
            self._watcher.watch(files)

    def _saved(self, saved: Sequence[Saved]) -> None:
        """Apply files that were saved together."""
        shaders = files_read()
        for each in saved:
            if self._file and each.path == self._file.path.absolute():
                self._take_content(self._file, each.content)
        if any(each.path in shaders for each in saved):
            self.reload_shaders()

    def _take_content(self, file: ConfigFile, content: bytes | None) -> None:
        """Apply what is in the configuration file now; None: it is gone."""
        if content is None:
            self._complain(f"{file.path}: there is no such file any more; the run goes on as it was")
        else:
            self._take_version(file, file.having(content))

    def _take_version(self, before: ConfigFile, after: ConfigFile) -> None:
        """Apply the difference between two versions of the configuration file."""
        try:
            config = after.config
            wanted = differences(before.config, config)
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
        new = differences(config_now(self._run.tuned), config)
        wanted = {each: wanted[each] for each in settings_of() if each in wanted and each in new}
        why_not = self._run.controls.apply_together(changes_to(self._run.tuned, wanted, config))
        if why_not:
            return self._complain(f"{name}: {why_not}")
        self._complaint = ""
        said = [f"{name}: {_list(wanted)}"] if wanted else []
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
