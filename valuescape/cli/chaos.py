"""The faults of `stress --chaos`: whether a run survives workers that are killed or stopped."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from valuescape.cli.console import say_lines
from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.progress import progress_bar

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.chaos import ChaosResult


def run_chaos(config: "Config", minutes: float, interrupts: "Interrupts", files: Files) -> int:
    """Disturb runs for `minutes`, print and write the results, and return the exit status."""
    from valuescape.run.validate import validate
    from valuescape.studies.chaos import disturb
    from valuescape.studies.stress_report import chaos_lines, chaos_page

    checkpoint = validate(config)
    with progress_bar(total=1.0) as update:

        def show(done: float, result: "ChaosResult") -> None:
            state = f"round {result.rounds}, {result.killed} killed, {result.stopped} stopped"
            update(completed=done, state=state)

        result = disturb(config, checkpoint, 60 * minutes, interrupts, show)
    say_lines(chaos_lines(result), "bold red" if result.differing else "green")
    title = f"{config.world.name}, {config.agents.count:,} agents"
    files.write(chaos_page(result, title), asdict(result), config)
    return exit_status(interrupts, failed=bool(result.differing))
