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

    This pass does not touch the crowd, which is drawn from each tick as it arrives. So for the advantage the
    crowd shows the TD error alone, and for the outcome only an episode's last tick shows how it ended.

    Performance: each frame with a new tick reads and writes every sample of every individual once.
    """

    def __init__(self, gl: Any, ring: TrailRing, individuals: Individuals, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._individuals = individuals
        self._rewrite = self._program("trails/hindsight", rows=ring.length)

    def update(self, *, outcome: bool, decay: float) -> None:
        """Bring the signal up to date with the ring.

        outcome: write how the sample's episode ended; else write the advantage: the sum of this tick's TD
        error and the later ones of its episode, each weighted by `decay` per tick of distance.
        """
        ring = self._ring
        ring.bind()
        self._individuals.bind()
        # Outcomes need no raw signal; the slot still needs a buffer
        (ring.raw or ring.strand).bind_to_storage_buffer(Slot.TRAIL_RAW)
        set_uniforms(
            self._rewrite,
            slots=ring.slots,
            count=self._individuals.count,
            oldest=ring.oldest,
            newest=ring.newest,
            outcome=outcome,
            decay=decay,
        )
        self._run(self._rewrite, self._individuals.count)
