"""The command `stress`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from valuescape.cli.breaking_point import SearchOptions, run_search
from valuescape.cli.chaos import run_chaos
from valuescape.cli.code import NO_CODE, Code, takes_code
from valuescape.cli.console import read_config
from valuescape.cli.measuring import Files, cluster_of
from valuescape.cli.options import (
    Cluster,
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    cluster_changes,
)
from valuescape.cli.soak import run_soak
from valuescape.sim.errors import UsageError

if TYPE_CHECKING:
    from valuescape.sim.config.files import Config
    from valuescape.sim.interrupts import Interrupts


_Load = Annotated[
    str,
    typer.Option(help="The load to increase: agents, trails, field, ticks, or several with commas."),
]
_Start = Annotated[int | None, typer.Option(min=1, help="The least load; the preset's own if not given.")]
_Most = Annotated[int | None, typer.Option(min=1, help="The greatest load.")]
_Seconds = Annotated[float, typer.Option(min=0.5, help="Of each trial.")]
_UntilBreak = Annotated[
    bool,
    typer.Option("--until-break", help="Search for the breaking load, as without --minutes and --chaos."),
]
_Chaos = Annotated[
    bool, typer.Option("--chaos", help="Kill and stop workers; compare the state with a quiet run's.")
]
_Minutes = Annotated[
    float | None,
    typer.Option(min=0.01, help="Soak for so long, and see what grows. With --chaos: its length (1)."),
]
_Require = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="LOAD",
        help="End with status 1 if less than this is carried; the search begins with it.",
    ),
]


@takes_code
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
    cluster: Cluster = None,
    overrides: Overrides = None,
    code: Code = NO_CODE,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/stress.html"),
    debug: Debug = False,
) -> int:
    """Find the load at which a health limit breaks; name the limit and the longest section of a frame.

    Doubles the load until a limit breaks twice in a row, then halves the gap. Several loads are doubled
    together, as a percentage of the preset's. With --minutes it soaks instead: a long run shows whether
    memory, files, OpenGL objects or threads grow; with --until-break as well, both are done, the soak under
    the greatest load that was carried. With --chaos it proves that nothing is lost when workers are killed or
    hang. Ctrl-C keeps what was measured.

    Ends with status 1 if less is carried than --require says, if something grows, or if chaos ends in another
    state.

    [bold]Examples[/]

      valuescape stress

      valuescape stress crowd --load agents,trails --seconds 4

      valuescape stress --require 2000 --json stress.json

      valuescape stress stress --minutes 10

      valuescape stress --chaos --minutes 5

      valuescape stress crowd --cluster auto
    """
    from valuescape.sim.interrupts import Interrupts

    _require_one_kind(chaos=chaos, until_break=until_break, minutes=minutes, require=require)
    config = read_config(preset, [*(overrides or []), *cluster_changes(cluster)], code)
    if chaos and config.workers.cluster:
        raise UsageError(
            "--chaos harms workers of this machine, not nodes of a cluster", "leave one of the two out"
        )
    files = Files(report, as_json)
    files.require()
    with cluster_of(config), Interrupts() as interrupts:
        if chaos:
            return run_chaos(config, minutes or 1.0, interrupts, files)
        if minutes and not until_break:
            return run_soak(config, minutes, interrupts, files)
        options = SearchOptions(load, start, most, require, seconds)
        return _search_and_soak(config, options, minutes, interrupts, files)


def _require_one_kind(*, chaos: bool, until_break: bool, minutes: float | None, require: int | None) -> None:
    """Raise UsageError if options of different kinds of stress were given together."""
    if chaos and until_break:
        raise UsageError("--chaos does not go with --until-break", "run the command twice")
    if require and (chaos or (minutes and not until_break)):
        raise UsageError(
            "--require is about what is carried, which --chaos and --minutes do not look for",
            "leave one out, or add --until-break to --minutes",
        )


def _search_and_soak(
    config: "Config",
    options: SearchOptions,
    minutes: float | None,
    interrupts: "Interrupts",
    files: Files,
) -> int:
    """Search for the breaking load; with `minutes`, then soak the greatest load that was carried."""
    status, carried = run_search(config, options, interrupts, files)
    if minutes and carried and not interrupts.asked:
        status = run_soak(carried, minutes, interrupts, files.beside("-soak")) or status
    return status
