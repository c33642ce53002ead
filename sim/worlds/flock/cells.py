"""Sums over the neighbours of each bird, found by way of cells: the plain path, in NumPy."""

import numpy as np

from valuescape.sim.arrays import Float32Array, Int64Array
from valuescape.sim.worlds.flock.rules import SUMS, FlockRules, shortest

LANES = 16
"""Partial sums of each kind: the k-th candidate of a run is added to partial sum k mod LANES.

The compiled step keeps them in the lanes of a vector; here they fix the same order of additions.
"""


class CellList:
    """All birds sorted by cell (row by row) and, within a cell, by number.

    everyone: [STATE, N] float32, the states of all birds.
    """

    def __init__(self, rules: FlockRules, everyone: Float32Array) -> None:
        self.rules = rules
        index = (everyone[:2] * rules.columns_per_unit).astype(np.int64)
        column, row = np.minimum(index, rules.columns - 1)
        self.cell = row * rules.columns + column
        order = np.argsort(self.cell, kind="stable")
        self.listed = everyone[:, order]
        self.place = np.empty_like(order)
        self.place[order] = np.arange(len(order))
        self.first = np.searchsorted(self.cell[order], np.arange(rules.columns**2 + 1))

    def sums(self, who: Int64Array) -> Float32Array:
        """Return the sums that `fly` takes, [SUMS, n] float32, for the birds `who`, [n] numbers."""
        bird, place, lane = self._candidates(who)
        me = self.place[who][bird]
        dx, dy = (shortest(self.listed[axis, place] - self.listed[axis, me], self.rules) for axis in range(2))
        distance_2 = dx * dx + dy * dy
        near = (distance_2 <= self.rules.visual_distance_2) & (place != me)
        close = near & (distance_2 < self.rules.separation_2)
        vx, vy = self.listed[2:, place]
        sums = np.zeros((SUMS, len(who), LANES), np.float32)
        terms = (np.ones_like(dx), dx, dy, dx, dy, vx, vy)
        for total, term, mask in zip(sums, terms, (near, near, near, close, close, near, near), strict=True):
            np.add.at(total, (bird[mask], lane[mask]), term[mask])
        return _folded(sums)

    def _candidates(self, who: Int64Array) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Return the birds of the cells around each of `who`: (index into who, place in the list, lane).

        All three are [candidates] int64; a bird is among its own candidates.
        """
        columns = self.rules.columns
        row, column = np.divmod(self.cell[who], columns)
        runs = [
            (
                self.first[(row + up) % columns * columns + begin],
                self.first[(row + up) % columns * columns + end],
            )
            for up in _rows_around(columns)
            for begin, end in _runs_around(column, columns)
        ]
        first = np.stack([first for first, _ in runs], axis=1).ravel()
        count = np.stack([stop - first for first, stop in runs], axis=1).ravel()
        run = np.repeat(np.arange(len(count)), count)
        within = np.arange(len(run)) - np.repeat(np.cumsum(count) - count, count)
        return run // len(runs), first[run] + within, within % LANES


def _rows_around(columns: int) -> range:
    """Return the offsets of the rows of cells around a bird's, each row once."""
    return range(-1, 2) if columns >= 3 else range(columns)


def _runs_around(column: Int64Array, columns: int) -> list[tuple[Int64Array, Int64Array]]:
    """Return the columns around each of `column` as runs [begin, end).

    At an edge of the square they are two runs; elsewhere the second one is empty.
    """
    zero = np.zeros_like(column)
    if columns < 3:
        return [(zero, zero + columns)]
    left, right = column == 0, column == columns - 1
    edge = left | right
    return [
        (np.where(edge, 0, column - 1), np.where(left, 2, np.where(right, 1, column + 2))),
        (np.where(left, columns - 1, np.where(right, columns - 2, 0)), np.where(edge, columns, 0)),
    ]


def _folded(sums: Float32Array) -> Float32Array:
    """Add up the partial sums along the last axis: the upper half to the lower, until one is left."""
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]
