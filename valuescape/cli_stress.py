"""The command `stress`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sim.errors import UsageError
from valuescape.cli_parts import Debug, HtmlFile, JsonFile, Overrides, Preset, say_written, write_json

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def stress(
    preset: Preset = "demo",
    load: Annotated[
        str, typer.Option(help="What there is more and more of: agents, trails, field or ticks.")
    ] = "agents",
    start: Annotated[
        int | None, typer.Option(min=1, help="The least load; what the preset has, if not given.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="The greatest load.")] = None,
    seconds: Annotated[float, typer.Option(min=0.5, help="Of each trial.")] = 6.0,
    until_break: Annotated[
        bool,
        typer.Option("--until-break", help="Search for the breaking point; this is what it does by itself."),
    ] = False,
    chaos: Annotated[
        bool,
        typer.Option(
            "--chaos", help="Kill and stop workers instead, and compare the state with a quiet run's."
        ),
    ] = False,
    minutes: Annotated[float, typer.Option(min=0.01, help="Of --chaos.")] = 1.0,
    overrides: Overrides = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/stress.html"),
    debug: Debug = False,
) -> int:
    """Look for the load at which a health limit breaks, and say which, and what dominated a frame then.

    Doubles the load until something breaks, then halves the gap. With --chaos it proves that nothing is lost
    when workers are killed or hang. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape stress

      valuescape stress crowd --load trails --seconds 4

      valuescape stress --chaos --minutes 5
    """
    from sim.config import load_config
    from sim.interrupts import Interrupts
    from valuescape.outputs import require_writable
    from valuescape.presets import config_path
    from valuescape.stage import runnable

    if chaos and until_break:
        raise UsageError("--chaos does not go with --until-break", "run the command twice")
    config = load_config(config_path(preset), overrides or [])
    checkpoint = runnable(config)
    for option, path in (("--report", report), ("--json", as_json)):
        if path:
            require_writable(option, path.parent)
    with Interrupts() as interrupts:
        if chaos:
            return _chaos(config, checkpoint, minutes, interrupts, as_json)
        return _search(config, load, (start, most), seconds, interrupts, (as_json, report))


def _search(
    config: Any,
    load: str,
    ends: tuple[int | None, int | None],
    seconds: float,
    interrupts: Any,
    where: tuple[Path | None, Path],
) -> int:
    from valuescape.stress import LOADS, search, try_session
    from valuescape.stress import as_json as stress_json

    if load not in LOADS:
        raise UsageError(f"--load {load}: expected {', '.join(LOADS)}")
    name, greatest = LOADS[load]
    section, _, key = name.partition(".")
    start = ends[0] or max(int(getattr(getattr(config, section), key)), 1)
    most = min(ends[1] or greatest, greatest)
    if start > most:
        raise UsageError(f"--start {start}: expected at most {most}")
    with _bar() as bar:
        task = bar.add_task("", state="")

        def try_load(amount: int) -> Any:
            bar.update(task, state=f"{amount:,} {load}")
            return try_session(config, load, amount, seconds, interrupts)

        found = search(try_load, start, most, lambda: interrupts.asked)
    if not found.trials:
        return 130
    _tell(found, load, where[1])
    write_json(_out, where[0], stress_json(found, load))
    return 130 if interrupts.asked else 0


def _tell(found: Any, load: str, report: Path) -> None:
    from valuescape.html_report import Chapter, write_html
    from valuescape.stress import verdict

    rows = [[load, "FPS", "P95 (ms)", "ticks/s", "longest section", "broken"]]
    trials = sorted(found.trials, key=lambda each: each.load)
    for each in trials:
        figures = f"{each.load:,}", _shown(each.fps), _shown(each.frame_ms_p95), _shown(each.ticks_per_s)
        rows.append([*figures, each.dominated, "; ".join(each.broken)])
    table = Table(*rows[0])
    for row in rows[1:]:
        table.add_row(*map(escape, row))
    _out.print(table)
    lines = verdict(found, load)
    for line in lines:
        _out.print(escape(line), soft_wrap=True)
    chapters = [
        Chapter(f"Frame time over {load}", plot=lambda axes: _plot(axes, trials, load)),
        Chapter("Trials", "In the order of their load.", rows),
    ]
    write_html(report, f"Until it breaks: {load}", lines, chapters)
    say_written(_out, report)


def _plot(axes: Any, trials: Sequence[Any], load: str) -> None:
    axes.plot([each.load for each in trials], [each.frame_ms_p95 for each in trials], color="0.6", zorder=0)
    for well, label, color in ((True, "carried", "tab:green"), (False, "broke", "tab:red")):
        some = [each for each in trials if (not each.broken) == well]
        axes.scatter(
            [each.load for each in some], [each.frame_ms_p95 for each in some], color=color, label=label
        )
    axes.set(xscale="log", xlabel=load, ylabel="frame time P95 (ms)", ylim=(0, None))
    axes.legend()


def _chaos(config: Any, checkpoint: Any, minutes: float, interrupts: Any, as_json: Path | None) -> int:
    from dataclasses import asdict

    from valuescape.chaos import TICKS, disturb

    with _bar() as bar:
        task = bar.add_task("", total=1.0, state="")

        def show(done: float, result: Any) -> None:
            state = f"round {result.rounds}, {result.killed} killed, {result.stopped} stopped"
            bar.update(task, completed=done, state=state)

        result = disturb(config, checkpoint, 60 * minutes, interrupts, show)
    _out.print(
        f"{result.rounds} rounds of {TICKS} ticks: {result.killed} workers killed, {result.stopped} stopped, "
        f"{result.restarts} replaced",
        soft_wrap=True,
    )
    same = f"all {result.rounds} ended in the state of an undisturbed run, bit by bit"
    differing = f"{len(result.differing)} ended in another state: rounds {result.differing}"
    _out.print(f"[bold red]{differing}[/]" if result.differing else f"[green]{same}[/]", soft_wrap=True)
    write_json(_out, as_json, asdict(result))
    return 130 if interrupts.asked else 1 if result.differing else 0


def _bar() -> Bar:
    columns = SpinnerColumn(), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn()
    return Bar(*columns, console=_err, transient=True)


def _shown(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.1f}"
