"""Where agents go: a histogram of their positions, fading with time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Image, Slot
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import GROUP, compute_program
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing


class DensityPass:
    """Counts the visits of every agent at every tick in a grid of `edge` x `edge` cells over the map.

    `texture` (float32, log2(1 + visits)) is what is drawn. A visit counts half after `half_life_ticks`;
    0 never forgets, and counts exactly up to 2^32 visits of one cell: 19 hours of 1,000 agents at 60 ticks a
    second, all in that cell.
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
        self._visits = gl.buffer(data=bytes(edge * edge * 4))
        self.texture = clamped(gl.texture((edge, edge), 1, dtype="f4", data=bytes(edge * edge * 4)))
        self._splat = compute_program(gl, "density/splat")
        self._resolve = compute_program(gl, "density/resolve")
        low, high = bounds
        set_uniforms(self._splat, agents=ring.agents, edge=edge, map_low=low, map_high=high)
        set_uniforms(self._resolve, edge=edge, keep=self._keep_per_tick)

    def update(self, ticks: range) -> None:
        """Add the rows of `ticks`, which must be in the ring, fading in between; refresh the texture."""
        self._cells.bind_to_storage_buffer(Slot.DENSITY)
        self._visits.bind_to_storage_buffer(Slot.VISITS)
        self._ring.bind()
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        for tick in ticks:
            set_uniforms(self._splat, first=self._ring.first_index(tick))
            dispatch(self._gl, self._splat, (groups_for(self._ring.agents, GROUP), 1), self._meter)
            # Every tick fades by itself, so that the map does not depend on how many a frame brings.
            if self._keep_per_tick < 1 or tick == ticks[-1]:
                dispatch(self._gl, self._resolve, (groups_for(self._edge**2, 64), 1), self._meter)

    def read_visits(self) -> NDArray[Any]:
        """Return the visits [edge, edge] of each cell, first axis upwards; a GPU query.

        uint32 counts where nothing is forgotten, else float32.
        """
        self._meter.queries += 1
        if self._keep_per_tick < 1:
            visits = np.frombuffer(self._visits.read(), np.float32)
        else:
            visits = np.frombuffer(self._cells.read(), np.uint32)
        return visits.reshape(self._edge, self._edge)

    def release(self) -> None:
        """Free what this pass made."""
        for each in (self._cells, self._visits, self.texture, self._splat, self._resolve):
            each.release()
