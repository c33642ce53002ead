"""Compares two reports: their settings and machines, their figures, and what is worse in the second."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from valuescape.costs.thresholds import GREW_MS
from valuescape.parsing import first_complaint
from valuescape.sim.errors import UsageError, escaped, shown
from valuescape.sim.paths import read_plain
from valuescape.studies.analysis_report import difference, several_checkpoints
from valuescape.studies.report_base import Interval, Report
from valuescape.studies.report_models import KINDS
from valuescape.studies.tolerance import in_ms, worse_by_share

MAX_BYTES = 16 * 2**20
"""Limit on a report's size; a soak of a day has half of that."""

_NAMED = 6
"""Differences that are named one by one."""

_DRIVER = "OpenGL driver"

_FIRST = (
    *(_DRIVER, "world.name", "render.view", "agents.count", "workers.count", "policy.checkpoint"),
    *("trails.length", "run.seed", "episodes", "gamma", "cells"),
)
"""Differences that are named before others, since figures depend on them most."""

_HINT = (
    "name a run.json, which every run writes, a summary.json of analyze, or what scale, stress, impact or "
    "bench wrote by --json"
)

Row = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, or a part of the machine, in which two reports differ; values as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures as rows of (name, before, after), and reasons to look again; none if the second is as good.

    differences: of settings and machines, which may explain the reasons. intervals: of figures that have some
    in both reports, the 95 % intervals before, after, and of the change.
    """

    rows: list[Row]
    reasons: list[str]
    differences: list[Difference]
    intervals: dict[str, tuple[Interval, Interval, Interval]] = field(default_factory=dict)

    def is_beyond(self, name: str) -> bool:
        """Return whether the interval of a figure's change excludes zero."""
        low, high = self.intervals[name][2]
        return low > 0 or high < 0

    def warnings(self) -> list[str]:
        """Return the first differences in sentences, which come before the verdict."""
        said = [
            f"not the same: {each.name} was {each.before}, is {each.after}"
            for each in self.differences[:_NAMED]
        ]
        more = len(self.differences) - _NAMED
        return [*said, f"not the same: {more} more (--json has all)"] if more > 0 else said


def read_report(path: Path) -> Report:
    """Return the report of a run or of a measuring command. Raises UsageError if the file is none."""
    content = read_plain(path, MAX_BYTES, _HINT)
    try:
        tables = from_json(content)
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error})", _HINT) from None
    return as_report(tables, str(path))


def as_report(tables: Any, name: str = "report") -> Report:
    """Return decoded JSON as a report. Raises UsageError, beginning with `name`, if it is none."""
    kind = next((kind for kind in KINDS if isinstance(tables, Mapping) and kind.recognises(tables)), None)
    if isinstance(tables, Mapping) and several_checkpoints(tables):
        hint = "name the summary.json in the folder of one, or analyse one alone"
        raise UsageError(f"{name}: is an analysis of several checkpoints, expected one of a single one", hint)
    if kind is None:
        raise UsageError(f"{name}: is no report", _HINT)
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise UsageError(f"{name}: is no report of {kind.kind}: {first_complaint(error)}", _HINT) from None


def compare(before: Report, after: Report, tolerance: float | None = None) -> Comparison:
    """Compare the settings, machines and figures of two reports.

    tolerance: the share by which times, rates and loads may be worse, in place of fixed bounds such as
    GREW_MS. Raises UsageError if the reports are of different kinds.
    """
    _require_same_kind(before, after)
    rows, differences = list(_rows(before, after)), list(_differences(before, after))
    intervals = dict(_intervals(rows, before, after))
    if tolerance is not None:
        others = [] if after.is_judged_by_share else after.worse_than(before)
        reasons = [*worse_by_share(rows, tolerance), *after.worse_by_more(before, tolerance), *others]
        return Comparison(rows, reasons, differences, intervals)
    reasons = [
        f"{name} takes {now - then:.1f} ms more than before ({then:.1f}, now {now:.1f} ms)"
        for name, then, now in rows
        if in_ms(name) and now - then > GREW_MS
    ]
    return Comparison(rows, [*reasons, *after.worse_than(before)], differences, intervals)


def _require_same_kind(before: Report, after: Report) -> None:
    if type(before) is not type(after):
        raise UsageError(
            f"a report of {before.kind} cannot be compared with one of {after.kind}",
            "name two that the same command wrote",
        )
    loads = [getattr(each, "load", None) for each in (before, after)]
    if loads[0] != loads[1]:
        raise UsageError(f"stress of {loads[0]} cannot be compared with stress of {loads[1]}")


def _rows(before: Report, after: Report) -> Iterator[Row]:
    earlier, later = dict(before.figures()), dict(after.figures())
    for name in dict.fromkeys((*later, *earlier)):
        yield name, earlier.get(name, _missing(name, before)), later.get(name, _missing(name, after))


def _intervals(
    rows: list[Row], before: Report, after: Report
) -> Iterator[tuple[str, tuple[Interval, Interval, Interval]]]:
    earlier, later = before.intervals(), after.intervals()
    for name, then, now in rows:
        if name in earlier and name in later:
            pair = earlier[name], later[name]
            yield name, (*pair, difference(then, pair[0], now, pair[1]))


def _missing(name: str, report: Report) -> float:
    """Return the value of a figure that only the other report has."""
    return 0.0 if report.is_taken_apart and name.endswith(" (ms)") else math.nan


def _differences(before: Report, after: Report) -> Iterator[Difference]:
    """Yield the differing settings, parts of the machine, and versions that both reports name."""
    earlier, later = dict(_made_with(before)), dict(_made_with(after))
    names = [*(name for name in _FIRST if name in later), *later]
    for name in dict.fromkeys(names):
        if name in earlier and earlier[name] != later[name]:
            yield Difference(name, _in_words(earlier[name]), _in_words(later[name]))
    if (before.config is None) != (after.config is None):
        told = ["not in the report" if each.config is None else "known" for each in (before, after)]
        yield Difference("configuration", *told)


def _made_with(report: Report) -> Iterator[tuple[str, Any]]:
    """Yield names and values of a report's settings, plan, machine, versions and driver."""
    for section, table in (report.config or {}).items():
        yield from ((f"{section}.{key}", value) for key, value in table.items())
    yield from ((f"plan.{key}", value) for key, value in (report.plan or {}).items())
    yield from ((f"machine: {key}", value) for key, value in (report.machine or {}).items())
    yield from ((f"version of {key}", value) for key, value in (report.versions or {}).items())
    yield from report.made_with()
    if report.gl_renderer is not None:
        yield _DRIVER, report.gl_renderer


def _in_words(value: Any) -> str:
    return escaped(value) if isinstance(value, str) and 0 < len(value) <= 60 else shown(value)
