"""The command `bench`."""

from pathlib import Path
from typing import Annotated

import typer

from valuescape.cli.measuring import Files, exit_status
from valuescape.cli.options import Debug, HtmlFile, JsonFile
from valuescape.cli.progress import progress_bar
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows


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
    """Run the micro-benchmarks: each method beside the one that it replaced.

    "Times as fast" compares with the first method of a group and count. Needs pytest and pytest-benchmark:
    pip install 'valuescape[bench]'. Ctrl-C keeps what was measured.

    [bold]Examples[/]

      valuescape bench

      valuescape bench heights trails --seconds 2
    """
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.bench import as_json as bench_json
    from valuescape.studies.bench import run_benchmarks
    from valuescape.studies.bench_report import bench_page, bench_table
    from valuescape.studies.origin import headless_renderer

    files = Files(report, as_json)
    files.require()
    driver = headless_renderer()
    with Interrupts() as interrupts, progress_bar() as update:

        def show(done: int, total: int, name: str) -> None:
            update(completed=done, total=total, state=name)

        found = run_benchmarks(names or [], seconds, most, interrupts, show)
    if found:
        say_rows(out, bench_table(found), keys=3)
        wanted = {"groups": " ".join(names or ["all"]), "seconds": seconds, "most": most}
        files.write(bench_page(found, driver), bench_json(found), {"bench": wanted})
    return exit_status(interrupts)
