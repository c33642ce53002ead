"""Two runs or reports side by side: what got slower, and which limit broke."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sim.errors import UsageError
from valuescape.breaking_point import CLOSE
from valuescape.tolerance import in_ms, worse_by_share

GREW_MS = 10.0
"""A section that takes so much more is a reason to look again."""

GREW_TIMES = 2.0
"""As is a micro-benchmark that takes so many times as long."""

FIGURES = (
    "fps_mean",
    "fps_std",
    "frame_ms_p50",
    "frame_ms_p95",
    "busy_ms_p50",
    "ticks_per_s",
    "memory_mb_per_min",
)

Report = dict[str, Any]
Row = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of (name, before, after), and the reasons to look again: none if the second is as good."""

    rows: list[Row]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a report is of. figures: name and value; names with (ms) in them are times of a frame or section.

    worse: reasons beside times that grew.
    """

    name: str
    has: Callable[[Report], bool]
    figures: Callable[[Report], Iterator[tuple[str, float]]]
    worse: Callable[[Report, Report], Iterator[str]]


def read_report(path: Path) -> Report:
    """Return a report, of a run or of one of the commands that measure. Raises UsageError if it is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UsageError(f"{path}: is not JSON ({error})", _HINT) from None
    if not isinstance(report, dict) or not any(kind.has(report) for kind in KINDS):
        raise UsageError(f"{path}: is no report", _HINT)
    return report


_HINT = "name a run.json, which every run writes, or what scale, stress, impact or bench wrote by --json"


def kind_of(report: Report) -> Kind:
    """Return what a report is of."""
    return next(kind for kind in KINDS if kind.has(report))


def compare(before: Report, after: Report, tolerance: float | None = None) -> Comparison:
    """Compare two reports: their figures, and what is a reason to look again.

    tolerance: share by which times, rates and loads may be worse, in place of GREW_MS and its like. Raises
    UsageError if they are not of the same kind.
    """
    kind, other = kind_of(before), kind_of(after)
    if kind is not other:
        raise UsageError(f"a report of {kind.name} cannot be compared with one of {other.name}")
    if before.get("load") != after.get("load"):
        raise UsageError(f"stress of {before['load']} cannot be compared with stress of {after['load']}")
    earlier, later = dict(kind.figures(before)), dict(kind.figures(after))
    rows = [
        (name, earlier.get(name, _missing(name, before)), later.get(name, _missing(name, after)))
        for name in dict.fromkeys((*later, *earlier))
    ]
    if tolerance is not None:
        others = [] if kind.worse in (_stress_worse, _bench_worse) else kind.worse(before, after)
        return Comparison(rows, [*worse_by_share(rows, tolerance), *others])
    reasons = [
        f"{name} takes {now - then:.1f} ms more than before ({then:.1f}, now {now:.1f} ms)"
        for name, then, now in rows
        if in_ms(name) and now - then > GREW_MS
    ]
    return Comparison(rows, [*reasons, *kind.worse(before, after)])


def _missing(name: str, report: Report) -> float:
    """Return what stands for a figure that only the other report has: a section that is not there takes 0.

    Unless the run was too short to be taken apart.
    """
    return 0.0 if report.get("frame_parts_ms") and name.endswith(" (ms)") else math.nan


def _number(report: Report, name: str) -> float:
    value = report.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _middle(values: list[float]) -> float:
    return median(values) if values else math.nan


def _run_figures(report: Report) -> Iterator[tuple[str, float]]:
    for name in FIGURES:
        yield name, _number(report, name)
    parts = report.get("frame_parts_ms") or {}
    for name in sorted(parts, key=lambda name: -float(parts[name])):
        yield f"{name} (ms)", float(parts[name])


_MEASURE = {
    "fps_std": "fps_std",
    "frame_ms_p95": "frame_ms_p95",
    "gpu_queries": "gpu_queries_per_frame",
    "draw_calls": "draw_calls_per_frame",
    "memory": "memory_mb_per_min",
}
"""Which figure each health limit is about."""


def _run_worse(before: Report, after: Report) -> Iterator[str]:
    for name, kept in after["health"].items():
        # A run that was too short to tell has broken nothing.
        measured = not math.isnan(_number(after, _MEASURE.get(name, name)))
        if before["health"].get(name) and not kept and measured:
            yield f"the limit on {name} was kept before and is broken now"


def _scale_figures(report: Report) -> Iterator[tuple[str, float]]:
    for cell in report["cells"]:
        settings = "".join(f", {name} = {value}" for name, value in (cell.get("settings") or {}).items())
        where = f"{cell['agents']:,} agents, {cell['workers']} workers{settings}"
        yield f"{where}: ticks/s", _middle(cell["ticks_per_s"])
        yield f"{where}: P95 (ms)", _middle(cell["frame_ms_p95"])


def _stress_figures(report: Report) -> Iterator[tuple[str, float]]:
    yield f"{report['load']} carried", _number(report, "carried")
    yield f"{report['load']} that break it", _number(report, "broke")
    for trial in report["trials"]:
        where = f"{trial['load']:,} {report['load']}"
        yield f"{where}: FPS", _number(trial, "fps")
        yield f"{where}: P95 (ms)", _number(trial, "frame_ms_p95")


def _stress_worse(before: Report, after: Report) -> Iterator[str]:
    earlier, later = (float(each["carried"] or 0) for each in (before, after))
    if later < earlier * (1 - 2 * CLOSE):  # each search ends within CLOSE of the breaking point
        yield f"{later:,.0f} {after['load']} are carried, before {earlier:,.0f}"


def _soak_figures(report: Report) -> Iterator[tuple[str, float]]:
    yield "memory_mb_per_min", _number(report, "memory_mb_per_min")
    for name, value in report["samples"][-1].items() if report["samples"] else ():
        yield f"{name} in the end", float(value) if value is not None else math.nan


def _soak_worse(before: Report, after: Report) -> Iterator[str]:
    grew = {each.partition(":")[0] for each in before["grows"]}
    yield from (f"it grows: {each}" for each in after["grows"] if each.partition(":")[0] not in grew)


def _chaos_figures(report: Report) -> Iterator[tuple[str, float]]:
    for name in ("rounds", "killed", "stopped", "restarts"):
        yield name, _number(report, name)
    yield "rounds that ended in another state", float(len(report["differing"]))


def _chaos_worse(before: Report, after: Report) -> Iterator[str]:
    if after["differing"] and not before["differing"]:
        yield f"rounds ended in another state than an undisturbed run: {after['differing']}"


def _impact_figures(report: Report) -> Iterator[tuple[str, float]]:
    for variant in report["variants"]:
        yield f"{variant['name']}: FPS", _middle(variant["fps"])
        yield f"{variant['name']}: P95 (ms)", _middle(variant["frame_ms_p95"])


def _impact_worse(before: Report, after: Report) -> Iterator[str]:
    agreed = {each["switch"]: each["agrees"] for each in before["switches"]}
    for each in after["switches"]:
        if "DIFFER" in each["agrees"] and "DIFFER" not in agreed.get(each["switch"], ""):
            yield f"{each['switch']} changes what comes out: {each['agrees']}"


def _bench_figures(report: Report) -> Iterator[tuple[str, float]]:
    for each in report["benchmarks"]:
        yield f"{each['name']} (us)", float(each["median_us"])


def _bench_worse(before: Report, after: Report) -> Iterator[str]:
    earlier = dict(_bench_figures(before))
    for name, now in _bench_figures(after):
        if now > GREW_TIMES * earlier.get(name, math.inf):
            yield f"{name} takes {now / earlier[name]:.1f} times as long ({earlier[name]:.3g}, now {now:.3g})"


def _nothing(before: Report, after: Report) -> Iterator[str]:
    yield from ()


def _with(*names: str) -> Callable[[Report], bool]:
    return lambda report: all(name in report for name in names)


KINDS = (
    Kind("a run", _with("health", "frame_ms_p95"), _run_figures, _run_worse),
    Kind("scale", _with("cells"), _scale_figures, _nothing),
    Kind("stress", _with("trials", "load"), _stress_figures, _stress_worse),
    Kind("a soak", _with("samples", "grows"), _soak_figures, _soak_worse),
    Kind("chaos", _with("rounds", "differing"), _chaos_figures, _chaos_worse),
    Kind("impact", _with("switches", "variants"), _impact_figures, _impact_worse),
    Kind("bench", _with("benchmarks"), _bench_figures, _bench_worse),
)
