"""What the crowd's cells look like: tables by age and by the colours of stamps."""

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.cells.grid import STAMP_BITS
from valuescape.sim.cells.paint import CellColors, packed

FADES = 0.9
"""Share of its opacity that a trail loses with age, as in `trail_color.glsl`."""

UNKNOWN = 0.55
"""Gray of a signal that is not known, as in `trail_color.glsl`."""

_NO_COLORS, _NO_AGES = np.zeros((0, 3), np.float32), np.zeros(0, np.uint32)


def cell_ages(ticks_shown: float, ticks: int) -> Float32Array:
    """Return the ages, from 0 to 1, of cells that were crossed 0, 1, 2 … ticks ago, as far as they are shown.

    ticks_shown: length of the crowd's trails. ticks: that are known before the newest one.
    """
    reach = min(ceil(ticks_shown), ticks)
    ages: Float32Array = np.minimum(np.arange(reach + 1, dtype=np.float32) / np.float32(ticks_shown), 1)
    return ages


def cell_colors(colormap: NDArray[np.uint8], ages: Float32Array, opacity: float, plainly: str) -> CellColors:
    """Return the tables of a crowd.

    colormap: [n, 4] RGBA. plainly: "age" or "agent"; "" if stamps hold places on a signal's scale.
    """
    covers = np.float32(opacity) * (1 - np.float32(FADES) * ages)
    if plainly == "age":
        return CellColors(packed(_sampled(colormap, 1 - ages), covers), covers, _NO_COLORS)
    return CellColors(_NO_AGES, covers, _by_bits(colormap.tobytes(), bool(plainly)))


@lru_cache(8)
def _by_bits(colormap: bytes, hues: bool) -> Float32Array:
    """Return the colours of stamps, [2^STAMP_BITS, 3]. hues: else places on a scale, from 1."""
    colors = np.frombuffer(colormap, np.uint8).reshape(-1, 4)
    bits = np.arange(2**STAMP_BITS, dtype=np.float32)
    if hues:
        return _sampled(colors, bits / 2**STAMP_BITS)
    found = _sampled(colors, (bits - 1) / (2**STAMP_BITS - 2))
    found[0] = UNKNOWN * 255
    return found


def _sampled(colormap: NDArray[np.uint8], at: Float32Array) -> Float32Array:
    """Return the colours, 0 to 255, at places [n] of a colour map: linear between its texels' centres."""
    centres = (np.arange(len(colormap)) + 0.5) / len(colormap)
    return np.column_stack([np.interp(at, centres, channel) for channel in colormap.T[:3]]).astype(np.float32)
