"""Visitation density: a histogram of agents' positions that fades with time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Image, Slot
from valuescape.gpu.constants import TEXEL_GROUP
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.arrays import Uint32Array
from valuescape.sim.cells.grid import VisitGrid


class DensityPass(ComputePass):
    """Counts the visits of every agent at every tick in a grid of `edge` x `edge` cells over the map.

    `texture` [edge, edge] (float32) holds log2(1 + visits). A visit counts half after `half_life_ticks`; with
    0 visits never fade, and are exact up to 2^32 in one cell: 19 hours of 1,000 agents at 60 ticks a second,
    all in that cell.

    A ring with rows of all agents is counted by a shader; the other kind brings the counts of each tick.

    Performance: in the shader a tick is an atomic addition an agent; counts are uploaded, 4 bytes a cell. If
    visits fade there is a pass over the cells, too.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        edge: int,
        bounds: Bounds,
        half_life_ticks: float,
        meter: FrameMeter,
    ) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._edge = edge
        self._keep_per_tick = 0.5 ** (1 / half_life_ticks) if half_life_ticks else 1.0
        nothing = bytes(edge * edge * 4)
        self._cells = self._own(gl.buffer(nothing))
        self._visits = self._own(gl.buffer(nothing))
        self.texture = clamped(self._own(gl.texture((edge, edge), 1, dtype="f4", data=nothing)))
        self.grid = VisitGrid(edge, *bounds)
        self._written = np.zeros(
            self.grid.shape, np.uint32
        )  # the cells, so that none is read back to add to it
        self._splat = self._program("density/splat", bounds=bounds, edge=edge, per_unit=self.grid.per_unit)
        self._resolve = self._program("density/resolve", edge=edge, keep=self._keep_per_tick)

    def update(self, ticks: range) -> None:
        """Add the visits of `ticks`, whose rows must be in the ring, one tick after the other."""
        self._cells.bind_to_storage_buffer(Slot.DENSITY)
        self._visits.bind_to_storage_buffer(Slot.VISITS)
        self._ring.bind()
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        for tick in ticks:
            told = self._ring.told_visits(tick)
            if told is None:
                self._count(tick)
            else:
                self._write(told)
            # Every tick fades by itself, so that the map does not depend on how many a frame brings.
            if self._keep_per_tick < 1 or tick == ticks[-1]:
                self._run(self._resolve, self._edge**2, group=TEXEL_GROUP)

    def _count(self, tick: int) -> None:
        # An agent counts from the tick after it came: at that one, the row may have been there already.
        agents = self._ring.present(tick - 1)
        set_uniforms(self._splat, first=self._ring.first_index(tick), agents=agents)
        self._run(self._splat, agents)

    def _write(self, counts: Uint32Array) -> None:
        """Write the counts of a tick; where visits never fade, those of all ticks so far."""
        if self._keep_per_tick == 1:
            counts = np.add(self._written, counts, out=self._written)
        self._cells.write(counts)
        self._meter.upload_bytes += counts.nbytes

    def read_visits(self) -> NDArray[Any]:
        """Return the visits [edge, edge] of each cell, lowest row first; a GPU query.

        uint32 if visits never fade, else float32. The array is read-only.
        """
        self._meter.queries += 1
        if self._keep_per_tick < 1:
            visits = np.frombuffer(self._visits.read(), np.float32)
        else:
            visits = np.frombuffer(self._cells.read(), np.uint32)
        return visits.reshape(self._edge, self._edge)
