"""Captions of an A/B run: a heading for both sides, and for each a line above its map and cards in it."""

import math
from collections.abc import Callable
from typing import NamedTuple

from valuescape.costs.card import critic_card, profile_card
from valuescape.render.overlay.cards import Card
from valuescape.render.overlay.labels import Annotations, Heading, PaneText
from valuescape.render.overlay.layout import PARTS
from valuescape.run.captions import Captions, heading
from valuescape.run.versus.naming import SIDES, names
from valuescape.run.versus.results import Gains
from valuescape.run_state import RunState
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.measuring.stats_cache import StatsCache


class PairState(NamedTuple):
    """Both sides at one moment.

    gains: None if unknown. cards: about what is selected, of each side. chosen: the side, 0 or 1.
    """

    states: tuple[RunState, RunState]
    gains: Gains | None
    cards: tuple[tuple[Card, ...], tuple[Card, ...]]
    chosen: int


class PairCaptions(Captions):
    """Captions of two runs. look: gives what new ones are about."""

    def __init__(self, look: Callable[[], PairState]) -> None:
        super().__init__()
        self._look = look

    def of(
        self, stats: StatsCache, look: Callable[[], RunState], selection: Callable[[], tuple[Card, ...]]
    ) -> Annotations:
        """Return the captions to show now; `look` and `selection`, of side A alone, are not asked."""
        return self._kept(stats, lambda: annotations(self._look(), self.notice))


def annotations(pair: PairState, notice: str) -> Annotations:
    """Return the captions of both sides."""
    first = pair.states[0]
    if first.blind:
        return Annotations(
            _heading(pair), (Card("viewer off", (("V", "draw again"),)),), notice, _panes(pair)
        )
    return Annotations(_heading(pair), (), notice, _panes(pair))


def _heading(pair: PairState) -> Heading:
    """Return A's heading, with what is B's where that differs, and the difference of returns."""
    first, second = pair.states
    one, other = heading(first), heading(second)
    left = [_joined(*lines) for lines in zip(one.left[:2], other.left[:2], strict=True)]
    left[1] += " a side" * (first.workers == second.workers > 0)
    right = [one.right[0], *([told_difference(pair.gains)] if pair.gains else [])]
    for name, state in zip(SIDES, pair.states, strict=True):
        right += [f"{name}: computing {state.computing}"] if state.computing else []
    return Heading((*left, *one.left[2:]), tuple(right))


def _joined(one: str, other: str) -> str:
    """Return two lines as one: parts that are equal once, others with A's before B's."""
    parts, others = one.split(PARTS), other.split(PARTS)
    if len(parts) != len(others):
        return one if one == other else f"A: {one}{PARTS}B: {other}"
    pairs = zip(parts, others, strict=True)
    return PARTS.join(each if each == beside else f"{each} | {beside}" for each, beside in pairs)


def _panes(pair: PairState) -> tuple[PaneText, ...]:
    first, second = pair.states
    named = names(first, second)
    frames = (), (profile_card(first),) if first.settings.profile else ()
    gains = (pair.gains.first, pair.gains.second) if pair.gains else (None, None)
    return tuple(
        PaneText(
            _title(SIDES[index], named[index], state, gains[index]),
            (*pair.cards[index], *_costs(state, gains[index]), *frames[index]),
            chosen=index == pair.chosen,
        )
        for index, state in enumerate(pair.states)
    )


def _title(name: str, differs_by: str, state: RunState, got: Estimate | None) -> str:
    parts = [f"{name}: {differs_by}"]
    if got and not math.isnan(got.value):
        parts.append(f"mean return {_number(got.value)}")
    if state.restarts:
        parts.append(f"{state.restarts} workers replaced")
    return PARTS.join(parts)


def _costs(state: RunState, got: Estimate | None) -> tuple[Card, ...]:
    """Return the cards of F3 about one side: what its agents got, how good its critic is, its workers."""
    if not state.settings.profile:
        return ()
    stats, loads = state.figures.episodes(), state.figures.worker_loads()
    rows = [("episodes", f"{stats.finished:,}"), ("terminated", f"{stats.terminated:,}")]
    if got:
        rows.append(("mean return", told(got)))
    rows.append(("workers at work", ", ".join(f"{load:.0%}" for load in loads) or "none"))
    if state.restarts:
        rows.append(("workers replaced", f"{state.restarts}"))
    critic = critic_card(state)
    return (Card("what agents got", tuple(rows)), *([critic] if critic else []))


def told_difference(gains: Gains) -> str:
    """Return how the mean returns differ, in words."""
    if gains.unfinished:
        return f"return of B less A: unknown · agents without a finished episode: {gains.unfinished:,}"
    return f"return of B less A: {told(gains.difference)}"


def told(estimate: Estimate) -> str:
    """Return a number with half the width of its 95 % interval."""
    if math.isnan(estimate.value):
        return "–"
    half = estimate.high - estimate.value
    return _number(estimate.value) + ("" if math.isnan(half) else f" ± {half:.2g}")


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
