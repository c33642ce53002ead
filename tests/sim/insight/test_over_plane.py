"""Values over the map: at the plane's own states, or the mean over the agents of each cell."""

import numpy as np
from linear_critics import Drift, linear_checkpoint, request_of

from valuescape.sim.insight.acting import values_at
from valuescape.sim.insight.over_plane import over_plane
from valuescape.sim.insight.plane import grid_states

RNG = np.random.default_rng(5)


def agents(count):
    """States all over the map and a little beyond."""
    low, high = np.float32([[-1.2], [-5], [0]]), np.float32([[1.2], [5], [4]])
    return (low + RNG.random((3, count), np.float32) * (high - low)).astype(np.float32)


def test_without_agents_it_is_the_value_at_each_centre():
    request = request_of(linear_checkpoint())
    found = over_plane(request, lambda states: states[0] + 10 * states[1])
    x, angle, _ = grid_states(request.plane, 8).reshape(3, 8, 8)
    np.testing.assert_array_equal(found, x + 10 * angle)
    both = over_plane(request, lambda states: states[:2])
    np.testing.assert_array_equal(both, np.stack([x, angle]))


def test_the_mean_over_agents_equals_a_loop():
    """Agents beyond the map, and those without a value, count nowhere; cells without agents are NaN."""
    states, edge, world = agents(60), 6, Drift()
    checkpoint = linear_checkpoint(slopes=(1, -2, 3), level=0.5)
    values = values_at(world, checkpoint, states)
    values[states[2] < 0.2] = np.nan

    def value(some):
        found = values_at(world, checkpoint, some)
        found[some[2] < 0.2] = np.nan
        return found

    found = over_plane(request_of(checkpoint, edge=edge, states=states), value)
    expected = np.full((edge, edge), np.nan)
    for row in range(edge):
        for column in range(edge):
            x = -1 + 2 * (column + np.array([0, 1])) / edge
            angle = -5 + 10 * (row + np.array([0, 1])) / edge
            here = (states[0] >= x[0]) & (states[0] < x[1]) & (states[1] >= angle[0]) & (states[1] < angle[1])
            here &= np.isfinite(values)
            if here.any():
                expected[row, column] = values[here].mean()
    assert np.isnan(expected).any()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
