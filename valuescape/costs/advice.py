"""Advice for frames that take too long: the section that dominates, and the setting that makes it smaller."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from valuescape.run_state import Part, RunState

_WAITING = frozenset({"present"})
"""Sections in which a frame only waits for the screen."""

Turn = tuple[str, tuple[tuple[str, Any], ...]]
"""A change that helps: in words, and as settings (`section.key`, value) where there are some."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence about what dominates and which setting to change, and the frame time expected then, ms.

    changes: (`section.key`, value), as for `--set`; empty where only a key or the window's size can help.
    """

    sentence: str
    expected_ms: float
    changes: tuple[tuple[str, Any], ...] = ()


def advise(parts: Sequence[Part], may_take_ms: float, state: RunState) -> Advice | None:
    """Return advice for frames that take longer than `may_take_ms`; None if they do not, or nothing is known.

    The cost of a section is taken to be proportional to what its setting counts: segments, vertices, cells.
    """
    work = _by_setting([part for part in parts if part.name not in _WAITING], state)
    frame_ms = sum(part.ms for part in work)
    if not work or frame_ms <= may_take_ms:
        return None
    top = work[0]
    wanted_ms = max(may_take_ms - (frame_ms - top.ms), 0.1 * top.ms)
    expected = frame_ms - top.ms + wanted_ms
    said = f"{top.name} takes {top.ms / frame_ms:.0%} of the frame ({top.ms:.1f} of {frame_ms:.1f} ms)"
    turn = _turn(top.name, wanted_ms / top.ms, state)
    if turn is None:
        return Advice(f"{said}; no setting is known to help", frame_ms)
    text, changes = turn
    return Advice(f"{said}: {text} for about {1000 / expected:.0f} FPS", expected, changes)


def _crowded(state: RunState) -> bool:
    """Whether a frame counts more visits than the density has cells."""
    return state.config.agents.count * state.ticks_per_frame > state.config.heatmap.density_resolution**2


def _by_setting(parts: Sequence[Part], state: RunState) -> list[Part]:
    """Return the parts, longest first, those that one setting makes smaller as one part.

    Such a part has the name of the longest among them.
    """
    together = [{"trails", "level of detail", "place"}]
    together.append({"crowd", "density", "upload"} if _crowded(state) else {"density", "shade"})
    merged = list(parts)
    for names in together:
        some = [part for part in merged if part.name in names]
        if len(some) > 1:
            rest = [part for part in merged if part.name not in names]
            merged = [*rest, Part(some[0].name, sum(part.ms for part in some))]
    return sorted(merged, key=lambda part: -part.ms)


def _turn(name: str, share: float, state: RunState) -> Turn | None:
    """Return the change after which a section takes `share` of its time; None if none is known."""
    match name:
        case "trails" | "level of detail" | "place":
            return _fewer_segments(share, state)
        case "surface":
            return _coarser_surface(share, state)
        case "crowd" | "density" | "upload" if _crowded(state):
            return _fewer_visits(share, state)
        case "density" | "shade":
            now = state.config.heatmap.density_resolution
            edge = max(round(now * share**0.5), 8)
            return f"lower heatmap.density_resolution from {now} to {edge}", (
                ("heatmap.density_resolution", edge),
            )
        case "effects" if state.settings.looks.render.glow:
            return "switch the glow off (G)", (("render.glow", 0.0),)
        case "engine" if not (state.workers or state.nodes):
            return "step in worker processes: workers.count = 1 or more", (("workers.count", 1),)
        case "panel":
            return "hide the panel (Tab)", ()
        case "captions" | "inspection" | "labels":
            return "let go of the selection (Esc), hide the text (Tab)", ()
    return None


def _fewer_segments(share: float, state: RunState) -> Turn:
    now = state.budget.segments or state.segments
    budget = max(_round(now * share), 100)
    return f"lower lod.segment_budget from {now:,} to about {budget:,}", (("lod.segment_budget", budget),)


def _coarser_surface(share: float, state: RunState) -> Turn:
    if state.settings.flat:
        return f"make the window smaller, to {share:.0%} of its area", ()
    now = state.config.render.mesh_resolution
    edge = max(round(now * share**0.5), 8)
    text = f"lower render.mesh_resolution from {now} to {edge}, or a smaller window"
    return text, (("render.mesh_resolution", edge),)


def _fewer_visits(share: float, state: RunState) -> Turn:
    rate, agents = state.config.sim.ticks_per_s, state.config.agents.count
    if state.ticks_per_frame > 4 and rate:
        slower = max(_round(rate * share), 1)
        text = f"lower sim.ticks_per_s from {rate:,.0f} to about {slower:,}"
        return text, (("sim.ticks_per_s", float(slower)),)
    fewer = max(_round(agents * share), 1)
    return f"lower agents.count from {agents:,} to about {fewer:,}", (("agents.count", fewer),)


def _round(number: float) -> int:
    """Return a number rounded to its first two digits."""
    scale = 10 ** max(len(str(int(number))) - 2, 0)
    return int(round(number / scale) * scale)
