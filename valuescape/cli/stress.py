"""The command `stress`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.console import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    WorldFiles,
    progress_bar,
    read_config,
    require_files,
    say_lines,
    say_written,
    write_json,
)
from valuescape.cli.terminal import err, out
from valuescape.cli.text_table import say_rows
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.breaking_point import Search
    from valuescape.studies.loads import Load


_Load = Annotated[
    str,
    typer.Option(
        help="What there is more and more of: agents, trails, field, ticks, or several with commas."
    ),
]
_Start = Annotated[int | None, typer.Option(min=1, help="The least load; what the preset has, if not given.")]
_Most = Annotated[int | None, typer.Option(min=1, help="The greatest load.")]
_Seconds = Annotated[float, typer.Option(min=0.5, help="Of each trial.")]
_UntilBreak = Annotated[
    bool,
    typer.Option("--until-break", help="Search for the breaking point: what it does unless told otherwise."),
]
_Chaos = Annotated[
    bool, typer.Option("--chaos", help="Kill and stop workers; compare the state with a quiet run's.")
]
_Minutes = Annotated[
    float | None,
    typer.Option(min=0.01, help="Run for so long, and see what grows. With --chaos: of chaos (1)."),
]
_Require = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="LOAD",
        help="End with status 1 if less than this is carried; the search begins with it.",
    ),
]


def stress(
    preset: Preset = "demo",
    load: _Load = "agents",
    start: _Start = None,
    most: _Most = None,
    seconds: _Seconds = 6.0,
    until_break: _UntilBreak = False,
    chaos: _Chaos = False,
    minutes: _Minutes = None,
    require: _Require = None,
    overrides: Overrides = None,
    world_files: WorldFiles = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/stress.html"),
    debug: Debug = False,
) -> int:
    """Look for the load at which a health limit breaks, and say which, and what dominated a frame then.

    Doubles the load until something breaks, twice in a row, then halves the gap. Of several loads at once,
    the percentage of what the preset has is doubled. With --minutes it runs for long instead and looks at
    memory, files, OpenGL objects and threads; with --until-break too, at the greatest load that was carried.
    With --chaos it proves that nothing is lost when workers are killed or hang. Ctrl-C keeps what was
    measured.

    Ends with status 1 if less is carried than --require says, if something grows, or if chaos ends in another
    state.

    [bold]Examples[/]

      valuescape stress

      valuescape stress crowd --load agents,trails --seconds 4

      valuescape stress --require 2000 --json stress.json

      valuescape stress stress --minutes 10

      valuescape stress --chaos --minutes 5
    """
    from valuescape.sim.interrupts import Interrupts

    if chaos and until_break:
        raise UsageError("--chaos does not go with --until-break", "run the command twice")
    if require and (chaos or (minutes and not until_break)):
        raise UsageError(
            "--require is about what is carried, which --chaos and --minutes do not look for",
            "leave one out, or add --until-break to --minutes",
        )
    config = read_config(preset, overrides, world_files)
    require_files(report=report, json=as_json)
    where = as_json, report
    with Interrupts() as interrupts:
        if chaos:
            return _chaos(config, minutes or 1.0, interrupts, where)
        if minutes and not until_break:
            return _soak(config, minutes, interrupts, where)
        wanted = Wanted(load, start, most, require, seconds, minutes)
        return _search(config, wanted, interrupts, where)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is asked for, as the options of the command have it."""

    load: str
    start: int | None
    most: int | None
    require: int | None
    seconds: float
    minutes: float | None

    def ends(self, load: "Load", config: "Config") -> tuple[int, int]:
        """Return the least and the greatest load to try. Raises UsageError if they leave nothing to try."""
        start, most = self.start or self.require or load.start(config), load.most(config)
        most = min(self.most or most, most)
        if self.require and self.require > most:
            raise UsageError(f"--require {self.require}: expected at most {most}, the greatest load tried")
        if start > most:
            raise UsageError(f"--start {start}: expected at most {most}")
        return start, most


def _search(
    config: "Config", wanted: Wanted, interrupts: "Interrupts", where: tuple[Path | None, Path]
) -> int:
    from valuescape.run.validate import validate
    from valuescape.sim.config.files import changed
    from valuescape.studies.breaking_point import as_json as stress_json
    from valuescape.studies.breaking_point import confirmed, lies_between, search, trials_left
    from valuescape.studies.loads import Load, try_session

    load = Load.read(wanted.load)
    validate(config)
    load.require(config)
    start, most = wanted.ends(load, config)
    with progress_bar() as bar:
        task = bar.add_task("", total=None, state="")

        def try_load(amount: int, so_far: "Search") -> Any:
            left, tried = trials_left(so_far), len(so_far.trials)
            total = None if left is None else tried + left
            bar.update(task, completed=tried, total=total, state=f"{amount:,} {load.unit}")
            return try_session(config, load, amount, wanted.seconds, interrupts)

        found = search(confirmed(try_load), start, most, lambda: interrupts.asked)
        if wanted.require and lies_between(wanted.require, found) and not interrupts.asked:
            found.trials.append(confirmed(try_load)(wanted.require, found))
    if not found.trials:
        return 130
    _tell_search(found, load.unit, where[1])
    write_json(where[0], stress_json(found, load.unit), config)
    if interrupts.asked:
        return 130
    status = _enough(found, wanted.require, load.unit)
    if wanted.minutes and found.carried:
        carried = changed(config, load.settings(config, found.carried.load))
        status = _soak(carried, wanted.minutes, interrupts, _beside(where)) or status
    return status


def _enough(found: "Search", require: int | None, unit: str) -> int:
    """Return the exit status: 1, which is said, if less is carried than was required."""
    carried = found.carried.load if found.carried else 0
    if require is None or carried >= require:
        return 0
    err.say(("--require:", "bold red"), f" {carried:,} {unit} are carried, required are {require:,}")
    return 1


def _beside(where: tuple[Path | None, Path]) -> tuple[Path | None, Path]:
    """Return where a soak that follows a search is written: beside it."""
    json_path, report = where
    soak_json = json_path and json_path.with_stem(f"{json_path.stem}-soak")
    return soak_json, report.with_stem(f"{report.stem}-soak")


def _tell_search(found: "Search", unit: str, report: Path) -> None:
    from valuescape.studies.breaking_point import verdict
    from valuescape.studies.stress_report import trials_table, write_search

    say_rows(out, trials_table(found, unit))
    say_lines(verdict(found, unit))
    write_search(report, found, unit)
    say_written(report)


def _soak(config: "Config", minutes: float, interrupts: "Interrupts", where: tuple[Path | None, Path]) -> int:
    from valuescape.formatting import finite
    from valuescape.run.validate import validate
    from valuescape.studies.soak import soak
    from valuescape.studies.stress_report import soak_lines, soak_table, write_soak

    validate(config)
    with progress_bar() as bar:
        task = bar.add_task("", total=1.0, state="")

        def show(done: float, sample: Any) -> None:
            state = f"{sample.memory / 1e6:.0f} MB, {sample.gl_objects} OpenGL objects, {sample.fps:.0f} fps"
            bar.update(task, completed=done, state=state)

        result = soak(config, 60 * minutes, interrupts, show)
    if not result.samples:
        return 130
    say_rows(out, soak_table(result))
    say_lines(soak_lines(result))
    write_soak(where[1], result, f"{config.world.name}, {config.agents.count:,} agents")
    say_written(where[1])
    write_json(where[0], finite(asdict(result)), config)
    return 130 if interrupts.asked else 1 if result.grows else 0


def _chaos(
    config: "Config", minutes: float, interrupts: "Interrupts", where: tuple[Path | None, Path]
) -> int:
    from valuescape.run.validate import validate
    from valuescape.studies.chaos import disturb
    from valuescape.studies.stress_report import chaos_lines, write_chaos

    checkpoint = validate(config)
    with progress_bar() as bar:
        task = bar.add_task("", total=1.0, state="")

        def show(done: float, result: Any) -> None:
            state = f"round {result.rounds}, {result.killed} killed, {result.stopped} stopped"
            bar.update(task, completed=done, state=state)

        result = disturb(config, checkpoint, 60 * minutes, interrupts, show)
    say_lines(chaos_lines(result), "bold red" if result.differing else "green")
    write_chaos(where[1], result, f"{config.world.name}, {config.agents.count:,} agents")
    say_written(where[1])
    write_json(where[0], asdict(result), config)
    return 130 if interrupts.asked else 1 if result.differing else 0
