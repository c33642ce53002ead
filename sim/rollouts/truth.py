"""Estimates of a grid's returns, and the sums over rollouts that they are made of."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.insight.student import reach_95
from valuescape.sim.rollouts.rules import RolloutEnd, Rollouts

COARSEST = 16
"""Cells are 16 texels wide in the first picture, then 8, 4, 2, 1."""

SUMS = 6
"""Rows of `one_rollout`: return, undiscounted return, steps, terminated, cut, squared return."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Estimates of a grid's returns: arrays [edge, edge], row by row from the low corner.

    A cell that has no rollout yet shows its coarser neighbour's; NaN where there is none either.
    """

    value: Float64Array
    """The mean discounted return, in units of the world's rewards."""
    half_width: Float64Array
    """Half of the mean's 95 % interval, by Student's t; 0 where a single rollout says all, inf where one says
    nothing."""
    total: Float64Array
    """The mean undiscounted return."""
    steps: Float64Array
    """The mean length of a rollout."""
    terminated: Float64Array
    """The share of rollouts that terminated."""
    cut: Float64Array
    """The mean of gamma ** steps over rollouts that were cut: what the next reward would have counted."""
    rollouts: NDArray[np.int32]
    """Number of rollouts from each cell itself."""
    progress: float
    """The share of all rollouts that are made."""

    @property
    def standard_error(self) -> Float64Array:
        """The standard error of the mean over a cell's own rollouts, as a new [edge, edge] array.

        0 where a single rollout says all; inf where the cell's own say nothing, whatever it shows.
        """
        reach = reach_95(np.maximum(self.rollouts - 1, 0))
        unknown = np.full(self.half_width.shape, np.inf)
        own = np.divide(self.half_width, reach, out=unknown, where=self.rollouts > 1)
        return np.where((self.half_width == 0) & (self.rollouts > 0), 0.0, own)


class TruthSums:
    """Sums over the rollouts of each cell of a grid, in order of the work: coarse cells first.

    A cell's rollouts are added in the order of their numbers, since in another one sums differ slightly.
    Not for use by two threads at once.
    """

    def __init__(self, states: Float32Array, rollouts: int, *, random: bool) -> None:
        """Begin without rollouts. states: [state_dim, edge * edge], row by row from the low corner.

        rollouts: for each cell, where they differ: random; else one is enough, without width.
        """
        self.edge = math.isqrt(states.shape[1])
        self.random = random
        self.numbers = rollouts if random else 1
        """Rollouts of each cell."""
        self._order, self.levels = coarse_to_fine(self.edge)
        self.states = np.ascontiguousarray(states[:, self._order])
        """The states [state_dim, n] in order of the work; a state's number is its column."""
        self.count = np.zeros(len(self._order), np.int32)
        """Rollouts that are added, [n]."""
        self.sums = np.zeros((SUMS, len(self._order)))
        self.done, self.whole = 0, self.numbers * len(self._order)

    @property
    def covered(self) -> bool:
        """Whether the coarsest cells have rollouts, so that every cell shows something."""
        return bool(self.count[: self.levels[1]].all())

    @property
    def progress(self) -> float:
        """The share of rollouts that are added."""
        return self.done / self.whole

    def has(self, part: slice, rollouts: int) -> bool:
        """Return whether each cell of `part` has exactly so many rollouts."""
        return bool((self.count[part] == rollouts).all())

    def put(self, part: slice, rollouts: int, sums: Float64Array) -> None:
        """Set the sums [SUMS, k] of the first `rollouts` rollouts of the cells in `part`, which had fewer."""
        self.done += rollouts * (part.stop - part.start) - int(self.count[part].sum())
        self.sums[:, part] = sums
        self.count[part] = rollouts

    def truth(self) -> Truth:
        """Return what is known now, as new arrays."""
        return truth_of(self, self.count, self.sums)

    def spread(self, values: Float64Array, known: NDArray[np.bool_]) -> Float64Array:
        """Return the values [n], which are in order of the work, as a grid; gaps take a coarser cell's."""
        grid, gaps = np.full((self.edge, self.edge), np.nan), np.ones((self.edge, self.edge), np.bool_)
        grid.ravel()[self._order], gaps.ravel()[self._order] = np.where(known, values, np.nan), ~known
        for stride in (2, 4, 8, COARSEST):
            rows, columns = np.nonzero(gaps)
            near = rows // stride * stride, columns // stride * stride
            there = ~gaps[near]
            grid[rows[there], columns[there]] = grid[near[0][there], near[1][there]]
            gaps[rows[there], columns[there]] = False
        return grid

    def in_rows(self, values: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the values [n], which are in order of the work, row by row as [edge, edge]."""
        rows = np.zeros_like(values)
        rows[self._order] = values
        return rows.reshape(self.edge, self.edge)


def truth_of(field: TruthSums, count: NDArray[np.int32], sums: Float64Array) -> Truth:
    """Return the estimates from the count [n] and the sums [SUMS, n] of a field, as new arrays."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value, total, steps, terminated, cut = sums[:5] / count
        variance = np.maximum(sums[5] - sums[0] * value, 0) / (count - 1)
        half = reach_95(np.maximum(count - 1, 0)) * np.sqrt(variance / count)
    if field.random:
        half[count < 2] = np.inf
    else:
        half[:] = 0
    known = count > 0
    return Truth(
        value=field.spread(value, known),
        half_width=field.spread(half, known),
        total=field.spread(total, known),
        steps=field.spread(steps, known),
        terminated=field.spread(terminated, known),
        cut=field.spread(cut, known),
        rollouts=field.in_rows(count),
        progress=int(count.sum()) / field.whole,
    )


def one_rollout(out: Rollouts, part: slice) -> Float64Array:
    """Return what one rollout from each cell of `part` adds to the sums: a new array [SUMS, k]."""
    value, end = out.value[part], out.end[part]
    terminated = (end == RolloutEnd.TERMINATED).astype(np.float64)
    cut = np.where(end == RolloutEnd.CUT, out.weight[part], 0)
    return np.stack([value, out.total[part], out.steps[part], terminated, cut, value * value])


def coarse_to_fine(edge: int) -> tuple[NDArray[np.intp], list[int]]:
    """Return the cells of an `edge` x `edge` grid, coarse ones first, and where each level begins and ends.

    The order is [edge * edge]; of the levels the first has every 16th cell each way, the next those of every
    8th that are not among them, and so on.
    """
    rows, columns = np.divmod(np.arange(edge * edge), edge)
    level = np.full(edge * edge, 4)
    for index, stride in enumerate((2, 4, 8, COARSEST)):
        level[(rows % stride == 0) & (columns % stride == 0)] = 3 - index
    order = np.argsort(level, kind="stable")
    ends = np.cumsum(np.bincount(level, minlength=5)).tolist()
    return order, [0, *ends]
