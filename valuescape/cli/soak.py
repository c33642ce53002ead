"""The long run of `stress --minutes`: whether memory or counts of resources grow."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from valuescape.cli.console import say_lines
from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.soak import Sample


def run_soak(config: "Config", minutes: float, interrupts: "Interrupts", files: Files) -> int:
    """Run the program for `minutes`, print and write what grew, and return the exit status."""
    from valuescape.formatting import finite
    from valuescape.run.validate import validate
    from valuescape.studies.soak import soak
    from valuescape.studies.stress_report import soak_lines, soak_page, soak_table

    validate(config)
    with progress_bar(total=1.0) as update:

        def show(done: float, sample: "Sample") -> None:
            state = f"{sample.memory / 1e6:.0f} MB, {sample.gl_objects} OpenGL objects, {sample.fps:.0f} fps"
            update(completed=done, state=state)

        result = soak(config, 60 * minutes, interrupts, show)
    if not result.samples:
        return 130
    say_rows(out, soak_table(result))
    say_lines(soak_lines(result))
    title = f"{config.world.name}, {config.agents.count:,} agents"
    files.write(soak_page(result, title), finite(asdict(result)), config)
    return exit_status(interrupts, failed=bool(result.grows))
