"""Steps that several commands share: load configurations and worlds, check and write files, print."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.cli.terminal import err, out
from valuescape.paths import require_writable
from valuescape.sim.paths import require_replaceable

if TYPE_CHECKING:
    from valuescape.run.config_file import ConfigFile
    from valuescape.sim.config.files import Config


def load_world_files(paths: Iterable[Path] | None) -> None:
    """Run world files, so that their worlds are known by name. Raises UsageError."""
    from valuescape.sim.worlds import load_world_file

    for path in paths or ():
        load_world_file(path)


def read_config(preset: str, changes: Sequence[str] | None, world_files: Iterable[Path] | None) -> "Config":
    """Return a preset's or a file's configuration, with changes such as `agents.count=5`.

    preset: a name, a configuration file, a trained model or the folder of a training run, which runs in the
    world that it fits. World
    files are loaded first. From now on, compilation and remarks on models are reported on standard error.
    Raises UsageError.
    """
    from valuescape.training_run import with_steps

    return with_steps(read_config_file(preset, changes, world_files).config)


def read_config_file(
    preset: str, changes: Sequence[str] | None, world_files: Iterable[Path] | None
) -> "ConfigFile":
    """Return the file that a configuration is read from, as `read_config` does it, with the changes to it."""
    from valuescape import remarks
    from valuescape.model_files import preset_of
    from valuescape.run.config_file import ConfigFile
    from valuescape.sim.codegen import notice as compiling

    compiling.listen(_say_that_it_compiles)
    remarks.listen(err.say)
    load_world_files(world_files)
    name, changed = preset_of(preset, changes or [])
    return ConfigFile.named(name, tuple(changed))


def _say_that_it_compiles() -> None:
    err.say("compiling the simulation for this machine: a quarter of a minute, the first time only")


def require_files(**paths: Path | None) -> None:
    """Raise UsageError if a file cannot be written. paths: by the name of its option; None is skipped."""
    for option, path in paths.items():
        if path:
            require_replaceable(path, f"--{option}")
            require_writable(f"--{option}", path.parent)


def say_lines(lines: Iterable[str], style: str = "") -> None:
    """Print sentences."""
    for line in lines:
        out.say((line, style))


def say_written(path: Path) -> None:
    """Print the name of a file that was written."""
    out.say("wrote ", (str(path), "bold"))
