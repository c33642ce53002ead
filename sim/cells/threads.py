"""Cells of a large crowd by several threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np

from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells.choose import CellCode
from valuescape.sim.cells.grid import CrowdGrid, Places, TrailStep, VisitGrid
from valuescape.sim.cells.paint import CellColors

LEAST_AGENTS = 1 << 17
"""Agents from which on threads pay: their work takes a millisecond then."""


class ThreadedCells:
    """Reduces as `code` does, in slices: each thread has a slice of the agents and cells of its own.

    The caller's thread works on the first slice. The greatest stamp of a cell wins, and visits are added, so
    the result does not depend on the number of threads. `release` ends them.

    Performance: `make bench-cells` compares it with one thread, sorting, and shaders.
    """

    def __init__(self, code: CellCode, threads: int) -> None:
        self._code, self._threads = code, threads
        self._pool = ThreadPoolExecutor(threads - 1, "cells") if threads > 1 else None
        self._target: Uint32Array | None = None  # what `_tiles` have been merged into
        self._tiles: list[Uint32Array] = []

    def add_stamps(self, step: TrailStep, grid: CrowdGrid, stamps: Uint32Array) -> None:
        """Stamp the new segment of every agent's trail."""
        parts = self._parts(len(step.now.strand))
        if self._target is not stamps:
            self._target, self._tiles = stamps, [np.zeros_like(stamps) for _ in range(self._threads - 1)]
        cells = [stamps, *self._tiles[: len(parts) - 1]]

        def work(at: int) -> None:
            self._code.add_stamps(_slice_of(step, parts[at]), grid, cells[at])

        self._share(work, len(parts))
        for tile in cells[1:]:
            np.maximum(stamps, tile, out=stamps)

    def add_visits(self, position: Float32Array, grid: VisitGrid, visits: Uint32Array) -> None:
        """Add a visit for each position to its cell."""
        parts = self._parts(len(position))
        cells = [visits, *(np.zeros_like(visits) for _ in parts[1:])]
        self._share(lambda at: self._code.add_visits(position[parts[at]], grid, cells[at]), len(parts))
        for counted in cells[1:]:
            np.add(visits, counted, out=visits)

    def paint(self, stamps: Uint32Array, newest: int, colors: CellColors, out: Uint32Array) -> None:
        """Write the colour of every cell to `out`, in the caller's thread."""
        self._code.paint(stamps, newest, colors, out)

    def _parts(self, agents: int) -> list[slice]:
        count = self._threads if agents >= LEAST_AGENTS else 1
        ends = [agents * at // count for at in range(count + 1)]
        return [slice(start, end) for start, end in pairwise(ends)]

    def _share(self, work: Callable[[int], None], count: int) -> None:
        """Call `work` with each number below `count`, all at the same time."""
        begun = [self._pool.submit(work, at) for at in range(1, count)] if self._pool else []
        work(0)
        for each in begun:
            each.result()

    def release(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()


def _slice_of(step: TrailStep, part: slice) -> TrailStep:
    def cut(places: Places) -> Places:
        return Places(places.position[part], places.strand[part])

    return replace(
        step,
        now=cut(step.now),
        before=step.before and cut(step.before),
        first_agent=step.first_agent + part.start,
        signal=None if step.signal is None else step.signal[part],
    )
