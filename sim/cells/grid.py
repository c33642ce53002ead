"""Grids of cells over the map, the trail rows that are reduced to them, and the layout of a stamp."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array

Corner = tuple[float, float]

STAMP_BITS = 12
"""Low bits of a crowd stamp: its colour; the rest is the tick."""

STAMP_TICKS = 2 ** (32 - STAMP_BITS) - 1
"""Number of ticks that stamps tell apart."""

GOLDEN = 2654435769
"""2^32 divided by the golden ratio: an agent's hue, of 2^32, is its number times this, modulo 2^32."""


def cells_per_unit(cells: tuple[int, int], low: Corner, high: Corner) -> tuple[np.float32, np.float32]:
    """Return the number of cells along a unit of the state, for x and y, rounded to float32.

    Shaders and compiled code multiply by it: a product is rounded alike everywhere, a division on a graphics
    card is not.
    """
    x, y = (
        np.float32(count) / (np.float32(end) - np.float32(begin))
        for count, begin, end in zip(cells, low, high, strict=True)
    )
    return x, y


@dataclass(frozen=True, slots=True)
class CrowdGrid:
    """Cells that hold stamps.

    cells: along x and y. low, high: corners of the map in the state's units. first_tick: the tick whose stamp
    is 1. signal_range: the ends of the scale that stamps are coloured on; None: by the agents' hues.
    """

    cells: tuple[int, int]
    low: Corner
    high: Corner
    first_tick: int = 0
    signal_range: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an array of stamps: [rows, columns], lowest row first."""
        return self.cells[1], self.cells[0]

    @property
    def per_unit(self) -> tuple[np.float32, np.float32]:
        """Cells along a unit of the state."""
        return cells_per_unit(self.cells, self.low, self.high)

    def tick_bits(self, tick: int) -> int:
        """Return the bits of a stamp that tell `tick`, which is within STAMP_TICKS of `first_tick`."""
        return (tick - self.first_tick + 1) << STAMP_BITS


def per_signal(signal_range: tuple[float, float]) -> np.float32:
    """Return the share of a colour scale along a unit of its signal, rounded to float32."""
    low, high = (np.float32(end) for end in signal_range)
    return np.float32(1) / max(high - low, np.float32(1e-12))


@dataclass(frozen=True, slots=True)
class VisitGrid:
    """`edge` x `edge` cells that count visits. low, high: corners of the map in the state's units."""

    edge: int
    low: Corner
    high: Corner

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of an array of counts, lowest row first."""
        return self.edge, self.edge

    @property
    def per_unit(self) -> tuple[np.float32, np.float32]:
        """Cells along a unit of the state."""
        return cells_per_unit((self.edge, self.edge), self.low, self.high)


@dataclass(frozen=True, slots=True)
class Places:
    """Map positions [n, 2] float32 and strands [n] uint8 of consecutive agents at one tick: views."""

    position: Float32Array
    strand: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TrailStep:
    """The trail rows of a slice of agents at a tick, and at the tick before.

    before: None if trails begin at this tick. first_agent: number of the slice's first agent in the whole
    crowd. signal: [n] float32 that colours the stamps, NaN where it is unknown; None for hues.
    """

    tick: int
    now: Places
    before: Places | None
    first_agent: int = 0
    signal: Float32Array | None = None


def places(position: NDArray[Any], strand: NDArray[Any]) -> Places:
    """Return rows of any number types as `Places`, read-only; a copy only if a row has another type."""
    return Places(read_only(position, np.float32), read_only(strand.astype(np.uint8, copy=False), np.uint8))


def read_only(values: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return a contiguous view that cannot be written, so that compiled code sees one type."""
    view = np.ascontiguousarray(values, dtype).view()
    view.flags.writeable = False
    return view
