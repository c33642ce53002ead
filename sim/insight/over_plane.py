"""Values of states over the map: at the centres of its cells, or the mean over the agents in each cell."""

from collections.abc import Callable
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.cells import cell_means, cells_of
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
    rows = [cell_means(cells, row, edge).astype(np.float32) for row in np.atleast_2d(found)]
    return np.stack(rows) if found.ndim > 1 else rows[0]
