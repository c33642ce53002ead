"""The command `bench`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.console import (
    Debug,
    HtmlFile,
    JsonFile,
    progress_bar,
    require_files,
    say_written,
    write_json,
)
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

if TYPE_CHECKING:
    from valuescape.studies.bench import Measured
    from valuescape.studies.html_report import Chapter


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="GROUP",
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
    from valuescape.gpu.context import create_headless_context, driver_info
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.bench import as_json as bench_json
    from valuescape.studies.bench import run_benchmarks

    require_files(report=report, json=as_json)
    gl = create_headless_context()
    driver = driver_info(gl).renderer
    gl.release()
    with Interrupts() as interrupts, progress_bar() as bar:
        task = bar.add_task("", total=None, state="")

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, state=name)

        found = run_benchmarks(names or [], seconds, most, interrupts, show)
        interrupted = interrupts.asked
    if found:
        _tell(found, driver, report)
        wanted = {"groups": " ".join(names or ["all"]), "seconds": seconds, "most": most}
        write_json(as_json, bench_json(found, driver), {"bench": wanted})
    return 130 if interrupted else 0


def _tell(found: Sequence["Measured"], driver: str, report: Path) -> None:
    from valuescape.studies.bench import groups, table
    from valuescape.studies.html_report import write_html

    say_rows(out, table(found), keys=3)
    about = groups()
    names = dict.fromkeys(each.group for each in found)
    chapters = [_chapter(name, about[name.replace(" ", "-")], found) for name in names]
    write_html(report, "Micro-benchmarks", [f"OpenGL by {driver}."], chapters)
    say_written(report)


def _chapter(name: str, about: str, found: Sequence["Measured"]) -> "Chapter":
    from valuescape.studies.bench import table
    from valuescape.studies.html_report import Chapter

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
