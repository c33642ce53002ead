"""Values of states over the map: at the centres of its cells, or the mean over the agents in each cell."""

from collections.abc import Callable
from typing import Any

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array, IndexArray
from valuescape.sim.insight.plane import MapPlane, grid_states
from valuescape.sim.insight.subject import MapRequest

MEAN_OVER_AGENTS = "mean over the agents of each cell"
"""What the picture says of such a map, in the place of the slice."""

Values = Callable[[Float32Array], Any]
"""Values [n] of states [state_dim, n], or several of each: [k, n]."""


def over_plane(request: MapRequest, values: Values) -> Float32Array:
    """Return the values of states over the map, [edge, edge] float32, lowest row first, or [k, edge, edge].

    Without `request.states` they are those of the plane's own states, at the centres of the cells. With them
    each cell has the mean over its agents, NaN where there is none. Agents without a value (NaN) are left
    out.
    """
    plane, edge = request.plane, request.edge
    if request.states is None:
        found = np.asarray(values(grid_states(plane, edge)), np.float32)
        return found.reshape(*found.shape[:-1], edge, edge)
    cells, inside = cells_of(plane, request.states, edge)
    found = np.asarray(values(np.ascontiguousarray(request.states[:, inside])), np.float32)
    rows = [_means(cells, row, edge) for row in np.atleast_2d(found)]
    return np.stack(rows) if found.ndim > 1 else rows[0]


def cells_of(plane: MapPlane, states: Float32Array, edge: int) -> tuple[IndexArray, BoolArray]:
    """Return the cells [m] of the states [state_dim, n] that are on the map, and which are, [n] bool.

    A cell's index counts row by row from the low corner. Periodic variables are taken into their period.
    """
    cells, inside = np.zeros(states.shape[1], np.intp), np.ones(states.shape[1], np.bool_)
    for axis, variable, stride in zip(plane.axes, plane.variables, (1, edge), strict=True):
        share = (states[axis].astype(np.float64) - variable.low) / (variable.high - variable.low)
        if variable.periodic:
            share %= 1.0
        inside &= (share >= 0) & (share <= 1)
        cells += np.clip(np.nan_to_num(share) * edge, 0, edge - 1).astype(np.intp) * stride
    return cells[inside], inside


def _means(cells: IndexArray, values: Float32Array, edge: int) -> Float32Array:
    """Return the mean of the finite ones of `values` [m] in each cell, [edge, edge]; NaN without any."""
    known = np.isfinite(values)
    cells, values = cells[known], values[known]
    count = np.bincount(cells, minlength=edge * edge)
    total = np.bincount(cells, weights=values, minlength=edge * edge)
    with np.errstate(invalid="ignore"):
        mean: Float32Array = (total / count).astype(np.float32).reshape(edge, edge)
    return mean
