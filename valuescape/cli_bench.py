"""The command `bench`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from valuescape.cli_parts import Debug, HtmlFile, JsonFile, say_written, write_json

if TYPE_CHECKING:
    from valuescape.bench import Measured
    from valuescape.html_report import Chapter

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False)


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GROUP]...",
            help="arrays, field, hand-over, heights, mesh, statistics, trails; all if none is named.",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.01, help="Of each benchmark, about.")] = 0.5,
    most: Annotated[
        int | None, typer.Option(min=1, help="Leave out benchmarks of more things (agents, texels).")
    ] = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/bench.html"),
    debug: Debug = False,
) -> int:
    """Run the micro-benchmarks: each way of doing a thing beside the way that it took the place of.

    "Times as fast" compares with the first way of a group and count. Needs pytest and pytest-benchmark:
    pip install 'valuescape[bench]'. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape bench

      valuescape bench heights trails --seconds 2
    """
    from gpu.context import create_headless_context, driver_info
    from sim.interrupts import Interrupts
    from valuescape.bench import as_json as bench_json
    from valuescape.bench import run_benchmarks
    from valuescape.outputs import require_writable

    for option, path in (("--report", report), ("--json", as_json)):
        if path:
            require_writable(option, path.parent)
    gl = create_headless_context()
    driver = driver_info(gl).renderer
    gl.release()
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[state]}"))
    with (
        Interrupts() as interrupts,
        Bar(*columns, TimeRemainingColumn(), console=_err, transient=True) as bar,
    ):
        task = bar.add_task("", total=None, state="")

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, state=name)

        found = run_benchmarks(names or [], seconds, most, interrupts, show)
        interrupted = interrupts.asked
    if found:
        _tell(found, driver, report)
        write_json(_out, as_json, bench_json(found, driver))
    return 130 if interrupted else 0


def _tell(found: Sequence["Measured"], driver: str, report: Path) -> None:
    from valuescape.bench import groups, table
    from valuescape.html_report import write_html

    rows = table(found)
    shown = Table(*rows[0])
    for row, following in zip(rows[1:], [*rows[2:], None], strict=True):
        shown.add_row(*map(escape, row), end_section=following is None or following[0] != row[0])
    _out.print(shown)
    about = groups()
    names = dict.fromkeys(each.group for each in found)
    chapters = [_chapter(name, about[name.replace(" ", "-")], found) for name in names]
    write_html(report, "Micro-benchmarks", [f"OpenGL by {driver}."], chapters)
    say_written(_out, report)


def _chapter(name: str, about: str, found: Sequence["Measured"]) -> "Chapter":
    from valuescape.bench import table
    from valuescape.html_report import Chapter

    some = [each for each in found if each.group == name]
    return Chapter(name, about, table(some), lambda axes: _plot(axes, some))


def _plot(axes: Any, some: Sequence["Measured"]) -> None:
    """Lines over the count where there are several counts, else bars."""
    ways = list(dict.fromkeys(each.way for each in some))
    if len({each.count for each in some}) == 1:
        axes.barh(ways[::-1], [each.median_us for each in reversed(some)], color="tab:blue")
        axes.set(xscale="log", xlabel="µs")
        return
    for way in ways:
        points = [(each.count, each.median_us) for each in some if each.way == way]
        axes.plot(*zip(*points, strict=True), marker="o", label=way)
    axes.set(xscale="log", yscale="log", xlabel="count", ylabel="µs")
    axes.legend()
