"""Values of states over the map: at the centres of its cells, or the mean over the agents in each cell."""

from collections.abc import Callable
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.cells import Cells, cells_of
from valuescape.sim.insight.plane import grid_states
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


def _means(cells: Cells, values: Float32Array, edge: int) -> Float32Array:
    """Return the mean of the finite ones of `values` [m] in each cell, [edge, edge]; NaN without any."""
    known = np.isfinite(values)
    cells, values = cells[known], values[known]
    count = np.bincount(cells, minlength=edge * edge)
    total = np.bincount(cells, weights=values, minlength=edge * edge)
    with np.errstate(invalid="ignore"):
        mean: Float32Array = (total / count).astype(np.float32).reshape(edge, edge)
    return mean
