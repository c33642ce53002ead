"""The trails of all agents at once, kept over the map instead of being drawn again in every frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpu.bindings import Image, Slot
from gpu.dispatch import dispatch, groups_for, set_uniforms
from gpu.meter import FrameMeter
from gpu.source import GROUP, STAMP_BITS, STAMP_TICKS, compute_program
from gpu.textures import clamped
from gpu.trails import TrailRing


class CrowdPass:
    """Stamps every cell of `edge` x `edge` over the map with the newest tick in which a trail crossed it.

    That is all there is to know of trails one cell wide of which the newest lies on top: their colour and how
    far they have faded follow from the tick. So a tick costs its new segments, whatever the trails' length,
    nothing has to be faded, and the map is right under any camera. `texture` (RGBA8: the surface's colours
    with the trails over them, and how much the trails cover) goes stale with a tick, with the colours
    underneath, and with the way that trails are coloured.

    Performance: 100,000 agents take 8 ms a tick on llvmpipe with two cores, 512 x 512 cells 5 ms a picture.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        edge: int,
        bounds: tuple[tuple[float, float], tuple[float, float]],
        meter: FrameMeter,
    ) -> None:
        self._gl = gl
        self._ring = ring
        self._meter = meter
        self.edge = edge
        self._stamps = gl.buffer(data=bytes(edge * edge * 4))
        self.texture = clamped(gl.texture((edge, edge), 4))
        self._splat = compute_program(gl, "crowd_splat")
        self._compose = compute_program(gl, "crowd_compose")
        self._first = 0  # the tick that the stamp 1 stands for
        self._next = -1  # the tick that is to be stamped next; -1 before the first
        low, high = bounds
        set_uniforms(self._splat, agents=ring.agents, rows=ring.length, edge=edge, map_low=low, map_high=high)
        set_uniforms(self._compose, edge=edge)

    def update(self) -> None:
        """Stamp the ring's ticks that are not stamped yet; all of them if some were missed."""
        ticks = self._ring.ticks
        if self._next < ticks.start or ticks.stop - self._first >= STAMP_TICKS:
            self.clear()
            self._first = ticks.start
            self._next = ticks.start
        if self._next == ticks.stop:
            return
        self._ring.bind()
        self._stamps.bind_to_storage_buffer(Slot.STAMP)
        set_uniforms(self._splat, first_tick=self._first, from_tick=self._next, oldest=ticks.start)
        groups = groups_for(self._ring.agents, GROUP), ticks.stop - self._next
        dispatch(self._gl, self._splat, groups, self._meter)
        self._next = ticks.stop

    def clear(self) -> None:
        """Forget all stamps."""
        self._stamps.clear()
        self._next = -1

    def compose(self) -> None:
        """Bring `texture` up to date, with the frame block and the surface's colours that are bound now."""
        self._stamps.bind_to_storage_buffer(Slot.STAMP)
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        set_uniforms(self._compose, first_tick=self._first)
        dispatch(self._gl, self._compose, (groups_for(self.edge**2, 64), 1), self._meter)

    def read_ticks(self) -> NDArray[np.int64]:
        """Return the newest tick [edge, edge] in which a trail crossed a cell, -1 for none; a GPU query."""
        self._meter.queries += 1
        stamps = np.frombuffer(self._stamps.read(), np.uint32).reshape(self.edge, self.edge)
        ticks: NDArray[np.int64] = np.where(
            stamps > 0, (stamps >> STAMP_BITS).astype(np.int64) - 1 + self._first, -1
        )
        return ticks

    def release(self) -> None:
        """Free what this pass made."""
        for each in (self._stamps, self.texture, self._splat, self._compose):
            each.release()
