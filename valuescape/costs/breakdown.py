"""The breakdown of frames into sections, and the load of each worker."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.run_state import Part
from valuescape.sim.measuring.profiler import WORKER_SECTIONS, own_times

EXACT_FRAME = "exact frame"
"""The section of a frame in which each section waited until the GPU had done its work."""

SECTIONS = (
    *("events", "engine", "upload", "density", "place", "inspection", "maps", "captions", "crowd"),
    *("shade", "level of detail", "surface", "trails", "effects", "labels", "statistics", "panel", "present"),
    *("video", "other"),
)
"""The sections of a frame in the main process; "other" is what none of them covers."""


def frame_parts(spans: NDArray[Any], names: Sequence[str], frames: int = 8) -> list[Part]:
    """Return the parts of the last exact frames, the longest first; empty before the first such frame.

    spans: [n] of dtype SPAN, oldest first. names: of sections, by their number in the spans. A part is the
    median over `frames` frames of a section's own time, without the sections inside it.
    """
    if EXACT_FRAME not in names:
        return []
    own, exact = own_times(spans), names.index(EXACT_FRAME)
    ends = np.flatnonzero(spans["section"] == exact)[-frames:]
    rows = []
    for end in ends:
        began = spans["began_ns"][end]
        within = np.flatnonzero(spans["began_ns"][: end + 1] >= began)
        rows.append(np.bincount(spans["section"][within], own[within], len(names)))
    if not rows:
        return []
    parts = [
        Part("other" if name == EXACT_FRAME else name, float(ms) / 1e6)
        for name, ms in zip(names, np.median(rows, axis=0), strict=True)
        if ms > 0
    ]
    return sorted(parts, key=lambda part: -part.ms)


def worker_loads(spans: Sequence[NDArray[Any]], now_ns: int, seconds: float = 2.0) -> list[float]:
    """Return the share of the last `seconds` that each worker spent making ticks, 0 to 1.

    spans: an array [n] of dtype SPAN for each worker. now_ns: of the profiler's clock.
    """
    loads = []
    since = now_ns - round(seconds * 1e9)
    for each in spans:
        busy = each[each["section"] == WORKER_SECTIONS.index("ticks")]
        ends = busy["began_ns"] + busy["took_ns"]
        inside = np.minimum(ends, now_ns) - np.maximum(busy["began_ns"], since)
        loads.append(min(float(np.maximum(inside, 0).sum()) / (seconds * 1e9), 1.0))
    return loads
