"""The card of frame costs (F3): rates, counters, the breakdown of a frame, health lamps and advice."""

import math
from collections.abc import Sequence
from statistics import median

from valuescape.costs.advice import advise
from valuescape.render.overlay.cards import Card
from valuescape.run_state import Part, RunState
from valuescape.sim.measuring.health import rate

_PARTS = 7
"""Parts of a frame that are listed one by one."""

_RATE_FRAMES = 60
"""Frames over which the frame rate is averaged."""


def profile_card(state: RunState) -> Card:
    """Return a card of what frames cost lately, with advice if they take too long."""
    parts = state.figures.parts()
    advice = advise(parts, state.may_take_ms, state)
    notes = [*state.noticed.notes, *([advice.sentence] if advice else [])]
    limits = [(limit.title, limit.lamp) for limit in state.figures.limits()]
    return Card(
        "frame time",
        (*_counter_rows(state), *_process_rows(state)),
        state.busy_ms,
        state.may_take_ms,
        _largest(parts),
        (*limits, *state.noticed.lamps),
        ". ".join(notes),
    )


def _counter_rows(state: RunState) -> list[tuple[str, str]]:
    log, frame, busy_ms = state.log, state.counters, state.busy_ms
    segments = f"{state.segments:,}" if log.segments else "–"
    ticks, ends = rate(log.first_tick, log.last_tick), log.frame_ends[-_RATE_FRAMES:]
    fps = (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 else math.nan
    return [
        ("frames a second", "–" if math.isnan(fps) else f"{fps:.1f}"),
        ("median (ms)", f"{median(busy_ms):.1f} of {state.may_take_ms:.1f}" if busy_ms else "–"),
        ("draw calls, queries", f"{frame.draw_calls}, {frame.queries}"),
        ("dispatches, effects", f"{frame.dispatches}, {frame.effects}"),
        ("segments, thinned", f"{segments}, {state.segments_left_out:,}"),
        ("uploaded", f"{frame.upload_bytes / 1024:,.0f} KiB"),
        ("ticks/s", "–" if math.isnan(ticks) else f"{ticks:,.0f}"),
    ]


def _process_rows(state: RunState) -> list[tuple[str, str]]:
    """Return rows about statistics and workers, those that have something to say."""
    rows, cached, loads = [], state.figures.hit_rate, state.figures.worker_loads()
    if not math.isnan(cached):
        rows.append(("statistics cached", f"{cached:.1%}"))
    if loads:
        rows.append(("workers at work", ", ".join(f"{load:.1%}" for load in loads)))
    if state.restarts:
        rows.append(("workers replaced", f"{state.restarts}"))
    return rows


def _largest(parts: Sequence[Part]) -> tuple[tuple[str, float], ...]:
    """Return the largest parts, and the sum of all others; parts: the longest first."""
    listed = tuple((part.name, part.ms) for part in parts)
    rest = sum(ms for _, ms in listed[_PARTS:])
    return (*listed[:_PARTS], ("all else", rest)) if len(listed) > _PARTS else listed
