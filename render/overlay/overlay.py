"""Text, lines and rectangles over the picture, as one list of parallelograms in one draw call."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import Quad
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import draw_program
from valuescape.render.overlay.layout import Layout, shortened
from valuescape.render.overlay.text import Font
from valuescape.render.view.camera import Rect
from valuescape.sim.arrays import Float32Array

Color = tuple[float, float, float, float]

INK: Color = (0.93, 0.94, 0.96, 1.0)
FAINT: Color = (0.93, 0.94, 0.96, 0.55)
PANEL: Color = (0.055, 0.062, 0.078, 0.86)

QUAD = np.dtype(
    [
        ("corner", "f4", 2),
        ("right", "f4", 2),
        ("down", "f4", 2),
        ("texels", "f4", 4),
        ("color", "f4", 4),
        ("kind", "u4"),
    ]
)
"""One parallelogram, as `overlay.vert` reads it; pixels from the top left."""

_PLAIN, _GLYPH, _COLORMAP = Quad


@dataclass(frozen=True, slots=True)
class TextBox:
    """A line of text and the rectangle that its pixels lie in."""

    text: str
    box: Rect


class Overlay:
    """A list of quads to be drawn in order. Pure data; cheap enough to build anew at each change.

    layout: the rectangles that are taken. texts: all lines so far. panels: areas with a backing. blocks:
    areas of text that need one if the scene is under them.
    """

    def __init__(self, font: Font, layout: Layout | None = None) -> None:
        self.font = font
        self.layout = layout or Layout()
        self.texts: list[TextBox] = []
        self.blocks: list[Rect] = []
        self.panels: list[Rect] = []
        self._parts: list[Float32Array] = []  # each [n, 15]; joining structured arrays is slow

    def quads(self) -> NDArray[Any]:
        """Return all quads so far as a new array [n] of dtype QUAD."""
        if not self._parts:
            return np.zeros(0, QUAD)
        rows = np.concatenate(self._parts)
        rows.view(np.uint32)[:, -1] = rows[:, -1]
        return rows.view(QUAD).ravel()

    def absorb(self, other: Self, left: float) -> None:
        """Take over everything of another overlay, of a part of the picture that begins at column `left`."""

        def moved(area: Rect) -> Rect:
            return replace(area, left=area.left + left)

        self.texts += [TextBox(each.text, moved(each.box)) for each in other.texts]
        self.blocks += map(moved, other.blocks)
        self.panels += map(moved, other.panels)
        self.layout.taken += map(moved, other.layout.taken)
        for part in other._parts:
            part = part.copy()
            part[:, 0] += np.float32(left)
            self._parts.append(part)

    def rect(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        """Fill a rectangle; (x, y) is its upper left corner."""
        self._parallelogram((x, y), (width, 0), (0, height), color, _PLAIN)

    def panel(self, area: Rect) -> None:
        """Fill an area with the colour that is behind text."""
        self.panels.append(area)
        self.rect(area.left, area.top, area.width, area.height, PANEL)

    def gradient(self, x: float, y: float, width: float, height: float, row: int) -> None:
        """Fill a rectangle with colour map `row`: low at the bottom, or on the left of a wide one."""
        if width > height:
            self._parallelogram((x, y), (width, 0), (0, height), INK, _COLORMAP + row)
        else:
            self._parallelogram((x, y + height), (0, -height), (width, 0), INK, _COLORMAP + row)

    def swatch(self, x: float, y: float, width: float, height: float, row: int, at: float) -> None:
        """Fill a rectangle with the colour of map `row` at a place in [0, 1]."""
        self._parallelogram((x, y), (width, 0), (0, height), INK, _COLORMAP + row, (at, 0, 0, 0))

    def line(self, start: tuple[float, float], end: tuple[float, float], width: float, color: Color) -> None:
        """Draw a straight line, `width` pixels wide."""
        x, y = end[0] - start[0], end[1] - start[1]
        share = width / (math.hypot(x, y) or 1.0)
        across = -y * share, x * share
        corner = start[0] - across[0] / 2, start[1] - across[1] / 2
        self._parallelogram(corner, (x, y), across, color, _PLAIN)

    def polyline(self, pixels: Float32Array, width: float, color: Color) -> None:
        """Draw straight lines between successive pixels [n, 2], `width` pixels wide; none from or to NaN.

        Performance: a few array operations, however many points there are.
        """
        start, along = pixels[:-1], np.diff(pixels, axis=0)
        length = np.hypot(*along.T)
        drawn = length > 0  # False for NaN
        start, along = start[drawn], along[drawn]
        across = along[:, ::-1] * (-width, width) / length[drawn, None]
        quads = np.zeros((len(start), 15), np.float32)
        quads[:, :2], quads[:, 2:4], quads[:, 4:6] = start - across / 2, along, across
        quads[:, 6:10], quads[:, 10:14], quads[:, 14] = (0, 0, 1, 1), color, _PLAIN
        self._parts.append(quads)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        color: Color = INK,
        *,
        anchor: tuple[float, float] = (0.0, 0.0),
        upright: bool = False,
    ) -> None:
        """Write a line. anchor: the point of its box at (x, y), from (0, 0), the top left, to (1, 1).

        upright: turned by 90 degrees, reading upwards. The place is not checked; see `label`.
        """
        self._write(self.measure(x, y, text, anchor=anchor, upright=upright), text, color, upright)

    def label(
        self,
        x: float,
        y: float,
        text: str,
        color: Color = INK,
        *,
        anchor: tuple[float, float] = (0.0, 0.0),
        upright: bool = False,
    ) -> bool:
        """Write a line as `text` does if its box fits, and claim the box; return whether it fits."""
        box = self.measure(x, y, text, anchor=anchor, upright=upright)
        if not text or not self.layout.claim(box):
            return False
        self._write(box, text, color, upright)
        return True

    def measure(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: tuple[float, float] = (0.0, 0.0),
        upright: bool = False,
    ) -> Rect:
        """Return the box of a line, with arguments as for `text`."""
        width, height = self.font.width(text), self.font.ascent + self.font.descent
        if upright:
            left, bottom = round(x - anchor[1] * height), round(y + anchor[0] * width)
            return Rect(left, bottom - width, height, width)
        return Rect(round(x - anchor[0] * width), round(y - anchor[1] * height), width, height)

    def short(self, text: str, width: float) -> str:
        """Return a text shortened to at most `width` pixels."""
        return shortened(self.font, text, width)

    def _write(self, box: Rect, text: str, color: Color, upright: bool) -> None:
        self.texts.append(TextBox(text, box))
        placed = self.font.quads(text)
        quads = np.zeros((len(placed), 15), np.float32)
        if upright:
            quads[:, 0], quads[:, 1] = box.left + placed[:, 1], round(box.bottom) - placed[:, 0]
            quads[:, 3], quads[:, 4] = -placed[:, 2], placed[:, 3]
        else:
            quads[:, :2] = placed[:, :2] + (box.left, box.top)
            quads[:, 2], quads[:, 5] = placed[:, 2], placed[:, 3]
        quads[:, 6:10], quads[:, 10:14], quads[:, 14] = placed[:, 4:], color, _GLYPH
        self._parts.append(quads)

    def _parallelogram(
        self,
        corner: Any,
        right: Any,
        down: Any,
        color: Color,
        kind: int,
        texels: tuple[float, float, float, float] = (0, 0, 1, 1),
    ) -> None:
        self._parts.append(np.array([[*corner, *right, *down, *texels, *color, kind]], np.float32))


class OverlayRenderer:
    """Draws an overlay in one instanced draw call. The context is lent; `release` frees the rest."""

    def __init__(self, gl: Any, font: Font, meter: FrameMeter) -> None:
        self._gl = gl
        self._meter = meter
        self._count = 0
        self._program = draw_program(gl, "overlay/overlay")
        height, width = font.atlas.shape
        self._glyphs = gl.texture((width, height), 1, font.atlas.tobytes(), alignment=1)
        self._buffer = gl.buffer(reserve=512 * QUAD.itemsize, dynamic=True)
        self._vao = self._vertex_array()

    def upload(self, quads: NDArray[Any]) -> None:
        """Upload quads [n] (dtype QUAD); needed only when they have changed."""
        if quads.nbytes > self._buffer.size:
            self._vao.release()
            self._buffer.orphan(max(quads.nbytes, 2 * self._buffer.size))
            self._vao = self._vertex_array()
        if len(quads):
            self._buffer.write(quads.tobytes())
        self._meter.upload_bytes += quads.nbytes
        self._count = len(quads)

    def draw(self) -> None:
        """Draw the quads of the last upload."""
        if not self._count:
            return
        self._glyphs.use(Texture.GLYPHS)
        self._vao.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._count)
        self._meter.draw_calls += 1

    def release(self) -> None:
        """Free program, texture and buffers."""
        for each in (self._vao, self._buffer, self._glyphs, self._program):
            each.release()

    def _vertex_array(self) -> Any:
        names = [f"in_{name}" for name in QUAD.names or ()]
        return self._gl.vertex_array(self._program, [(self._buffer, "2f 2f 2f 4f 4f 1u /i", *names)])
