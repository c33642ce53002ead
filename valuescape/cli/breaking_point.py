"""The search of `stress`: the load at which a health limit breaks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valuescape.cli.console import say_lines
from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import err, out
from valuescape.cli.text_table import say_rows
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.breaking_point import Search, Trial
    from valuescape.studies.loads import Load


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """A search as the command line asks for it; None where an option was left out."""

    load: str
    start: int | None
    most: int | None
    require: int | None
    seconds: float

    def ends(self, load: "Load", config: "Config") -> tuple[int, int]:
        """Return the least and the greatest load to try. Raises UsageError if they leave nothing to try."""
        start, most = self.start or self.require or load.start(config), load.most(config)
        most = min(self.most or most, most)
        if self.require and self.require > most:
            raise UsageError(f"--require {self.require}: expected at most {most}, the greatest load tried")
        if start > most:
            raise UsageError(f"--start {start}: expected at most {most}")
        return start, most


def run_search(
    config: "Config", options: SearchOptions, interrupts: "Interrupts", files: Files
) -> tuple[int, "Config | None"]:
    """Search for the breaking load; print and write the results.

    Returns the exit status, and the configuration with the greatest load that was carried; None without one.
    """
    from valuescape.run.validate import validate
    from valuescape.sim.config.files import changed
    from valuescape.studies.loads import Load

    load = Load.read(options.load)
    validate(config)
    load.require(config)
    found = _search(config, load, options, interrupts)
    if not found.trials:
        return 130, None
    _tell(found, load.unit, config, files)
    carried = changed(config, load.settings(config, found.carried.load)) if found.carried else None
    too_little = not interrupts.asked and _carries_less(found, options.require, load.unit)
    return exit_status(interrupts, failed=too_little), carried


def _search(config: "Config", load: "Load", options: SearchOptions, interrupts: "Interrupts") -> "Search":
    from valuescape.studies.breaking_point import confirmed, lies_between, search, trials_left
    from valuescape.studies.loads import try_session

    start, most = options.ends(load, config)
    with progress_bar() as update:

        def try_load(amount: int, so_far: "Search") -> "Trial":
            left, tried = trials_left(so_far), len(so_far.trials)
            total = None if left is None else tried + left
            update(completed=tried, total=total, state=f"{amount:,} {load.unit}")
            return try_session(config, load, amount, options.seconds, interrupts)

        found = search(confirmed(try_load), start, most, lambda: interrupts.asked)
        if options.require and lies_between(options.require, found) and not interrupts.asked:
            found.trials.append(confirmed(try_load)(options.require, found))
    return found


def _carries_less(found: "Search", require: int | None, unit: str) -> bool:
    """Return whether less is carried than was required, which is then said."""
    carried = found.carried.load if found.carried else 0
    if require is None or carried >= require:
        return False
    err.say(("--require:", "bold red"), f" {carried:,} {unit} are carried, required are {require:,}")
    return True


def _tell(found: "Search", unit: str, config: "Config", files: Files) -> None:
    from valuescape.studies.breaking_point import as_json, verdict
    from valuescape.studies.stress_report import search_page, trials_table

    say_rows(out, trials_table(found, unit))
    say_lines(verdict(found, unit))
    files.write(search_page(found, unit), as_json(found, unit), config)
