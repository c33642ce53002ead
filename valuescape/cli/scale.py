"""The command `scale`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import read_config, require_files, say_lines, say_written
from valuescape.cli.measuring import Files, cluster_of, exit_status
from valuescape.cli.options import (
    Cluster,
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    cluster_changes,
)
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.studies.scale import Cell, ScalePlan, Settings
    from valuescape.studies.scale_verdict import Verdict

_Workers = Annotated[
    str | None,
    typer.Option(show_default="0,1,2", help="Numbers of worker processes; 0 steps in the main process."),
]
_Nodes = Annotated[
    str | None,
    typer.Option(
        show_default="0 to all, with --cluster",
        help="Numbers of the cluster's nodes, in place of workers; 0 steps on this machine alone.",
    ),
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
    nodes: _Nodes = None,
    agents: _Agents = None,
    seconds: _Seconds = None,
    frames: _Frames = None,
    repeats: _Repeats = None,
    sweep: _Sweep = None,
    cluster: Cluster = None,
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

    With --cluster it measures numbers of nodes in place of workers, each with workers.count of its own, and
    ends with status 1 if not all come to the same state.

    Measures ticks and agent-steps a second, frames, the hand-over of a tick, and memory. More workers are
    advised only where they are faster beyond the spread of repeats. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape scale

      valuescape scale --workers 0,1,2,4 --agents 1000,100000 --world pendulum --frames 0

      valuescape scale --sweep sweep.toml --json scale.json

      valuescape scale --write mine.toml && valuescape run mine.toml

      valuescape scale --cluster auto --nodes 0,1,4 --agents 100000,1000000 --frames 0
    """
    given = {
        "workers": _numbers("--workers", workers, 0),
        "nodes": _numbers("--nodes", nodes, 0),
        "agents": _numbers("--agents", agents, 1),
        "seconds": seconds,
        "frames": frames,
        "repeats": repeats,
    }
    config = read_config(preset, [*_changes(code), *(overrides or []), *cluster_changes(cluster)], code)
    plan = _plan(config, given, sweep, write)
    files = Files(report, as_json)
    files.require()
    require_files(write=write)
    with cluster_of(config) as names:
        plan = _with_nodes(plan, names)
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
    if not any(each.ticks_per_s for each in cells):
        return exit_status(interrupts, failed=True)
    return exit_status(interrupts, failed=not _tell(order, cells))


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
    said = from_file | {name: value for name, value in given.items() if value is not None}
    _require_unit(config, said)
    plan = ScalePlan(**said)
    require_size(plan)
    if write and len(plan.settings) > 1:
        raise UsageError(f"--write {write}: the sweep has {len(plan.settings)} settings, expected one")
    for settings in plan.settings:
        validate(changed(config, dict(settings)))
    return plan


def _require_unit(config: "Config", said: dict[str, Any]) -> None:
    """Raise UsageError if workers are to be counted on a cluster, or nodes without one."""
    if config.workers.cluster and "workers" in said:
        raise UsageError(
            "--workers, or workers of the sweep: with a cluster, numbers of nodes are measured",
            "use --nodes; --set workers.count=2 has two workers on each",
        )
    if "nodes" in said and not config.workers.cluster:
        raise UsageError("--nodes, or nodes of the sweep: no cluster is named", "name one with --cluster")


def _with_nodes(plan: "ScalePlan", names: list[str]) -> "ScalePlan":
    """Return a plan with numbers of nodes, by default all that there are. names: of the cluster's nodes.

    Raises UsageError if there are fewer than are asked for.
    """
    if not names:
        return plan
    if plan.nodes and max(plan.nodes) > len(names):
        raise UsageError(
            f"--nodes {max(plan.nodes)}: the cluster has {len(names)} with CPUs: {', '.join(names)}",
            "ask for fewer, or `ray start --address=HEAD:6379` adds one",
        )
    return replace(plan, nodes=plan.nodes or tuple(range(len(names) + 1)))


def _tell(order: Order, cells: Sequence["Cell"]) -> bool:
    """Print and write the results; return whether all numbers of nodes came to the same states."""
    from valuescape.studies.scale_report import scale_page, scale_table, settings_title, verdict_lines
    from valuescape.studies.scale_verdict import as_json, judge_all

    verdicts, repeats = judge_all(cells), order.plan.repeats
    for settings, verdict in verdicts:
        some = [each for each in cells if each.settings == settings]
        say_rows(out, scale_table(some, verdict, spread=False), keys=2, title=settings_title(settings))
        say_lines(verdict_lines(verdict, repeats))
    order.files.write(scale_page(order.config, cells, repeats), as_json(cells, order.plan), order.config)
    if order.best:
        _write_config(order.best, order, *verdicts[0])
        say_written(order.best)
    return not any(verdict.other_states for _, verdict in verdicts)


def _write_config(path: Path, order: Order, settings: "Settings", verdict: "Verdict") -> None:
    """Write the configuration that was measured, with the best number for its number of agents."""
    from valuescape.sim.cluster.requirements import without_cluster
    from valuescape.sim.config.files import changed
    from valuescape.sim.config.toml_writer import config_toml

    config = order.config
    nearest = min(verdict.best, key=lambda crowd: abs(math.log(crowd / config.agents.count)))
    unit, count = verdict.unit, verdict.best[nearest]
    best = changed(config, {**settings, unit.setting: count})
    if config.workers.cluster and not count:
        best = without_cluster(best)
    found = f"with the {unit.many} that `valuescape scale` found best here for {nearest:,} agents"
    path.write_text(f"# {Path(order.preset).stem}, {found}\n{config_toml(best)}", encoding="utf-8")
