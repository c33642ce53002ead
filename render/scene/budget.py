"""How many agents are drawn one by one: as many as a budget of trail segments allows. Pure arithmetic."""

from dataclasses import dataclass
from typing import Self

SOFTWARE_SEGMENTS, GPU_SEGMENTS = 1_000, 4_000_000
"""What `lod.segment_budget = "auto"` begins with: half a millisecond a frame on llvmpipe."""

LEAST_SEGMENTS, MOST_SEGMENTS = 1_000, 16_000_000

SAMPLES_A_SEGMENT = 14
"""Samples that the choice of a level looks at in the time that a segment takes to be drawn (llvmpipe)."""

HYSTERESIS = 0.25
"""Share by which the number of individuals must be off before it changes."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Segments a frame may draw. `follows`: it follows the frame time instead of staying what it is.

    segments: 0 is without a limit.
    """

    segments: int
    follows: bool = False

    @classmethod
    def of(cls, setting: int | str, *, software: bool) -> Self:
        """Return the budget that `lod.segment_budget` asks for."""
        if isinstance(setting, str):
            return cls(SOFTWARE_SEGMENTS if software else GPU_SEGMENTS, follows=True)
        return cls(setting)

    def after(self, busy_ms: float, frame_ms: float) -> Self:
        """Return the budget after frames that took `busy_ms` of the `frame_ms` they may take.

        A fifth less above nine tenths of the time, a quarter more below six tenths.
        """
        if not self.follows:
            return self
        factor = 0.8 if busy_ms > 0.9 * frame_ms else 1.25 if busy_ms < 0.6 * frame_ms else 1.0
        segments = min(max(round(self.segments * factor), LEAST_SEGMENTS), MOST_SEGMENTS)
        return type(self)(segments, follows=True)

    def first_individuals(self, agents: int, samples: int) -> int:
        """Return how many of `agents` fit while nothing is known but that each has `samples`."""
        return min(agents, max(1, self.segments // samples)) if self.segments else agents

    def individuals(self, agents: int, samples: int, now: int, segments: int) -> int:
        """Return how many of `agents` to draw one by one, when `now` of them came to `segments`.

        Trails in view and their levels of detail decide what an individual costs, and looking at each of its
        `samples` costs something too. At most twice as many as now: after a camera's move all may differ.
        """
        if not self.segments:
            return agents
        cost = segments + now * samples / SAMPLES_A_SEGMENT
        fitting = min(int(now * min(self.segments / max(cost, 1), 2)), agents)
        if fitting == agents or abs(fitting - now) > HYSTERESIS * now:
            return max(fitting, 1)
        return now
