"""The command `compare`."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from valuescape.cli.console import say_lines, say_written
from valuescape.cli.options import Debug
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows
from valuescape.formatting import finite, shown

if TYPE_CHECKING:
    from valuescape.studies.compare import Comparison
    from valuescape.studies.report_base import Interval, Report


def compare(
    before: Annotated[Path, typer.Argument(metavar="A.json", help="A report.")],
    after: Annotated[Path, typer.Argument(metavar="B.json", help="A later one of the same kind.")],
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="SHARE",
            help="Figures may be worse by this share (0.1: a tenth), instead of the bounds above.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an HTML report too.")] = None,
    debug: Debug = False,
) -> int:
    """Compare two runs, two analyses, or two reports of scale, stress (soaks and chaos too), impact or bench.

    Names differences of settings, machines, OpenGL drivers and versions first.

    Ends with status 1 if a frame, or a section of it, takes over 10 ms more, a limit broke, less is carried,
    something grows or comes out another way, or a micro-benchmark takes twice as long. With --tolerance, if
    any time, rate or load is worse by more than that share; a time also has to be half a millisecond longer.

    Of two analyses (summary.json), if the return is lower, or the critic is farther from its returns, by more
    than the 95 % intervals leave open; with --tolerance, by more than that share.

    [bold]Examples[/]

      valuescape compare runs/before/run.json runs/after/run.json

      valuescape compare docs/bench/scale.json mine.json --tolerance 0.2

      valuescape compare runs/analyze-before/summary.json runs/analyze-after/summary.json
    """
    from valuescape.studies.compare import compare as compare_reports
    from valuescape.studies.compare import read_report

    earlier, later = read_report(before), read_report(after)
    found = compare_reports(earlier, later, tolerance)
    result = Result(found, tolerance)
    if as_json:
        _print_json(result, {"before": _about(before, earlier), "after": _about(after, later)})
    else:
        _tell(result)
    if report:
        _write_page(result, report, f"{before} and {after}")
        if not as_json:
            say_written(report)
    return 1 if found.reasons else 0


@dataclass(frozen=True, slots=True)
class Result:
    """A comparison in words and as a table. tolerance: the share that was allowed; None: fixed bounds."""

    found: "Comparison"
    tolerance: float | None

    @property
    def lines(self) -> list[str]:
        """The reasons to look again, or that there is none."""
        if self.found.reasons:
            return [f"worse: {each}" for each in self.found.reasons]
        if self.found.intervals:
            share = "chance" if self.tolerance is None else f"{self.tolerance:.0%}"
            return [f"no number is worse by more than {share}"]
        if self.tolerance is None:
            return ["no section grew by more than 10 ms, no limit broke"]
        return [f"nothing is worse by more than {self.tolerance:.0%}, no limit broke"]

    @property
    def rows(self) -> list[list[str]]:
        """The figures of both reports; the first row is the heading."""
        if self.found.intervals:
            return self._rows_with_intervals()
        rows = ([name, shown(a, 2), shown(b, 2), _change(a, b)] for name, a, b in self.found.rows)
        return [["", "before", "after", "change"], *rows]

    def _rows_with_intervals(self) -> list[list[str]]:
        rows = [["", "before", "after", "change", "beyond the intervals"]]
        for name, then, now in self.found.rows:
            before, after, change = self.found.intervals[name]
            cells = [_with_ends(then, before), _with_ends(now, after), _with_ends(now - then, change, "+")]
            rows.append([name, *cells, "yes" if self.found.is_beyond(name) else ""])
        return rows


def _with_ends(value: float, ends: "Interval", sign: str = "") -> str:
    """Return a figure with its interval: `-43.6 [-43.7, -43.5]`."""
    if math.isnan(value):
        return "–"
    low, high = (f"{each:{sign}.4g}" for each in ends)
    return f"{value:{sign}.4g} [{low}, {high}]"


def _tell(result: Result) -> None:
    say_lines(result.found.warnings(), "bold yellow")
    say_rows(out, result.rows)
    say_lines(result.lines, "bold red" if result.found.reasons else "green")


def _write_page(result: Result, path: Path, title: str) -> None:
    from valuescape.run.report import about
    from valuescape.studies.html_report import Chapter, Page, write_html

    verdict = [*result.found.warnings(), *result.lines]
    write_html(path, Page(title, verdict, [Chapter("Figures", table=result.rows)]), about({}))


def _print_json(result: Result, compared: dict[str, Any]) -> None:
    from valuescape.run.report import about

    found = result.found
    report = {
        "differences": [asdict(each) for each in found.differences],
        "rows": [
            {"name": name, "before": finite(a), "after": finite(b), **_intervals_json(found, name)}
            for name, a, b in found.rows
        ],
        "reasons": found.reasons,
        **about({**compared, "tolerance": result.tolerance}),
    }
    out.print(json.dumps(report, indent=2, allow_nan=False))


def _intervals_json(found: "Comparison", name: str) -> dict[str, Any]:
    """Return the intervals of a figure, and whether its change is beyond them; nothing if it has none."""
    if name not in found.intervals:
        return {}
    keys = "before_interval", "after_interval", "change_interval"
    ends: dict[str, Any] = dict(zip(keys, finite(found.intervals[name]), strict=True))
    return ends | {"beyond": found.is_beyond(name)}


def _about(path: Path, report: "Report") -> dict[str, Any]:
    """Return the origin of a report that was compared."""
    names = "command", "date", "machine", "gl_renderer", "config"
    return {"file": str(path), **{name: getattr(report, name) for name in names}}


def _change(earlier: float, later: float) -> str:
    return "–" if math.isnan(later - earlier) else f"{later - earlier:+,.2f}"
