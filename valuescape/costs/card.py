"""The cards of F3: what frames cost, with lamps and advice, and how good the critic is."""

import math
from collections.abc import Sequence
from statistics import median

from valuescape.costs.advice import advise
from valuescape.render.overlay.cards import Card
from valuescape.run_state import Part, RunState
from valuescape.sim.insight.crowd import CrowdNumbers
from valuescape.sim.insight.metrics import Estimate
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


def critic_card(state: RunState) -> Card | None:
    """Return a card of how well the critic predicts what agents get; None before it is known."""
    numbers = state.figures.critic()
    if numbers is None or not numbers.episodes:
        return None
    named = numbers.estimates
    kind = "episodes" if numbers.whole else "parts of episodes"
    rows = (
        ("V − G, mean", told(named["q_bias"])),
        ("explained variance", told(named["explained_variance"])),
        ("start: promised", told(named["start_value_predicted"])),
        ("start: got", told(named["start_value_realised"])),
        (f"newest {kind}", f"{numbers.episodes:,}"),
    )
    return Card("critic, of agents as they act", rows, note=_caveats(state, numbers))


def _caveats(state: RunState, numbers: CrowdNumbers) -> str:
    """Return what makes the numbers differ from those of an analysis."""
    checkpoint, said = state.checkpoint, []
    if numbers.bootstrapped > 0:
        said.append(f"{numbers.bootstrapped:.0%} of the returns end with the critic's own value")
    if checkpoint and checkpoint.algorithm == "sac":
        said.append("V counts the entropy of actions, G does not")
    if numbers.missed:
        said.append(f"{numbers.missed:,} ticks missed")
    return ". ".join(said)


def told(estimate: Estimate) -> str:
    """Return a number with its 95 % interval, as far as they are known, to a tenth of the interval."""
    if math.isnan(estimate.value):
        return "–"
    half = (estimate.high - estimate.low) / 2
    decimals = min(max(1 - math.floor(math.log10(half)), 0), 4) if half > 0 else 2
    value, low, high = (
        f"{each:.{decimals}f}".replace("-", "−") for each in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})" if half >= 0 else value


def _counter_rows(state: RunState) -> list[tuple[str, str]]:
    log, frame, busy_ms = state.log, state.counters, state.busy_ms
    segments = f"{state.segments:,}" if log.segments else "–"
    ends = log.frame_ends[-_RATE_FRAMES:]
    ticks = rate(log.lately[0], log.lately[-1]) if log.lately else math.nan
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
