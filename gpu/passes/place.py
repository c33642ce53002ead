"""Placing of trail samples on the surface, once a sample."""

from typing import Any

import numpy as np

from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds, Surface, scene_points_one_by_one
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.trail_ring import TrailRing


class PlacePass(ComputePass):
    """Computes the scene points of individuals' trail samples, on the field bound as HEIGHT.

    height: of the top of that field's range, in the scene. Points go stale when the field or its range
    changes, and when other agents become individuals; `update` then needs all ticks of the ring, else only
    the new ones.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        individuals: Individuals,
        bounds: Bounds,
        height: float,
        meter: FrameMeter,
    ) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._individuals = individuals
        self._place = self._program("trails/place", bounds=bounds, rows=ring.length, height=height)

    def update(self, ticks: range, layer: int) -> None:
        """Place the samples of consecutive `ticks`, which must be in the ring.

        layer: index of the bound field's range.
        """
        if not ticks:
            return
        self._ring.bind()
        self._individuals.bind()
        ring, count = self._ring, self._individuals.count
        set_uniforms(
            self._place,
            slots=ring.slots,
            first_row=ticks.start % ring.length,
            count=count,
            layer=layer,
        )
        self._run(self._place, count, len(ticks))

    def update_one_by_one(self, ticks: range, surface: Surface) -> None:
        """Place the samples of `ticks` on `surface` in a Python loop, the plain path; GPU queries."""
        ring, slots = self._ring, self._individuals.slots()
        for tick in ticks:
            positions, strands, points = ring.read_row(tick)
            points[slots, :3] = scene_points_one_by_one(positions[slots], surface)
            points[:, 3] = strands.view(np.float32)
            ring.point.write(points, offset=ring.first_index(tick) * 16)
            self._meter.upload_bytes += points.nbytes
