"""Text as rectangles: an atlas of glyphs, and the quads of a string."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from valuescape.sim.arrays import Float32Array

CHARACTERS = "".join(map(chr, range(32, 127))) + "°²³·×−±–—…←→↑↓αβγδεθλμπσφωΔΩ≤≥∞●"
_UNKNOWN = "?"
_PADDING = 1


@dataclass(frozen=True, slots=True)
class Glyph:
    """The place of a character in the atlas (texels), and its offset and advance from the pen (pixels)."""

    left: int
    top: int
    width: int
    height: int
    offset_x: int
    offset_y: int
    advance: float


class Font:
    """DejaVu Sans at one size, drawn into an atlas [height, width] uint8 of coverage."""

    def __init__(self, size_px: int) -> None:
        path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
        # Pillow's default engine, and so the widths of words, depends on whether libfribidi is installed.
        self._font = ImageFont.truetype(str(path), size_px, layout_engine=ImageFont.Layout.BASIC)
        self.ascent, self.descent = self._font.getmetrics()
        self.glyphs, self.atlas = self._draw()
        self.quads = lru_cache(maxsize=512)(self._quads)  # twice the texts of a picture with its help
        self.width = lru_cache(maxsize=4096)(self._width)

    @property
    def line_px(self) -> int:
        """The distance from one baseline to the next."""
        return int((self.ascent + self.descent) * 1.25)

    def _width(self, text: str) -> float:
        """Return the advance of the pen in pixels."""
        return sum(self._glyph(character).advance for character in text)

    def _quads(self, text: str) -> Float32Array:
        """Return [n, 8] float32: x, y, width, height from the line's top left, and in the atlas (0 to 1)."""
        rows, pen = [], 0.0
        atlas_height, atlas_width = self.atlas.shape
        for character in text:
            glyph = self._glyph(character)
            if glyph.width and glyph.height:
                rows.append(
                    (
                        round(pen) + glyph.offset_x,
                        glyph.offset_y,
                        glyph.width,
                        glyph.height,
                        glyph.left / atlas_width,
                        glyph.top / atlas_height,
                        glyph.width / atlas_width,
                        glyph.height / atlas_height,
                    )
                )
            pen += glyph.advance
        return np.array(rows, np.float32).reshape(-1, 8)

    def _glyph(self, character: str) -> Glyph:
        return self.glyphs.get(character) or self.glyphs[_UNKNOWN]

    def _draw(self) -> tuple[dict[str, Glyph], NDArray[np.uint8]]:
        """Return all glyphs and the atlas, a square that they fill row by row."""
        cell = self.ascent + self.descent + 2 * _PADDING
        edge = int(np.ceil(np.sqrt(len(CHARACTERS)) * cell)) + cell
        image = Image.new("L", (edge, edge), 0)
        draw = ImageDraw.Draw(image)
        glyphs, x, y = {}, 0, 0
        for character in CHARACTERS:
            left, top, right, bottom = (int(edge) for edge in self._font.getbbox(character))
            width, height = right - left, bottom - top
            if x + width + 2 * _PADDING > edge:
                x, y = 0, y + cell
            draw.text((x + _PADDING - left, y + _PADDING - top), character, fill=255, font=self._font)
            glyphs[character] = Glyph(
                x + _PADDING, y + _PADDING, width, height, left, top, self._font.getlength(character)
            )
            x += width + 2 * _PADDING
        return glyphs, np.asarray(image, np.uint8)
