"""Chooses between compiled and plain code for cells."""

from typing import Protocol

from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells import plain
from valuescape.sim.cells.grid import CrowdGrid, TrailStep, VisitGrid
from valuescape.sim.cells.paint import CellColors
from valuescape.sim.codegen import available


class CellCode(Protocol):
    """The reductions, and the colours of cells: the modules `sim.cells.plain` and `sim.cells.compiled`."""

    def add_stamps(self, step: TrailStep, grid: CrowdGrid, stamps: Uint32Array) -> None:
        """Stamp the new segment of every agent's trail."""

    def add_visits(self, position: Float32Array, grid: VisitGrid, visits: Uint32Array) -> None:
        """Add a visit for each position to its cell."""

    def paint(self, stamps: Uint32Array, newest: int, colors: CellColors, out: Uint32Array) -> None:
        """Write the colour of every cell to `out`."""


def cell_code(*, simd: bool) -> CellCode:
    """Return the compiled reductions, or NumPy's without `simd` or numba."""
    if simd and available():
        from valuescape.sim.cells import compiled

        return compiled
    return plain
