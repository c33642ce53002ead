"""Trail colours that later ticks decide: the outcome of an episode, the advantage of a step."""

from typing import Any

from valuescape.gpu.bindings import Slot
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.trail_ring import TrailRing


class HindsightPass(ComputePass):
    """Rewrites the ring's signal of every individual, from its newest sample back to its oldest.

    The crowd's stamps are made when a tick is new and are not rewritten: for the advantage they show the TD
    error alone, for the outcome the last tick of an episode.

    Performance: one read and one write a sample, in every frame that brings a tick.
    """

    def __init__(self, gl: Any, ring: TrailRing, individuals: Individuals, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._individuals = individuals
        self._rewrite = self._program("trails/hindsight", agents=ring.agents, rows=ring.length)

    def update(self, *, outcome: bool, decay: float) -> None:
        """Bring the signal up to date with the ring.

        outcome: write how the sample's episode ended; else the sum of the TD errors of this tick and those
        that follow it, each weighted by `decay` per tick of distance.
        """
        ring = self._ring
        ring.bind()
        self._individuals.bind()
        (ring.raw or ring.strand).bind_to_storage_buffer(Slot.TRAIL_RAW)
        set_uniforms(
            self._rewrite,
            count=self._individuals.count,
            oldest=ring.oldest,
            newest=ring.newest,
            outcome=outcome,
            decay=decay,
        )
        self._run(self._rewrite, self._individuals.count)
