"""Steps that several commands share: load configurations and worlds, check and write files, print."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from valuescape.cli.code import NO_CODE, Code
from valuescape.cli.terminal import err, out
from valuescape.paths import require_writable
from valuescape.sim.paths import require_replaceable

if TYPE_CHECKING:
    from valuescape.run.config_file import ConfigFile
    from valuescape.sim.config.files import Config


def read_config(
    preset: str,
    changes: Sequence[str] | None,
    code: Code = NO_CODE,
) -> "Config":
    """Return a preset's or a file's configuration, with changes such as `agents.count=5`.

    preset: a name, a configuration file, a trained model or the folder of a training run, which runs in the
    world that it fits. Code that the command line names is loaded first, and modules that the configuration
    names after it is read. From now on, compilation and remarks on models are reported on standard error.
    Raises UsageError.
    """
    from valuescape.training_run import with_steps

    return with_steps(read_config_file(preset, changes, code).config)


def read_config_file(
    preset: str,
    changes: Sequence[str] | None,
    code: Code = NO_CODE,
) -> "ConfigFile":
    """Return the file that a configuration is read from, as `read_config` does it, with the changes to it."""
    from valuescape.model_files import preset_of

    given = list(changes or [])
    return config_file(*preset_of(preset, [*begin_reading(code, given), *given]))


def begin_reading(code: Code, changes: list[str]) -> list[str]:
    """Run the files of the user's code; return the settings that they mean, which `changes` override.

    From now on, compilation and remarks on models are reported on standard error. Raises UsageError.
    """
    from valuescape import remarks
    from valuescape.sim.codegen import notice as compiling

    compiling.listen(_say_that_it_compiles)
    remarks.listen(err.say)
    return code.load(changes)


def config_file(name: str, changes: Sequence[str]) -> "ConfigFile":
    """Return a preset's or a configuration's file with changes; load the modules that it names.

    Raises UsageError.
    """
    from valuescape.presets import changes_for_cluster
    from valuescape.run.config_file import ConfigFile
    from valuescape.sim.plugins.configured import load_configured

    file = ConfigFile.named(name, (*changes_for_cluster(name, changes), *changes))
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
