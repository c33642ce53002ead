"""Trail colours that depend on what came after: how an episode ended, and the advantage of a step."""

from typing import Any

from valuescape.gpu.bindings import Slot
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.shader_source import GROUP, compute_program
from valuescape.gpu.trail_ring import TrailRing


class HindsightPass:
    """Rewrites the ring's signal of every individual, from its newest sample back to its oldest.

    The crowd's stamps are made when a tick is new and stay what they were: of them the advantage shows the TD
    error alone, and the outcome the last tick of an episode.

    Performance: a sample is one read and one write, in every frame that brings a tick.
    """

    def __init__(self, gl: Any, ring: TrailRing, individuals: Individuals, meter: FrameMeter) -> None:
        self._gl = gl
        self._ring = ring
        self._individuals = individuals
        self._meter = meter
        self._program = compute_program(gl, "trails/hindsight")
        set_uniforms(self._program, agents=ring.agents, rows=ring.length)

    def update(self, *, outcome: bool, decay: float) -> None:
        """Bring the signal up to date with the ring.

        outcome: how episodes ended; else sums of TD errors, a later one counting `decay` times as much a
        tick.
        """
        ring = self._ring
        ring.bind()
        self._individuals.bind()
        (ring.raw or ring.strand).bind_to_storage_buffer(Slot.TRAIL_RAW)
        set_uniforms(
            self._program,
            count=self._individuals.count,
            oldest=ring.oldest,
            newest=ring.newest,
            outcome=outcome,
            decay=decay,
        )
        dispatch(self._gl, self._program, (groups_for(self._individuals.count, GROUP), 1), self._meter)

    def release(self) -> None:
        """Free the program."""
        self._program.release()
