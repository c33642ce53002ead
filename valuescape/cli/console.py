"""Steps that several commands share: load configurations and worlds, check and write files, print."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.cli.terminal import err, out
from valuescape.paths import require_writable
from valuescape.sim.paths import require_replaceable

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config


def load_world_files(paths: Iterable[Path] | None) -> None:
    """Run the files that the user named, so that their worlds are known. Raises UsageError."""
    from valuescape.sim.worlds import load_world_file

    for path in paths or ():
        load_world_file(path)


def read_config(preset: str, changes: Sequence[str] | None, world_files: Iterable[Path] | None) -> "Config":
    """Return a preset's configuration, or a file's, with changes like `agents.count=5`.

    preset: may be a trained model's file, too; it then runs in the world that it fits. World files are loaded
    before it; what is compiled or odd about a model is said from now on. Raises UsageError.
    """
    from valuescape import remarks
    from valuescape.model_files import preset_of
    from valuescape.presets import config_path
    from valuescape.sim.codegen import notice as compiling
    from valuescape.sim.config.files import load_config

    compiling.listen(_say_that_it_compiles)
    remarks.listen(err.say)
    load_world_files(world_files)
    name, changed = preset_of(preset, changes or [])
    return load_config(config_path(name), changed)


def _say_that_it_compiles() -> None:
    err.say("compiling the simulation for this machine: a quarter of a minute, the first time only")


def require_files(**paths: Path | None) -> None:
    """Raise UsageError if one of the files that were asked for, by its option's name, cannot be written."""
    for option, path in paths.items():
        if path:
            require_replaceable(path, f"--{option}")
            require_writable(f"--{option}", path.parent)


def say_lines(lines: Iterable[str], style: str = "") -> None:
    """Print sentences."""
    for line in lines:
        out.say((line, style))


def say_written(path: Path) -> None:
    """Say that a file was written."""
    out.say("wrote ", (str(path), "bold"))
