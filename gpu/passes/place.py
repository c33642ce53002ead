"""Trail samples onto the surface, once each."""

from typing import Any

import numpy as np

from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Surface, scene_points_one_by_one
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.shader_source import GROUP, compute_program
from valuescape.gpu.trail_ring import TrailRing


class PlacePass:
    """Computes the scene point of trail samples, for the field that is bound as VALUE and its range.

    Only individuals have points. They go stale when that field or its range changes, and when there are other
    individuals; `update` then needs all ticks of the ring, else only new ones.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        individuals: Individuals,
        bounds: tuple[tuple[float, float], tuple[float, float]],
        height: float,
        meter: FrameMeter,
    ) -> None:
        self._gl = gl
        self._ring = ring
        self._individuals = individuals
        self._meter = meter
        self._program = compute_program(gl, "trails/place")
        low, high = bounds
        set_uniforms(
            self._program,
            agents=ring.agents,
            rows=ring.length,
            map_low=low,
            map_high=high,
            height=height,
        )

    def update(self, ticks: range, layer: int) -> None:
        """Place the samples of consecutive `ticks`, which must be in the ring.

        layer: whose field is bound.
        """
        if not ticks:
            return
        self._ring.bind()
        self._individuals.bind()
        count = self._individuals.count
        set_uniforms(self._program, first_row=ticks.start % self._ring.length, count=count, layer=layer)
        dispatch(self._gl, self._program, (groups_for(count, GROUP), len(ticks)), self._meter)

    def update_one_by_one(self, ticks: range, surface: Surface) -> None:
        """Do the same without the shader, a sample after the other: the plain path. GPU queries."""
        ring, agents = self._ring, self._individuals.read()
        for tick in ticks:
            positions, strands, points = ring.read_row(tick)
            points[agents, :3] = scene_points_one_by_one(positions[agents], surface)
            points[:, 3] = strands.view(np.float32)
            ring.point.write(points, offset=ring.first_index(tick) * 16)
            self._meter.upload_bytes += points.nbytes

    def release(self) -> None:
        """Free the program."""
        self._program.release()
