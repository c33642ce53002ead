"""Number of agents drawn one by one: as many as a budget of trail segments allows. Pure arithmetic."""

from dataclasses import dataclass
from typing import Self

SOFTWARE_SEGMENTS, GPU_SEGMENTS = 1_000, 4_000_000
"""First budgets with `lod.segment_budget = "auto"`; the first is half a millisecond a frame on llvmpipe."""

LEAST_SEGMENTS, MOST_SEGMENTS = 1_000, 16_000_000

SAMPLES_A_SEGMENT = 14
"""Samples that the choice of a level reads in the time that drawing a segment takes (llvmpipe)."""

HYSTERESIS = 0.25
"""Share by which the number of individuals must differ from what fits before it changes."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Trail segments that a frame may draw; 0: no limit. follows: the budget follows the frame time."""

    segments: int
    follows: bool = False

    @classmethod
    def of(cls, setting: int | str, *, software: bool) -> Self:
        """Return the budget for a value of `lod.segment_budget`. software: the CPU draws."""
        if isinstance(setting, str):
            return cls(SOFTWARE_SEGMENTS if software else GPU_SEGMENTS, follows=True)
        return cls(setting)

    def after(self, busy_ms: float, frame_ms: float) -> Self:
        """Return the budget after frames that took `busy_ms` of the `frame_ms` they may take.

        A fifth less if they took over nine tenths of it, a quarter more if they took under six tenths.
        """
        if not self.follows:
            return self
        factor = 0.8 if busy_ms > 0.9 * frame_ms else 1.25 if busy_ms < 0.6 * frame_ms else 1.0
        segments = min(max(round(self.segments * factor), LEAST_SEGMENTS), MOST_SEGMENTS)
        return type(self)(segments, follows=True)

    def first_individuals(self, agents: int, samples: int) -> int:
        """Return how many of `agents` fit if each draws all of its `samples`."""
        return min(agents, max(1, self.segments // samples)) if self.segments else agents

    def individuals(self, agents: int, samples: int, now: int, segments: int) -> int:
        """Return how many of `agents` to draw one by one, when `now` of them drew `segments`.

        An individual costs the segments that its level of detail draws, and the reading of its `samples`. The
        result is twice `now` at most, as the cost of the next ones may differ under a camera that moves.
        """
        if not self.segments:
            return agents
        cost = segments + now * samples / SAMPLES_A_SEGMENT
        fitting = min(int(now * min(self.segments / max(cost, 1), 2)), agents)
        if fitting == agents or abs(fitting - now) > HYSTERESIS * now:
            return max(fitting, 1)
        return now
