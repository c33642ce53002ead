"""The trails of all agents at once, kept over the map instead of being drawn again in every frame."""

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Image, Texture
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import GROUP, STAMP_BITS, STAMP_TICKS, compute_program
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing

COVERED = 0.4
"""Share of the map that the crowd's trails may cover: some of the landscape has to be seen between them."""


class CrowdPass:
    """Stamps every cell of a grid over the map with the newest tick in which a trail crossed it.

    That is all there is to know of trails one cell wide of which the newest lies on top: their colour and how
    far they have faded follow from the tick, and are worked out where the surface is drawn (`crowd.glsl`). So
    a tick costs its new segments, whatever the trails' length, nothing has to be faded, and the map is right
    under any camera.

    ticks_shown: how far back the crowd's trails reach, which is less than those of individuals where they
    would hide the map.

    Performance: a tick costs an atomic maximum for every cell that a new segment crosses. `make bench-render`
    measures whole frames: with 100,000 agents they take a third longer than with 1,000 on llvmpipe.
    """

    def __init__(
        self,
        gl: Any,
        ring: TrailRing,
        bounds: tuple[tuple[float, float], tuple[float, float]],
        meter: FrameMeter,
    ) -> None:
        self._gl = gl
        self._ring = ring
        self._meter = meter
        self.cells = (1, 1)
        self._stamps = self._texture()
        self._splat = compute_program(gl, "crowd/splat")
        self.first_tick = 0  # whose stamp is 1
        self._next = -1  # the tick that is to be stamped next; -1 before the first
        self.ticks_shown = float(ring.length - 1)
        self._colors: object = None
        low, high = bounds
        set_uniforms(self._splat, agents=ring.agents, rows=ring.length, map_low=low, map_high=high)

    def resize(self, cells: tuple[int, int]) -> None:
        """Have about so many cells along x and y; what they know is lost until `update`.

        A sixth more or less is as good: while a window is drawn larger, not every size of it is worth the
        stamping of all trails.
        """
        if any(abs(new - old) > old / 6 for new, old in zip(cells, self.cells, strict=True)):
            self.cells = cells
            self._stamps.release()
            self._stamps = self._texture()
            set_uniforms(self._splat, cells=cells)
            self.clear()

    def color(self, signal_range: tuple[float, float] | None) -> None:
        """Let stamps say where the ring's signal is on the scale between these ends; None: the agent's hue.

        They say it as it was when they were made: with another scale all are made anew, by the next `update`.
        """
        if signal_range == self._colors:
            return
        self._colors = signal_range
        low, high = signal_range or (0.0, 1.0)
        set_uniforms(self._splat, by_signal=signal_range is not None, signal_low=low, signal_high=high)
        self.clear()

    def _texture(self) -> Any:
        texture = clamped(self._gl.texture(self.cells, 1, dtype="u4", data=bytes(self._size)))
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        return texture

    @property
    def _size(self) -> int:
        return self.cells[0] * self.cells[1] * 4

    def update(self) -> None:
        """Stamp the ring's ticks that are not stamped yet; all of them if some were missed."""
        ticks = self._ring.ticks
        if self._next < ticks.start or ticks.stop - self.first_tick >= STAMP_TICKS:
            self.clear()
            self.first_tick = ticks.start
            self._next = ticks.start
        if self._next == ticks.stop:
            return
        self._ring.bind()
        self._stamps.bind_to_image(Image.STAMPS, read=True, write=True)
        set_uniforms(self._splat, first_tick=self.first_tick, from_tick=self._next, oldest=ticks.start)
        groups = groups_for(self._ring.agents, GROUP), ticks.stop - self._next
        dispatch(self._gl, self._splat, groups, self._meter)
        self._next = ticks.stop

    def clear(self) -> None:
        """Forget all stamps."""
        self._stamps.write(bytes(self._size))
        self._next = -1

    def fit(self) -> None:
        """Let `ticks_shown` follow how full the map is; a GPU query. Looks at every 16th row of cells."""
        self._meter.queries += 1
        rows = np.frombuffer(self._stamps.read(), np.uint32).reshape(self.cells[::-1])[::16]
        ticks = (rows.ravel() >> STAMP_BITS).astype(np.int64)
        ages = np.where(ticks > 0, self._ring.newest - self.first_tick + 1 - ticks, self._ring.length)
        wanted = ticks_to_show(ages, self._ring.length)
        if abs(wanted - self.ticks_shown) > 0.2 * self.ticks_shown:
            self.ticks_shown = wanted

    def bind(self) -> None:
        """Make the stamps visible to shaders."""
        self._stamps.use(Texture.STAMPS)

    def read_ticks(self) -> NDArray[np.int64]:
        """Return the newest tick [height, width] that a trail crossed a cell in, -1: none; a GPU query."""
        self._meter.queries += 1
        stamps = np.frombuffer(self._stamps.read(), np.uint32).reshape(self.cells[::-1])
        ticks: NDArray[np.int64] = np.where(
            stamps > 0, (stamps >> STAMP_BITS).astype(np.int64) - 1 + self.first_tick, -1
        )
        return ticks

    def release(self) -> None:
        """Free what this pass made."""
        for each in (self._stamps, self._splat):
            each.release()


def ticks_to_show(ages: NDArray[np.int64], length: int) -> float:
    """Return the ticks that trails of `length` may reach back, at least 1.

    They cover no more than COVERED of the map. And where many lie on each other, cells have all been crossed
    lately: reaching back twice the median age, colours still tell the newest from the rest. (Trails that do
    not touch have ages evenly from 0 to their length, twice the median of which is all of it.)
    ages: of the newest tick in each cell, in ticks; those from `length` on count as none.
    """
    shown = ages[ages < length]
    if not len(shown):
        return float(length - 1)
    covered = np.cumsum(np.bincount(shown, minlength=length)) / len(ages)
    reach = min(np.searchsorted(covered, COVERED), 2 * np.median(shown) + 1)
    return float(np.clip(reach, 1, length - 1))
