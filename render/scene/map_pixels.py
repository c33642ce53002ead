"""Pixels of the flat map in machine code, for computers that draw on the processor anyway.

Bilinear, as the samplers of `surface/map.frag` and `crowd.glsl`: first along the rows of texels, each of
which is needed for several rows of pixels, then between two such rows, which takes no lookups and is
vectorised.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import compiled, compiled_and_kept, source_key

_ZERO, _ONE, _HALF, _FULL = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
_DARKEST, _NARROW, _LEAST = np.float32(0.35), np.float32(1.2), np.float32(1e-6)
_FADES_FROM, _FADES_OVER = np.float32(0.25), np.float32(0.35)
_TWO, _THREE = np.float32(2), np.float32(3)
_BYTE = np.uint32(255)
_KEY = source_key()


class Lookups(NamedTuple):
    """Texels that pixels along an axis lie between.

    texels: [2, n], the lower ones first. share: of the upper ones, [n].
    """

    texels: NDArray[np.int32]
    share: Float32Array


class Lines(NamedTuple):
    """Contour lines: values as phases (a line lies at each whole number), and a line's width for a slope.

    phase = (value - low) * per_value; width = alpha^2 * per_slope, where alpha, 0 to 255, is that of the
    shades. per_slope 0: there are no lines.
    """

    low: np.float32
    per_value: np.float32
    per_slope: np.float32


def lookups(uv: Float32Array, texels: int) -> Lookups:
    """Return the lookups of places [n] along an edge of so many texels, 0 to 1."""
    at = np.clip(uv * np.float32(texels) - np.float32(0.5), 0, texels - 1)
    lower = at.astype(np.int32)
    share = (at - lower).astype(np.float32)
    return Lookups(np.stack([lower, np.minimum(lower + 1, np.int32(texels - 1))]), share)


def _kept(function: Any) -> Any:
    return compiled_and_kept(function, _KEY)


@compiled
def _colors_along(row: Any, columns: Any, out: Any) -> None:
    """Write red, green, blue and alpha, [4, n], of packed texels at places along their row."""
    texels, share = columns
    lower, upper = texels[0], texels[1]
    for x in range(len(share)):
        a, b, t = row[lower[x]], row[upper[x]], share[x]
        for channel in range(4):
            shift = np.uint32(8 * channel)
            low = np.float32(np.int32((a >> shift) & _BYTE))
            high = np.float32(np.int32((b >> shift) & _BYTE))
            out[channel, x] = low + (high - low) * t


@compiled
def _values_along(row: Any, columns: Any, out: Any) -> None:
    texels, share = columns
    lower, upper = texels[0], texels[1]
    for x in range(len(share)):
        a, b = row[lower[x]], row[upper[x]]
        out[x] = a + (b - a) * share[x]


@compiled
def _paint_row(
    colors: Any, t: Any, values: Any, s: Any, lines: Any, back: Any, opacity: Any, out: Any
) -> None:
    """Write a row of the map from two rows of colours [2, 4, n] and of values [2, n]. Vectorised."""
    zero, per_value, per_slope = lines
    low, high, v_low, v_high = colors[0], colors[1], values[0], values[1]
    for x in range(len(out)):
        red = low[0, x] + (high[0, x] - low[0, x]) * t
        green = low[1, x] + (high[1, x] - low[1, x]) * t
        blue = low[2, x] + (high[2, x] - low[2, x]) * t
        slope = low[3, x] + (high[3, x] - low[3, x]) * t
        phase = (v_low[x] + (v_high[x] - v_low[x]) * s - zero) * per_value - _HALF
        width = max(slope * slope * per_slope, _LEAST)
        off = abs(phase - np.floor(phase) - _HALF) / (width * _NARROW)
        off = min(off, _ONE) if off == off else _ZERO  # where there is no value the shader darkens, too
        wide = min(max((width - _FADES_FROM) / _FADES_OVER, _ZERO), _ONE)
        line = (_ONE - off * off * (_THREE - _TWO * off)) * (_ONE - wide * wide * (_THREE - _TWO * wide))
        share = opacity * (_ONE - (_DARKEST * line if per_slope > _ZERO else _ZERO))
        r, g, b = back[0] + red * share, back[1] + green * share, back[2] + blue * share
        out[x] = np.uint32(np.int32(r + _HALF) | np.int32(g + _HALF) << 8 | np.int32(b + _HALF) << 16)


@_kept
def paint_map(
    shades: Any, values: Any, places: Any, value_places: Any, lines: Any, back: Any, opacity: Any, out: Any
) -> None:
    """Paint rows of the map, packed RGBA [h, w].

    shades, values: as in `MapContent`. places: lookups of columns and of rows in `shades`; value_places: in
    `values`. back: the background's share of red, green and blue. opacity: of the map.
    """
    (columns, rows), (v_columns, v_rows) = places, value_places
    width = out.shape[1]
    colors, found = np.empty((2, 4, width), np.float32), np.zeros((2, width), np.float32)
    had, v_had = np.full(2, -1), np.full(2, -1)
    for y in range(out.shape[0]):
        for k in range(2):
            at = rows[0][k, y]
            if had[k] != at:
                if k == 0 and had[1] == at:
                    colors[0] = colors[1]
                else:
                    _colors_along(shades[at], columns, colors[k])
                had[k] = at
            at = v_rows[0][k, y]
            if v_had[k] != at:
                if k == 0 and v_had[1] == at:
                    found[0] = found[1]
                else:
                    _values_along(values[at], v_columns, found[k])
                v_had[k] = at
        _paint_row(colors, rows[1][y], found, v_rows[1][y], lines, back, opacity, out[y])


@compiled
def _lay_row(crowd: Any, t: Any, below: Any, out: Any) -> None:
    low, high = crowd[0], crowd[1]
    for x in range(len(out)):
        a = low[3, x] + (high[3, x] - low[3, x]) * t
        through = _ONE - a * np.float32(1 / 255)
        under = below[x]
        r = low[0, x] + (high[0, x] - low[0, x]) * t + np.float32(np.int32(under & _BYTE)) * through
        g = low[1, x] + (high[1, x] - low[1, x]) * t + np.float32(np.int32(under >> 8 & _BYTE)) * through
        b = low[2, x] + (high[2, x] - low[2, x]) * t + np.float32(np.int32(under >> 16 & _BYTE)) * through
        r, g, b = min(r, _FULL), min(g, _FULL), min(b, _FULL)
        out[x] = np.uint32(
            np.int32(r + _HALF)
            | np.int32(g + _HALF) << 8
            | np.int32(b + _HALF) << 16
            | np.int32(a + _HALF) << 24
        )


@_kept
def lay_crowd(cells: Any, places: Any, below: Any, out: Any) -> None:
    """Lay the crowd's colours over rows of the map `below`.

    cells: packed RGBA, premultiplied. places: lookups of columns and of rows in them.
    """
    columns, rows = places
    colors = np.empty((2, 4, out.shape[1]), np.float32)
    had = np.full(2, -1)
    for y in range(out.shape[0]):
        for k in range(2):
            at = rows[0][k, y]
            if had[k] != at:
                if k == 0 and had[1] == at:
                    colors[0] = colors[1]
                else:
                    _colors_along(cells[at], columns, colors[k])
                had[k] = at
        _lay_row(colors, rows[1][y], below[y], out[y])
