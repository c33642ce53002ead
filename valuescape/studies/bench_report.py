"""The results of `valuescape bench` as a table and an HTML page."""

from collections.abc import Sequence
from typing import Any

from valuescape.studies.bench import Measured, groups
from valuescape.studies.html_report import Chapter, Page


def bench_table(found: Sequence[Measured]) -> list[list[str]]:
    """Return a row for each benchmark; the first row is the heading."""
    rows = [["group", "count", "method", "median (µs)", "spread (µs)", "times as fast"]]
    for each in found:
        figures = f"{each.median_us:,.2f}", f"{each.iqr_us:,.2f}", _times(each.times)
        rows.append([each.group, f"{each.count:,}", each.way, *figures])
    return rows


def bench_page(found: Sequence[Measured], driver: str) -> Page:
    """Return the HTML report's content: a chapter for each group. driver: the OpenGL driver's name."""
    about = groups()
    names = dict.fromkeys(each.group for each in found)
    chapters = [_chapter(name, about[name.replace(" ", "-")], found) for name in names]
    return Page("Micro-benchmarks", [f"OpenGL by {driver}."], chapters)


def _chapter(name: str, about: str, found: Sequence[Measured]) -> Chapter:
    some = [each for each in found if each.group == name]
    return Chapter(name, about, bench_table(some), lambda axes: _plot(axes, some))


def _plot(axes: Any, some: Sequence[Measured]) -> None:
    """Draw lines over the count where there are several counts, else bars."""
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


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"
