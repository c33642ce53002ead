"""Two runs side by side: what got slower, and which limit broke."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import UsageError

GREW_MS = 10.0
"""A section that takes so much more is a reason to look again."""

FIGURES = (
    "fps_mean",
    "fps_std",
    "frame_ms_p50",
    "frame_ms_p95",
    "busy_ms_p50",
    "ticks_per_s",
    "memory_mb_per_min",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of (name, before, after), and the reasons to look again: none if the second run is as good."""

    rows: list[tuple[str, float, float]]
    reasons: list[str]


def read_report(path: Path) -> dict[str, Any]:
    """Return a run's report. Raises UsageError if the file is none."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UsageError(
            f"{path}: is not JSON ({error})", "name a run.json, which every run writes"
        ) from None
    if not (isinstance(report, dict) and isinstance(report.get("health"), dict) and "frame_ms_p95" in report):
        raise UsageError(f"{path}: is no report of a run", "name a run.json, which every run writes")
    return report


def compare(before: dict[str, Any], after: dict[str, Any]) -> Comparison:
    """Compare two reports: their figures, what frames were made of, and the health limits."""
    rows = [(name, _number(before, name), _number(after, name)) for name in FIGURES]
    rows += _sections(before, after)
    reasons = [
        f"{name} takes {later - earlier:.1f} ms more than before ({earlier:.1f}, now {later:.1f} ms)"
        for name, earlier, later in rows
        if ("_ms_" in name or name.endswith("(ms)")) and later - earlier > GREW_MS
    ]
    reasons += [
        f"the limit on {name} was kept before and is broken now"
        for name, kept in after["health"].items()
        # A run that was too short to tell has broken nothing.
        if before["health"].get(name) and not kept and _limit_was_measured(after, name)
    ]
    return Comparison(rows, reasons)


def _sections(before: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    earlier, later = (report.get("frame_parts_ms") or {} for report in (before, after))
    for name in sorted({*earlier, *later}, key=lambda name: -later.get(name, 0.0)):
        yield f"{name} (ms)", float(earlier.get(name, 0.0)), float(later.get(name, 0.0))


_MEASURE = {
    "fps_std": "fps_std",
    "frame_ms_p95": "frame_ms_p95",
    "gpu_queries": "gpu_queries_per_frame",
    "draw_calls": "draw_calls_per_frame",
    "memory": "memory_mb_per_min",
}
"""Which figure each health limit is about."""


def _limit_was_measured(report: dict[str, Any], limit: str) -> bool:
    return not math.isnan(_number(report, _MEASURE.get(limit, limit)))


def _number(report: dict[str, Any], name: str) -> float:
    value = report.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
