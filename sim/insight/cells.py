"""Cells of a map: which one a state lies in, and means over all that lies in each, with intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.student import reach_95

Cells = NDArray[np.int32]
"""Cells [n] of an `edge` x `edge` map, row by row from the low corner; -1 beyond it."""


def map_cells(plane: MapPlane, states: Float32Array, edge: int) -> Cells:
    """Return the cell of each state [state_dim, n], whatever the variables are that are not on the map.

    Periodic variables are taken into their period. NaN lies beyond the map. Bounds are rounded as states are:
    an agent at a wall is on the map.
    """
    found, inside = np.zeros(states.shape[1], np.int32), np.ones(states.shape[1], np.bool_)
    for axis, variable, stride in zip(plane.axes, plane.variables, (1, edge), strict=True):
        low, high = float(np.float32(variable.low)), float(np.float32(variable.high))
        share = (states[axis].astype(np.float64) - low) / (high - low)
        if variable.periodic:
            share %= 1.0
        inside &= (share >= 0) & (share <= 1)
        found += np.clip(np.nan_to_num(share) * edge, 0, edge - 1).astype(np.int32) * stride
    return np.where(inside, found, np.int32(-1))


def cells_of(plane: MapPlane, states: Float32Array, edge: int) -> tuple[Cells, BoolArray]:
    """Return the cells [m] of the states [state_dim, n] that are on the map, and which are, [n] bool."""
    cells = map_cells(plane, states, edge)
    inside = cells >= 0
    return cells[inside], inside


def cell_means(cells: Cells, values: NDArray[np.floating[Any]], edge: int) -> Float64Array:
    """Return the mean of the finite ones of `values` [m] in each cell, [edge, edge]; NaN without any.

    cells: [m], of an `edge` x `edge` map; none beyond it.
    """
    known = np.isfinite(values)
    cells, values = cells[known], values[known]
    count = np.bincount(cells, minlength=edge * edge)
    total = np.bincount(cells, weights=values, minlength=edge * edge)
    with np.errstate(invalid="ignore"):
        return np.asarray((total / count).reshape(edge, edge))


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Means by cell, arrays [edge, edge], lowest row first.

    mean: NaN without a value. half_width: of its 95 % interval; infinite where values of fewer than two
    episodes are. count: of values. episodes: that they are from.
    """

    mean: Float64Array
    half_width: Float64Array
    count: Float64Array
    episodes: Float64Array

    @property
    def certain(self) -> BoolArray:
        """Where the interval does not cover 0."""
        return np.abs(self.mean) > self.half_width


class CellSums:
    """Sums of several quantities by cell, from which `means` follow.

    Values of one episode in one cell belong together: an agent that passes slowly leaves many values that are
    nearly the same. So intervals are those of means over clusters (Liang and Zeger, 1986): with s the sum and
    n the number of an episode's values in a cell, and m the cell's mean, the variance of m is
    E / (E - 1) · Σ (s - m n)² / (Σ n)² over the cell's E episodes, at E - 1 degrees of freedom.

    Performance: `add` sorts by cell and episode, 0.1 us a value.
    """

    def __init__(self, edge: int, quantities: int) -> None:
        self._edge = edge
        # Per cell: episodes, Σ n, Σ n²; and for each quantity Σ s, Σ s², Σ s n
        self._common = np.zeros((3, edge * edge))
        self._each = np.zeros((quantities, 3, edge * edge))

    def add(self, cells: Cells, episode: NDArray[Any], values: Float64Array) -> None:
        """Add values [quantities, n] in cells [n]. episode: [n], numbers of episodes not yet added, from 0.

        Values beyond the map, and those of which one is not finite, are left out.
        """
        known = (cells >= 0) & np.isfinite(values).all(axis=0)
        size = self._edge * self._edge
        key = episode[known].astype(np.int64) * size + cells[known]
        keys, which, counts = np.unique(key, return_inverse=True, return_counts=True)
        where, n = keys % size, counts.astype(np.float64)
        for row, weights in zip(self._common, (None, n, n * n), strict=True):
            row += np.bincount(where, weights, minlength=size)
        for rows, column in zip(self._each, values[:, known], strict=True):
            s = np.bincount(which, column, minlength=len(keys))
            for row, weights in zip(rows, (s, s * s, s * n), strict=True):
                row += np.bincount(where, weights, minlength=size)

    def means(self, quantity: int) -> CellMeans:
        """Return the means of a quantity, by its number, as new arrays."""
        episodes, n, nn = self._common
        s, ss, sn = self._each[quantity]
        with np.errstate(all="ignore"):
            mean = s / n
            spread = np.maximum(ss - 2 * mean * sn + mean * mean * nn, 0)
            error = np.sqrt(spread * episodes / (episodes - 1)) / n
            reach = np.where(episodes > 1, error * reach_95(np.maximum(episodes - 1, 0)), np.inf)
        shape = self._edge, self._edge
        return CellMeans(*(each.reshape(shape).copy() for each in (mean, reach, n, episodes)))
