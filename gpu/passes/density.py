"""Where agents go: a histogram of their positions, fading with time."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.bindings import Image, Slot
from gpu.dispatch import dispatch, groups_for, set_uniforms
from gpu.meter import FrameMeter
from gpu.source import DENSITY_UNIT, GROUP, compute_program
from gpu.trails import TrailRing


class DensityPass:
    """Counts the visits of every agent at every tick in a grid of `edge` x `edge` cells over the map.

    `texture` (float32, log2(1 + visits)) is what is drawn. A visit counts half after `half_life_ticks`;
    0 never forgets. A cell holds 2^32 / DENSITY_UNIT visits: 74 minutes of 1,000 agents at 60 ticks a
    second, all in one cell and never forgotten.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        edge: int,
        bounds: tuple[tuple[float, float], tuple[float, float]],
        half_life_ticks: float,
        meter: FrameMeter,
    ) -> None:
        self._gl = gl
        self._ring = ring
        self._meter = meter
        self._edge = edge
        self._keep_per_tick = 0.5 ** (1 / half_life_ticks) if half_life_ticks else 1.0
        self._cells = gl.buffer(data=bytes(edge * edge * 4))
        self.texture = gl.texture((edge, edge), 1, dtype="f4", data=bytes(edge * edge * 4))
        self._splat = compute_program(gl, "density_splat")
        self._resolve = compute_program(gl, "density_resolve")
        low, high = bounds
        set_uniforms(self._splat, agents=ring.agents, edge=edge, map_low=low, map_high=high)
        set_uniforms(self._resolve, edge=edge)

    def update(self, ticks: Iterable[int]) -> None:
        """Add the rows of `ticks`, which must be in the ring, fade, and refresh the texture."""
        self._cells.bind_to_storage_buffer(Slot.DENSITY)
        self._ring.bind()
        count = 0
        for tick in ticks:
            set_uniforms(self._splat, first=self._ring.first_index(tick))
            dispatch(self._gl, self._splat, (groups_for(self._ring.agents, GROUP), 1), self._meter)
            count += 1
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        set_uniforms(self._resolve, keep=self._keep_per_tick**count)
        dispatch(self._gl, self._resolve, (groups_for(self._edge**2, 64), 1), self._meter)

    def read_visits(self) -> NDArray[np.float64]:
        """Return the visits [edge, edge] of each cell, first axis upwards; a GPU query."""
        self._meter.queries += 1
        cells = np.frombuffer(self._cells.read(), np.uint32)
        return cells.reshape(self._edge, self._edge) / DENSITY_UNIT

    def release(self) -> None:
        """Free what this pass made."""
        for each in (self._cells, self.texture, self._splat, self._resolve):
            each.release()
