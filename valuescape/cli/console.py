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


def load_code(world_files: Iterable[Path] | None, plugins: Iterable[Path] | None) -> None:
    """Run world files and plug-ins, so that what they declare is known by name. Raises UsageError."""
    from valuescape.sim.plugins.loading import load_file
    from valuescape.sim.worlds import load_world_file

    for path in world_files or ():
        load_world_file(path)
    for path in plugins or ():
        load_file(path)


def read_config(
    preset: str,
    changes: Sequence[str] | None,
    world_files: Iterable[Path] | None,
    plugins: Iterable[Path] | None = None,
) -> "Config":
    """Return a preset's or a file's configuration, with changes such as `agents.count=5`.

    preset: a name, a configuration file, a trained model or the folder of a training run, which runs in the
    world that it fits. World files and plug-ins are loaded first, and modules that the configuration names
    after it is read. From now on, compilation and remarks on models are reported on standard error.
    Raises UsageError.
    """
    from valuescape.training_run import with_steps

    return with_steps(read_config_file(preset, changes, world_files, plugins).config)


def read_config_file(
    preset: str,
    changes: Sequence[str] | None,
    world_files: Iterable[Path] | None,
    plugins: Iterable[Path] | None = None,
) -> "ConfigFile":
    """Return the file that a configuration is read from, as `read_config` does it, with the changes to it."""
    from valuescape.model_files import preset_of

    begin_reading(world_files, plugins)
    return config_file(*preset_of(preset, changes or []))


def begin_reading(world_files: Iterable[Path] | None, plugins: Iterable[Path] | None) -> None:
    """Report compilation and remarks on models on standard error from now on; load world files and plug-ins.

    Raises UsageError.
    """
    from valuescape import remarks
    from valuescape.sim.codegen import notice as compiling

    compiling.listen(_say_that_it_compiles)
    remarks.listen(err.say)
    load_code(world_files, plugins)


def config_file(name: str, changes: Sequence[str]) -> "ConfigFile":
    """Return a preset's or a configuration's file with changes; load the modules that it names.

    Raises UsageError.
    """
    from valuescape.run.config_file import ConfigFile
    from valuescape.sim.plugins.configured import load_configured

    file = ConfigFile.named(name, tuple(changes))
    load_configured(file.config.plugins, err.say)
    return file


def _say_that_it_compiles() -> None:
    err.say("compiling the simulation: a quarter of a minute, once for each world and set of systems")


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
