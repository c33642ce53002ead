"""A run's configuration as it is now, written as a preset."""

import re
from pathlib import Path

from valuescape.run.applying import Changing, config_now, differences
from valuescape.sim.config.files import Config
from valuescape.sim.config.toml_writer import commented_toml
from valuescape.sim.errors import UsageError, shown

_NAME = re.compile(r"[\w][\w .-]{0,79}")
"""Names that are files anywhere."""

_MOST_COPIES = 1000


def save_preset(run: Changing, started: Config, folder: Path, name: str) -> Path:
    """Write the configuration of a run with all live settings as they are now; return the file's path.

    The file has what differs from the defaults, each with its meaning, so it runs by itself:
    `valuescape run FILE`. Its head names what differs from `started`. A file that is there stays: the new one
    gets a number. Raises UsageError if the name is none for a file, or it cannot be written.
    """
    if not _NAME.fullmatch(name) or name.endswith((" ", ".")):
        raise UsageError(f"{shown(name)} is no name for a preset", "take letters, digits, '-' and '_'")
    config = config_now(run)
    parameters = {
        f"world.parameters.{each.name}": f"from {each.low:g} to {each.high:g} {each.unit}; "
        f"default: {each.default:g}"
        for each in run.stage.engine.world.parameters
    }
    text = f"{_head(name, started, config)}\n{commented_toml(config, started, parameters)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_beside(folder, name.removesuffix(".toml"), text)
    except OSError as error:
        raise UsageError(f"{folder / name}: cannot be written ({error.strerror})") from None


def _head(name: str, started: Config, config: Config) -> str:
    names = ", ".join(differences(started, config))
    return (
        f"# {name}: saved from a run.\n"
        "# Below is what differs from the defaults; all other settings have theirs.\n"
        f"# Changed in that run: {names or 'nothing'}.\n"
    )


def _write_beside(folder: Path, stem: str, text: str) -> Path:
    """Write a new file, with a number if there is one of its name."""
    for number in range(1, _MOST_COPIES):
        path = folder / (f"{stem}.toml" if number == 1 else f"{stem}-{number}.toml")
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise UsageError(f"{folder / stem}: there are {_MOST_COPIES} files of that name")
