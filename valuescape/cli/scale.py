"""The command `scale`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import read_config, require_files, say_lines, say_written
from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.options import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
)
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.studies.scale import Cell, ScalePlan, Settings, Verdict

_Workers = Annotated[
    str | None,
    typer.Option(show_default="0,1,2", help="Numbers of worker processes; 0 steps in the main process."),
]
_Agents = Annotated[str | None, typer.Option(show_default="100,1000,10000,100000", help="Numbers of agents.")]
_Seconds = Annotated[float | None, typer.Option(min=0.05, show_default="1.0", help="Of each measurement.")]
_Frames = Annotated[
    int | None, typer.Option(min=0, show_default="60", help="Frames of each; 0 measures no pictures.")
]
_Repeats = Annotated[
    int | None, typer.Option(min=1, show_default="3", help="Times that each is measured, in mixed order.")
]
_Sweep = Annotated[
    Path | None,
    typer.Option(
        "--sweep",
        metavar="FILE.toml",
        help="What to measure: workers, agents, seconds, frames, repeats, and [settings] with lists of "
        "values. Options given beside it come first.",
    ),
]


@takes_code
def scale(
    preset: Preset = "demo",
    workers: _Workers = None,
    agents: _Agents = None,
    seconds: _Seconds = None,
    frames: _Frames = None,
    repeats: _Repeats = None,
    sweep: _Sweep = None,
    overrides: Overrides = None,
    code: Code = NO_CODE,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/scale.html"),
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Write a configuration with the best number of workers."),
    ] = None,
    debug: Debug = False,
) -> int:
    """Measure how a run scales with workers and agents, and say how many workers this machine should use.

    Measures ticks and agent-steps a second, frames, the hand-over of a tick, and memory. More workers are
    advised only where they are faster beyond the spread of repeats. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape scale

      valuescape scale --workers 0,1,2,4 --agents 1000,100000 --world pendulum --frames 0

      valuescape scale --sweep sweep.toml --json scale.json

      valuescape scale --write mine.toml && valuescape run mine.toml
    """
    given = {
        "workers": _numbers("--workers", workers, 0),
        "agents": _numbers("--agents", agents, 1),
        "seconds": seconds,
        "frames": frames,
        "repeats": repeats,
    }
    config = read_config(preset, [*_changes(code), *(overrides or [])], code)
    plan = _plan(config, given, sweep, write)
    files = Files(report, as_json)
    files.require()
    require_files(write=write)
    return _measure(Order(preset, config, plan, files, write))


@dataclass(frozen=True, slots=True)
class Order:
    """The measurements to make, and the files to write. best: a configuration to write, if asked for."""

    preset: str
    config: "Config"
    plan: "ScalePlan"
    files: Files
    best: Path | None


def _measure(order: Order) -> int:
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.scale import measure

    cells: Sequence[Cell] = ()
    steps = len(order.plan.cells()) * order.plan.repeats
    with Interrupts() as interrupts, progress_bar(total=steps) as update:
        for cells in measure(order.config, order.plan, interrupts, lambda text: update(state=text)):  # noqa: B007
            update(advance=1)
    failed = not any(each.ticks_per_s for each in cells)
    if not failed:
        _tell(order, cells)
    return exit_status(interrupts, failed=failed)


def _changes(code: Code) -> list[str]:
    """Return the changes that go with another world."""
    return ["policy.checkpoint=auto"] if code.world else []


def _numbers(option: str, text: str | None, least: int) -> tuple[int, ...] | None:
    """Read `1,2,4`; None if nothing was given. Raises UsageError for anything else."""
    if text is None:
        return None
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < least:
        raise UsageError(f"{option} {text}: expected whole numbers from {least} with commas between them")
    return numbers


def _plan(config: "Config", given: dict[str, Any], sweep: Path | None, write: Path | None) -> "ScalePlan":
    """Return the measurements to make: options come before the sweep's file, that before the defaults.

    Raises UsageError if they cannot be run.
    """
    from valuescape.run.validate import validate
    from valuescape.sim.config.files import changed
    from valuescape.studies.scale import ScalePlan
    from valuescape.studies.sweep import read_sweep, require_size

    from_file = read_sweep(sweep) if sweep else {}
    plan = ScalePlan(**from_file | {name: value for name, value in given.items() if value is not None})
    require_size(plan)
    if write and len(plan.settings) > 1:
        raise UsageError(f"--write {write}: the sweep has {len(plan.settings)} settings, expected one")
    for settings in plan.settings:
        validate(changed(config, dict(settings)))
    return plan


def _tell(order: Order, cells: Sequence["Cell"]) -> None:
    from valuescape.studies.scale import as_json, judge_all
    from valuescape.studies.scale_report import scale_page, scale_table, settings_title, verdict_lines

    verdicts, repeats = judge_all(cells), order.plan.repeats
    for settings, verdict in verdicts:
        some = [each for each in cells if each.settings == settings]
        say_rows(out, scale_table(some, verdict, spread=False), keys=2, title=settings_title(settings))
        say_lines(verdict_lines(verdict, repeats))
    order.files.write(scale_page(order.config, cells, repeats), as_json(cells, order.plan), order.config)
    if order.best:
        _write_config(order.best, order, *verdicts[0])
        say_written(order.best)


def _write_config(path: Path, order: Order, settings: "Settings", verdict: "Verdict") -> None:
    """Write the configuration that was measured, with the best workers for its number of agents."""
    from valuescape.sim.config.files import changed
    from valuescape.sim.config.toml_writer import config_toml

    config = order.config
    nearest = min(verdict.best, key=lambda crowd: abs(math.log(crowd / config.agents.count)))
    best = changed(config, {**settings, "workers.count": verdict.best[nearest]})
    found = f"with the workers that `valuescape scale` found best here for {nearest:,} agents"
    path.write_text(f"# {Path(order.preset).stem}, {found}\n{config_toml(best)}", encoding="utf-8")
