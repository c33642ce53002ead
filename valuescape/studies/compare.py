"""Two runs or reports side by side: whether they measured the same, what got slower, which limit broke."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from valuescape.parsing import first_complaint
from valuescape.sim.errors import UsageError, escaped, shown
from valuescape.sim.paths import read_plain
from valuescape.studies.report_models import KINDS, Report
from valuescape.studies.tolerance import in_ms, worse_by_share

GREW_MS = 10.0
"""A section that takes so much more is a reason to look again."""

MAX_BYTES = 16 * 2**20
"""Of a report; a soak of a day has half of that."""

_NAMED = 6
"""Differences that are named one by one."""

_DRIVER = "OpenGL driver"

_FIRST = (
    *(_DRIVER, "world.name", "render.view", "agents.count", "workers.count", "policy.checkpoint"),
    "trails.length",
)
"""Differences that are named before others, since figures depend on them most."""

_HINT = "name a run.json, which every run writes, or what scale, stress, impact or bench wrote by --json"

Row = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, or a part of the machine, in which two reports differ; values as text."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of (name, before, after), and the reasons to look again: none if the second is as good.

    differences: in what else than their figures the two differ; if there are any, reasons may be theirs.
    """

    rows: list[Row]
    reasons: list[str]
    differences: list[Difference]

    def warnings(self) -> list[str]:
        """Return the first differences in sentences, to be said before any verdict."""
        said = [
            f"not the same: {each.name} was {each.before}, is {each.after}"
            for each in self.differences[:_NAMED]
        ]
        more = len(self.differences) - _NAMED
        return [*said, f"not the same: {more} more (--json has all)"] if more > 0 else said


def read_report(path: Path) -> Report:
    """Return a report, of a run or of one of the commands that measure. Raises UsageError if it is none."""
    content = read_plain(path, MAX_BYTES, _HINT)
    try:
        tables = from_json(content)
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error})", _HINT) from None
    return as_report(tables, str(path))


def as_report(tables: Any, name: str = "report") -> Report:
    """Return the report that JSON holds. Raises UsageError, beginning with `name`, if it is none."""
    kind = next((kind for kind in KINDS if isinstance(tables, Mapping) and kind.keys <= tables.keys()), None)
    if kind is None:
        raise UsageError(f"{name}: is no report", _HINT)
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise UsageError(f"{name}: is no report of {kind.kind}: {first_complaint(error)}", _HINT) from None


def compare(before: Report, after: Report, tolerance: float | None = None) -> Comparison:
    """Compare two reports: with what they were made, their figures, and what is a reason to look again.

    tolerance: share by which times, rates and loads may be worse, in place of GREW_MS and its like. Raises
    UsageError if they are not of the same kind.
    """
    if type(before) is not type(after):
        raise UsageError(
            f"a report of {before.kind} cannot be compared with one of {after.kind}",
            "name two that the same command wrote",
        )
    loads = [getattr(each, "load", None) for each in (before, after)]
    if loads[0] != loads[1]:
        raise UsageError(f"stress of {loads[0]} cannot be compared with stress of {loads[1]}")
    earlier, later = dict(before.figures()), dict(after.figures())
    rows = [
        (name, earlier.get(name, _missing(name, before)), later.get(name, _missing(name, after)))
        for name in dict.fromkeys((*later, *earlier))
    ]
    differences = list(_differences(before, after))
    if tolerance is not None:
        others = [] if after.is_judged_by_share else after.worse_than(before)
        return Comparison(rows, [*worse_by_share(rows, tolerance), *others], differences)
    reasons = [
        f"{name} takes {now - then:.1f} ms more than before ({then:.1f}, now {now:.1f} ms)"
        for name, then, now in rows
        if in_ms(name) and now - then > GREW_MS
    ]
    return Comparison(rows, [*reasons, *after.worse_than(before)], differences)


def _missing(name: str, report: Report) -> float:
    """Return what stands for a figure that only the other report has."""
    return 0.0 if report.is_taken_apart and name.endswith(" (ms)") else math.nan


def _differences(before: Report, after: Report) -> Iterator[Difference]:
    """Yield where settings, machine and versions differ; what neither or only one report has is left out."""
    earlier, later = dict(_made_with(before)), dict(_made_with(after))
    names = [*(name for name in _FIRST if name in later), *later]
    for name in dict.fromkeys(names):
        if name in earlier and earlier[name] != later[name]:
            yield Difference(name, _said(earlier[name]), _said(later[name]))
    if (before.config is None) != (after.config is None):
        told = ["not in the report" if each.config is None else "known" for each in (before, after)]
        yield Difference("configuration", *told)


def _made_with(report: Report) -> Iterator[tuple[str, Any]]:
    """Yield what a report says it was made with: names and values."""
    for section, table in (report.config or {}).items():
        yield from ((f"{section}.{key}", value) for key, value in table.items())
    yield from ((f"plan.{key}", value) for key, value in (report.plan or {}).items())
    yield from ((f"machine: {key}", value) for key, value in (report.machine or {}).items())
    yield from ((f"version of {key}", value) for key, value in (report.versions or {}).items())
    if report.gl_renderer is not None:
        yield _DRIVER, report.gl_renderer


def _said(value: Any) -> str:
    return escaped(value) if isinstance(value, str) and 0 < len(value) <= 60 else shown(value)
