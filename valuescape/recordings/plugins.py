"""Plug-ins in recordings and pictures: which took part, and whether they are here to make them again."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from valuescape import remarks
from valuescape.recordings.contents import RecordedPlugins
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.configured import load_configured
from valuescape.sim.plugins.used import UsedSource, used_sources


def recorded_plugins(*, in_workers: bool = False) -> list[RecordedPlugins]:
    """Return the sources of plug-ins as files keep them. in_workers: only those of the simulation."""
    return [_recorded(each) for each in used_sources(in_workers=in_workers)]


def _recorded(used: UsedSource) -> RecordedPlugins:
    fields = asdict(used) | {"plugins": list(used.plugins)}
    del fields["off"]
    return RecordedPlugins(**fields)


def require_plugins(path: Path, what: str, recorded: Iterable[RecordedPlugins], config: Config) -> None:
    """Load the modules of a configuration, and see that the plug-ins of a file are here.

    path, what: the file that names them, and its kind, for complaints. One that has changed since is told.
    Raises UsageError if one is missing.
    """
    load_configured(config.plugins, lambda said: remarks.tell([said]))
    here = used_sources()
    for each in recorded:
        same = [one for one in here if _stands_for(one, each)]
        if not same:
            raise UsageError(
                f"{path}: this {what} was made with {_named(each)}, which is not loaded", _hint(each)
            )
        if all((one.sha256, one.version) != (each.sha256, each.version) for one in same):
            remarks.tell([f"{_named(each)} has changed since this {what} was made"])


def _stands_for(here: UsedSource, recorded: RecordedPlugins) -> bool:
    """Return whether a source is a recorded one: of the same content, or of the same name."""
    if recorded.sha256 and here.sha256 == recorded.sha256:
        return True
    return Path(here.name).name == Path(recorded.name).name and bool(here.sha256) == bool(recorded.sha256)


def _named(recorded: RecordedPlugins) -> str:
    if not recorded.name:
        return f"plug-ins of a script ({', '.join(recorded.plugins)})"
    return f"the plug-in {recorded.name}"


def _hint(recorded: RecordedPlugins) -> str:
    """Return what makes a plug-in known."""
    if recorded.sha256:
        sha = recorded.sha256[:12]
        return f"name it: {recorded.option} {recorded.name} (SHA-256 {sha}…)"
    if not recorded.name:
        return "declare them before, in the script that replays it"
    return f"install the package that has the module ({recorded.version or 'version not known'})"
