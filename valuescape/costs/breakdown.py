"""What frames are made of: the shares of sections, the loads of workers, and one sentence of advice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.measuring.profiler import WORKER_SECTIONS, own_times

EXACT_FRAME = "exact frame"
"""A frame whose sections each waited for what they had asked of the GPU."""

SECTIONS = (
    *("events", "engine", "upload", "density", "place", "inspection", "captions", "crowd", "shade"),
    *("level of detail", "surface", "trails", "effects", "labels", "statistics", "panel", "present"),
    *("video", "other"),
)
"""What a frame is made of: the names that the main process gives its sections, and what none covers."""

_WAITING = frozenset({"present"})
"""Sections in which the frame waits for the screen; in exact frames nothing else is left in them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A section's share of a frame, ms."""

    name: str
    ms: float


def frame_parts(spans: NDArray[Any], names: Sequence[str], frames: int = 8) -> list[Part]:
    """Return what the last exact frames were made of, the longest part first; empty before the first.

    Medians over frames of each section's own time: what it took without the sections inside it. "other" is
    what no section covers.
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
    """Return the share of the last `seconds` that each worker spent making ticks, 0 to 1."""
    loads = []
    since = now_ns - round(seconds * 1e9)
    for each in spans:
        busy = each[each["section"] == WORKER_SECTIONS.index("ticks")]
        ends = busy["began_ns"] + busy["took_ns"]
        inside = np.minimum(ends, now_ns) - np.maximum(busy["began_ns"], since)
        loads.append(min(float(np.maximum(inside, 0).sum()) / (seconds * 1e9), 1.0))
    return loads


@dataclass(frozen=True, slots=True)
class Facts:
    """What advice depends on, beside the parts: settings as they are now."""

    agents: int
    segment_budget: int  # 0: no limit
    segments: int
    mesh_resolution: int
    density_resolution: int
    flat: bool
    workers: int
    glow: float
    ticks: float = 1.0  # that a frame takes over
    ticks_per_s: float = 0.0  # as asked for; 0: all it can

    @property
    def crowded(self) -> bool:
        """Whether a frame counts more visits than the density has cells."""
        return self.agents * self.ticks > self.density_resolution**2


@dataclass(frozen=True, slots=True)
class Advice:
    """What dominates, which key to turn, and the frame time that is expected then, ms.

    changes: `section.key`: value, as for `--set`; empty where only a hand can help.
    """

    sentence: str
    expected_ms: float
    changes: tuple[tuple[str, Any], ...] = ()


def advise(parts: Sequence[Part], may_take_ms: float, facts: Facts) -> Advice | None:
    """Return advice for frames that take longer than they may; None if they do not, or nothing is known.

    What a section costs is taken to be proportional to what its key counts: segments, vertices, cells.
    """
    work = _by_key([part for part in parts if part.name not in _WAITING], facts)
    frame_ms = sum(part.ms for part in work)
    if not work or frame_ms <= may_take_ms:
        return None
    top = work[0]
    wanted_ms = max(may_take_ms - (frame_ms - top.ms), 0.1 * top.ms)
    share = wanted_ms / top.ms
    expected = frame_ms - top.ms + wanted_ms
    said = f"{top.name} takes {top.ms / frame_ms:.0%} of the frame ({top.ms:.1f} of {frame_ms:.1f} ms)"
    turn = _turn(top.name, share, facts)
    if turn is None:
        return Advice(f"{said}; no setting is known to help", frame_ms)
    text, changes = turn
    return Advice(f"{said}: {text} for about {1000 / expected:.0f} FPS", expected, changes)


def _by_key(parts: Sequence[Part], facts: Facts) -> list[Part]:
    """Return the parts with those as one that the same key makes smaller; its name is the largest one's."""
    together = [{"trails", "level of detail", "place"}]
    together.append({"crowd", "density", "upload"} if facts.crowded else {"density", "shade"})
    merged = list(parts)
    for names in together:
        some = [part for part in merged if part.name in names]
        if len(some) > 1:
            rest = [part for part in merged if part.name not in names]
            merged = [*rest, Part(some[0].name, sum(part.ms for part in some))]
    return sorted(merged, key=lambda part: -part.ms)


def _turn(name: str, share: float, facts: Facts) -> tuple[str, tuple[tuple[str, Any], ...]] | None:
    """Return what to turn so that a section takes `share` of its time, in words and as settings."""
    match name:
        case "trails" | "level of detail" | "place":
            now = facts.segment_budget or facts.segments
            budget = max(_round(now * share), 100)
            text = f"lower lod.segment_budget from {now:,} to about {budget:,}"
            return text, (("lod.segment_budget", budget),)
        case "surface" if not facts.flat:
            edge = max(round(facts.mesh_resolution * share**0.5), 8)
            text = f"lower render.mesh_resolution from {facts.mesh_resolution} to {edge}, or a smaller window"
            return text, (("render.mesh_resolution", edge),)
        case "surface":
            return f"make the window smaller, to {share:.0%} of its area", ()
        case "crowd" | "density" | "upload" if facts.crowded and facts.ticks > 4 and facts.ticks_per_s:
            rate = max(_round(facts.ticks_per_s * share), 1)
            text = f"lower sim.ticks_per_s from {facts.ticks_per_s:,.0f} to about {rate:,}"
            return text, (("sim.ticks_per_s", float(rate)),)
        case "crowd" | "density" | "upload" if facts.crowded:
            agents = max(_round(facts.agents * share), 1)
            return f"lower agents.count from {facts.agents:,} to about {agents:,}", (
                ("agents.count", agents),
            )
        case "density" | "shade":
            edge = max(round(facts.density_resolution * share**0.5), 8)
            text = f"lower heatmap.density_resolution from {facts.density_resolution} to {edge}"
            return text, (("heatmap.density_resolution", edge),)
        case "effects" if facts.glow:
            return "switch the glow off (G)", (("render.glow", 0.0),)
        case "engine" if not facts.workers:
            return "step in worker processes: workers.count = 1 or more", (("workers.count", 1),)
        case "panel":
            return "hide the panel (Tab)", ()
        case "captions" | "inspection" | "labels":
            return "let go of the selection (Esc), hide the text (Tab)", ()
    return None


def _round(number: float) -> int:
    """Return a number with two digits that count."""
    scale = 10 ** max(len(str(int(number))) - 2, 0)
    return int(round(number / scale) * scale)
