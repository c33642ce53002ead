"""Regions of a map: connected cells, with their size, their mean, their extreme and where they lie."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuescape.sim.insight.bootstrap import FloatArray, IntArray

MOST = 20
RING = 1e-6
"""Directions on a periodic axis whose mean is shorter than this cancel: the region goes all the way round."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Connected cells of a map field [h, w]."""

    cells: IntArray
    """Their (row, column), [k, 2]."""
    share: float
    """Their share of the map's cells."""
    mean: float
    """Mean of the field over them."""
    extreme: float
    """The field at `extreme_cell`."""
    extreme_cell: tuple[int, int]
    """(row, column) of the cell that weighs most; unlike the centre, it always belongs to the region."""
    extreme_at: tuple[float, float]
    """(x, y) of that cell in units of the axes."""
    centre: tuple[float, float]
    """(x, y) of the region's centre in units of the axes."""
    weight: float
    """Sum of the weights, by which regions are ranked: of the field itself unless said otherwise."""


def regions(
    mask: NDArray[np.bool_],
    field: ArrayLike,
    *,
    x: ArrayLike,
    y: ArrayLike,
    periodic: tuple[bool, bool] = (False, False),
    weights: ArrayLike | None = None,
    most: int = MOST,
) -> list[Region]:
    """Return the connected regions of mask [h, w], the largest |sum of weights| first, at most `most`.

    `x` [w] and `y` [h] are the evenly spaced centres of the columns and rows. Cells connect to their four
    neighbours, also across the edges of axes (x, y) that are periodic. `weights` [h, w] replaces the field in
    the ranking and in the choice of the extreme cell. No cell of the mask may be NaN.
    """
    values = np.asarray(field, np.float64)
    heavy = values if weights is None else np.asarray(weights, np.float64)
    axes = (np.asarray(x, np.float64), np.asarray(y, np.float64))
    labels = label_cells(mask, periodic)
    count = int(labels.max(initial=-1)) + 1
    sums = np.bincount(labels[mask], heavy[mask], minlength=count)
    ranked = np.argsort(-np.abs(sums), kind="stable")[:most]
    return [_region(np.argwhere(labels == label), values, heavy, axes, periodic) for label in ranked]


def label_cells(mask: NDArray[np.bool_], periodic: tuple[bool, bool] = (False, False)) -> IntArray:
    """Return the region [h, w] of each cell of a mask, numbered from 0 in reading order; -1 outside.

    Union-find over all edges at once: roots hook onto smaller neighbouring roots, then paths are halved until
    each cell points at its root. Takes about log(cells) rounds.
    """
    first, second = _edges(mask, periodic)
    root = np.arange(mask.size)
    while True:
        here, there = root[first], root[second]
        if np.array_equal(here, there):
            break
        np.minimum.at(root, np.maximum(here, there), np.minimum(here, there))
        while not np.array_equal(root, root[root]):
            root = root[root]
    labels = np.full(mask.size, -1, np.int64)
    inside = mask.ravel()
    labels[inside] = np.unique(root[inside], return_inverse=True)[1]
    return labels.reshape(mask.shape)


def _edges(mask: NDArray[np.bool_], periodic: tuple[bool, bool]) -> tuple[IntArray, IntArray]:
    """Return the flat indices [edges] of neighbouring cells that are both in the mask."""
    index = np.arange(mask.size).reshape(mask.shape)
    first, second = [], []
    for axis, wraps in ((1, periodic[0]), (0, periodic[1])):
        both = mask & np.roll(mask, -1, axis)
        if not wraps:
            both[(-1,) if axis == 0 else (slice(None), -1)] = False
        first.append(index[both])
        second.append(np.roll(index, -1, axis)[both])
    return np.concatenate(first), np.concatenate(second)


def _region(
    cells: IntArray,
    values: FloatArray,
    weights: FloatArray,
    axes: tuple[FloatArray, FloatArray],
    periodic: tuple[bool, bool],
) -> Region:
    rows, columns = cells.T
    heavy = weights[rows, columns]
    top = int(np.argmax(np.abs(heavy)))
    row, column = int(rows[top]), int(columns[top])
    x, y = axes
    return Region(
        cells=cells,
        share=len(cells) / values.size,
        mean=float(values[rows, columns].mean()),
        extreme=float(values[row, column]),
        extreme_cell=(row, column),
        extreme_at=(float(x[column]), float(y[row])),
        centre=(_centre(x, columns, column, periodic[0]), _centre(y, rows, row, periodic[1])),
        weight=float(heavy.sum()),
    )


def _centre(axis: FloatArray, at: NDArray[Any], extreme: int, wraps: bool) -> float:
    """Return the mean of axis [n] at indices; on a periodic axis the mean direction.

    A region that goes all the way round has none: the centre is then that of its extreme cell.
    """
    if not wraps or len(axis) < 2:
        return float(axis[at].mean())
    turn = 2j * np.pi / len(axis)
    direction = np.exp(turn * at).mean()
    if abs(direction) < RING:
        return float(axis[extreme])
    index = np.angle(direction) / abs(turn) % len(axis)
    if index > len(axis) - 0.5:
        index -= len(axis)
    return float(axis[0] + index * (axis[1] - axis[0]))
