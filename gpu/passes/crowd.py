"""The crowd: trails of all agents as stamps on a grid over the map, not drawn anew in every frame."""

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Image, Slot, Texture
from valuescape.gpu.constants import TEXEL_GROUP
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Bounds
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.arrays import Uint32Array
from valuescape.sim.cells.choose import CellCode
from valuescape.sim.cells.grid import STAMP_BITS, STAMP_TICKS, CrowdGrid, per_signal
from valuescape.sim.cells.paint import CellColors
from valuescape.sim.cells.reader import CellReader

COVERED = 0.4
"""Share of the map that the crowd's trails may cover: the landscape has to be seen between them."""


class CrowdPass(ComputePass):
    """Stamps every cell of a grid over the map with the newest tick at which a trail crossed it.

    Where trails are one cell wide and the newest lies on top, the tick tells everything: colour and fading
    follow from it where the surface is drawn (`crowd.glsl`). The stamps do not depend on the camera, and
    nothing has to be faded.

    A ring with rows of all agents is stamped by a shader (`update`); without them, a reader's stamps are
    taken over (`take`). Both make the same bits.

    cells: along x and y. first_tick: the tick whose stamp is 1. ticks_shown: length of the crowd's trails;
    less than that of individuals where they would hide the map.

    Performance: in the shader a tick costs an atomic maximum for every cell that a new segment crosses,
    whatever the trails' length. `make bench-render` measures whole frames: on llvmpipe they take a third
    longer with 100,000 agents than with 1,000.
    """

    def __init__(self, gl: Any, ring: TrailRing, bounds: Bounds, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._ring = ring
        self._bounds = bounds
        self.cells = self._wanted = (1, 1)
        self._stamps, self._painted = self._make_stamps(), self._make_picture()
        self._tables = self._own(gl.buffer(reserve=4))
        self._splat = self._program("crowd/splat", bounds=bounds, rows=ring.length)
        self._paint = self._program("crowd/paint")
        self._found: Uint32Array | None = None  # a reader's stamps
        self._colored = np.zeros((0, 0), np.uint32)  # their colours
        self._sent = True  # whether the texture has them
        self._revision = 0  # of the stamps
        self._painted_of: tuple[int, bytes] = -1, b""
        self.first_tick = 0
        self._next = -1  # the tick to stamp next; -1: none is stamped
        self.ticks_shown = float(ring.length - 1)
        self._colors: tuple[float, float] | None = None

    def resize(self, cells: tuple[int, int]) -> None:
        """Have about `cells` cells along x and y; if that changes them, all are empty until `update`, or as
        they were until `take`.

        A difference of up to a sixth changes nothing: stamping all trails again for every size of a window
        that is being resized would cost more than it shows.
        """
        if any(abs(new - old) > old / 6 for new, old in zip(cells, self._wanted, strict=True)):
            self._wanted = cells
            set_uniforms(self._splat, cells=cells, per_unit=self.grid.per_unit)
            if not self._ring.drawn:
                self._make_cells(cells)
            self.clear()

    def color(self, signal_range: tuple[float, float] | None) -> None:
        """Colour the crowd by the ring's signal, on a scale between these ends; None: by the agents' hues.

        A stamp holds the colour that its sample had; with other ends the next `update` makes all anew.
        """
        if signal_range == self._colors:
            return
        self._colors = signal_range
        ends = signal_range or (0.0, 1.0)
        by_signal, share = signal_range is not None, per_signal(ends)
        set_uniforms(self._splat, by_signal=by_signal, signal_low=ends[0], per_signal=share)
        self.clear()

    @property
    def grid(self) -> CrowdGrid:
        """The cells, and what stamps in them say."""
        return CrowdGrid(self._wanted, *self._bounds, self.first_tick, self._colors)

    def _make_cells(self, cells: tuple[int, int]) -> None:
        self.cells = cells
        for each in (self._stamps, self._painted):
            self._free(each)
        self._colored, self._sent = np.zeros((0, 0), np.uint32), True
        self._stamps, self._painted = self._make_stamps(), self._make_picture()

    def _make_stamps(self) -> Any:
        size = (1, 1) if self._ring.drawn else self.cells  # a reader's are not uploaded
        texture = clamped(self._own(self._gl.texture(size, 1, dtype="u4", data=bytes(4 * size[0] * size[1]))))
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        return texture

    def _make_picture(self) -> Any:
        return clamped(self._own(self._gl.texture(self.cells, 4, data=bytes(self._size))))

    @property
    def _size(self) -> int:
        return self.cells[0] * self.cells[1] * 4

    def update(self) -> None:
        """Stamp the ring's ticks that are not stamped yet; all of them if some left the ring unstamped."""
        if not self._begin():
            return
        ticks = self._ring.ticks
        self._ring.bind()
        self._stamps.bind_to_image(Image.STAMPS, read=True, write=True)
        agents = self._ring.agents
        set_uniforms(
            self._splat,
            agents=agents,
            first_tick=self.first_tick,
            from_tick=self._next,
            oldest=ticks.start,
        )
        self._run(self._splat, agents, ticks.stop - self._next)
        self._next = ticks.stop
        self._revision += 1

    def _begin(self) -> bool:
        """Begin anew if ticks left the ring unstamped; return whether there is a tick to stamp."""
        ticks = self._ring.ticks
        if self._next < ticks.start or ticks.stop - self.first_tick >= STAMP_TICKS:
            self.clear()
            self.first_tick = self._next = ticks.start
        return self._next != ticks.stop

    def take(self, reader: CellReader) -> None:
        """Take over a reader's stamps of the ring's ticks, if they are others than before."""
        if not self._begin():
            return
        found = reader.stamps(self.grid)
        if found is not None:
            if found.grid.cells != self.cells:
                self._make_cells(found.grid.cells)
            self.first_tick, self._found = found.grid.first_tick, found.stamps
            self._revision += 1
        self._next = self._ring.ticks.stop

    def paint(self, colors: CellColors, code: CellCode) -> None:
        """Colour the cells, if stamps or tables are others than before. code: for a reader's stamps."""
        look = self._revision, colors.key
        if look == self._painted_of or self._ring.newest < 0:
            return
        self._painted_of = look
        newest = self._ring.newest - self.first_tick + 1
        if not self._ring.drawn:
            self._paint_by_shader(colors, newest)
        elif self._found is not None:
            if self._colored.shape != self._found.shape:
                self._colored = np.empty_like(self._found)
            code.paint(self._found, newest, colors, self._colored)
            self._sent = False

    def _paint_by_shader(self, colors: CellColors, newest: int) -> None:
        ages, by_age = len(colors.covers), len(colors.by_age) > 0
        tables = colors.by_age.tobytes() if by_age else bytes(4 * ages)
        tables += colors.covers.tobytes() + colors.by_bits.tobytes()
        if self._tables.size < len(tables):
            self._free(self._tables)
            self._tables = self._own(self._gl.buffer(reserve=len(tables)))
        self._tables.write(tables)
        self._meter.upload_bytes += len(tables)
        self._tables.bind_to_storage_buffer(Slot.CELL_COLORS)
        self._stamps.bind_to_image(Image.STAMPS, read=True, write=False)
        self._painted.bind_to_image(Image.FIELD, read=False, write=True)
        set_uniforms(self._paint, ages=ages, by_age=by_age, newest=newest)
        self._run(self._paint, self.cells[0] * self.cells[1], group=TEXEL_GROUP)

    def clear(self) -> None:
        """Forget all stamps; a reader's are shown until there are others."""
        if not self._ring.drawn:
            self._stamps.write(bytes(self._size))
            self._revision += 1
        self._next = -1

    def fit(self) -> None:
        """Adapt `ticks_shown` to the covered share of the map, by every 16th row; a query without reader."""
        rows = self.read_stamps()[::16]
        ticks = (rows.ravel() >> STAMP_BITS).astype(np.int64)
        ages = np.where(ticks > 0, self._ring.newest - self.first_tick + 1 - ticks, self._ring.length)
        wanted = ticks_to_show(ages, self._ring.length)
        if abs(wanted - self.ticks_shown) > 0.2 * self.ticks_shown:
            self.ticks_shown = wanted

    def bind(self) -> None:
        """Make the colours of the cells visible to shaders, those of a reader's cells after `send`."""
        self._painted.use(Texture.CROWD)

    def send(self) -> None:
        """Upload the colours of a reader's cells, if the texture has others."""
        if not self._sent:
            self._sent = True
            self._painted.write(self._colored)
            self._meter.upload_bytes += self._colored.nbytes
            self.bind()

    @property
    def colors(self) -> Uint32Array:
        """Colours of the cells [height, width], packed RGBA of 8 bits, premultiplied; valid until `paint`.

        Only of a reader's cells.
        """
        return self._colored

    def read_stamps(self) -> Uint32Array:
        """Return the stamps [height, width], read-only or a reader's; a GPU query without a reader."""
        if self._ring.drawn:
            return np.zeros(self.cells[::-1], np.uint32) if self._found is None else self._found
        self._meter.queries += 1
        return np.frombuffer(self._stamps.read(), np.uint32).reshape(self.cells[::-1])

    def read_colors(self) -> NDArray[np.uint8]:
        """Return the colours of the cells [height, width, 4], premultiplied RGBA; a GPU query."""
        self._meter.queries += 1
        self.send()
        return np.frombuffer(self._painted.read(), np.uint8).reshape(*self.cells[::-1], 4)

    def read_ticks(self) -> NDArray[np.int64]:
        """Return the newest tick [height, width] at which a trail crossed a cell, -1: none; a query."""
        stamps = self.read_stamps()
        ticks: NDArray[np.int64] = np.where(
            stamps > 0, (stamps >> STAMP_BITS).astype(np.int64) - 1 + self.first_tick, -1
        )
        return ticks


def ticks_to_show(ages: NDArray[np.int64], length: int) -> float:
    """Return the length in ticks, from 1 to length - 1, that the crowd's trails are drawn with.

    They cover COVERED of the map at most. Where many lie on each other, most cells have been crossed lately;
    the length is then twice the median age, so that colours still tell the newest from the rest. (Trails that
    do not touch have ages spread evenly from 0 to `length`; twice their median is `length`.)
    ages: [n] of the newest tick in each cell, in ticks; from `length` on the cell is empty.
    """
    shown = ages[ages < length]
    if not len(shown):
        return float(length - 1)
    covered = np.cumsum(np.bincount(shown, minlength=length)) / len(ages)
    reach = min(np.searchsorted(covered, COVERED), 2 * np.median(shown) + 1)
    return float(np.clip(reach, 1, length - 1))
