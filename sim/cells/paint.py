"""Colours of a crowd's cells from their stamps, in NumPy; `sim.cells.compiled.paint` is the compiled twin."""

from dataclasses import dataclass

import numpy as np

from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells.grid import STAMP_BITS


@dataclass(frozen=True, slots=True)
class CellColors:
    """Tables of what cells look like, by the ticks since a trail crossed them and by their stamps' colours.

    by_age: [ages] RGBA of 8 bits, premultiplied, red lowest; empty if stamps' colours decide. covers: [ages]
    float32, opacity. by_bits: [2^STAMP_BITS, 3] float32, red, green and blue from 0 to 255; empty if ages
    decide. Cells that are older than the tables are empty.
    """

    by_age: Uint32Array
    covers: Float32Array
    by_bits: Float32Array

    @property
    def key(self) -> bytes:
        """Equal for equal tables."""
        return self.by_age.tobytes() + self.covers.tobytes() + self.by_bits.tobytes()


def packed(rgb: Float32Array, cover: Float32Array) -> Uint32Array:
    """Return colours [n, 3], 0 to 255, of opacity [n], as premultiplied RGBA of 8 bits."""
    shares = np.column_stack([rgb, np.full(len(rgb), 255, np.float32)]) * cover[:, None]
    channels = (shares + np.float32(0.5)).astype(np.uint32)
    colors: Uint32Array = np.bitwise_or.reduce(channels << np.array([0, 8, 16, 24], np.uint32), axis=1)
    return colors


def paint(stamps: Uint32Array, newest: int, colors: CellColors, out: Uint32Array) -> None:
    """Write the colour of every cell to `out`, as `packed` makes it; shapes are those of `stamps`.

    newest: what stamps of the newest tick hold in their upper bits.
    """
    back = newest - (stamps >> np.uint32(STAMP_BITS)).astype(np.int64)
    shown = (stamps > 0) & (back >= 0) & (back < len(colors.covers))
    out[~shown] = 0
    if len(colors.by_age):
        out[shown] = colors.by_age[back[shown]]
        return
    bits = stamps[shown] & np.uint32(2**STAMP_BITS - 1)
    out[shown] = packed(colors.by_bits[bits], colors.covers[back[shown]])
