"""What a person reads in the terminal: progress while a run goes on, tables when it is over."""

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sim.config import Config
from sim.health import Limit, limits

if TYPE_CHECKING:
    from valuescape.results import Progress, RunResult
    from valuescape.session import Session


@contextlib.contextmanager
def progress_bar(
    console: Console, session: "Session", *, headless: bool
) -> Iterator[Callable[["Progress"], None]]:
    """Give a function that takes a run's progress and shows it; a window shows itself, and needs no bar."""
    if not headless:
        yield lambda _: None
        return
    columns = (
        TextColumn("recording" if session.recorder else "running"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("run", total=1.0, state="")

        def show(progress: "Progress") -> None:
            state = f"frame {progress.frames:,} · tick {progress.ticks:,} · {progress.fps:.0f} fps"
            bar.update(task, completed=progress.done, state=state)

        yield show


def show_result(console: Console, result: "RunResult", config: Config) -> None:
    """Print a run's figures, how it stood to the health limits, and the files it wrote."""
    report = result.report
    console.print(
        f"[bold]{config.world.name}[/]: {report['agents']:,} agents, {report['workers']} workers, "
        f"{report['frames']:,} frames, {report['ticks']:,} ticks, "
        f"{report['episodes']:,} episodes, mean return {_number(report['mean_return'])}",
        soft_wrap=True,
    )
    console.print(_figures_line(report), soft_wrap=True)
    console.print(_health_table(report, config))
    for alert in report["alerts"]:
        console.print(f"[yellow]after {alert['at_s']:.0f} s:[/] {escape(alert['said'])}", soft_wrap=True)
    for path in result.files:
        console.print(f"wrote [bold]{escape(str(path))}[/]", soft_wrap=True)


def _figures_line(report: dict[str, Any]) -> str:
    shown = {name: _number(value) for name, value in report.items() if isinstance(value, float)}
    figures = (
        f"start {report['start_s']:.1f} s",
        f"FPS {shown.get('fps_mean', '–')} ± {shown.get('fps_std', '–')}",
        f"frame P50 {shown.get('frame_ms_p50', '–')} ms, busy {shown.get('busy_ms_p50', '–')} ms",
        f"{shown.get('ticks_per_s', '–')} ticks/s",
        f"{shown.get('segments_per_frame', '–')} segments/frame",
        f"{report['upload_bytes_per_frame'] / 1e3:.1f} kB/frame",
        escape(report["gl_renderer"]),
    )
    return " · ".join(figures)


def _health_table(report: dict[str, float | None], config: Config) -> Table:
    title = "health" + (" (recording: every frame is also encoded)" if report["recorded"] else "")
    table = Table(title=title, title_justify="left")
    for name in ("limit", "measured", "below", ""):
        table.add_column(name, justify="left" if name in ("limit", "") else "right")
    figures = {name: math.nan if value is None else value for name, value in report.items()}
    for limit in limits(figures, config.health):
        table.add_row(limit.title, _number(limit.value), f"{limit.below:g}", _verdict(limit))
    return table


def _verdict(limit: Limit) -> str:
    if math.isnan(limit.value):
        return "[yellow]run too short to tell[/]"
    return "[green]kept[/]" if limit.kept else "[red]broken[/]"


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
