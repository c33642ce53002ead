"""The flow of a policy on the map, and whether it goes uphill, where both have a closed form."""

import numpy as np
import pytest
from linear_critics import Drift, linear_checkpoint, request_of

from valuescape.sim.insight.flow import displacement, flow_over, uphill_over
from valuescape.sim.insight.plane import grid_states, own_plane

PLANE = own_plane(Drift())
SLOPES = 0.5, 0.25, 7.0
UP = 2 * 0.5 * 2, 10 * 0.25 * 10
"""The action whose way on the map, in its widths, has the direction of the gradient of V = SLOPES @ state."""


def test_a_step_is_measured_in_widths_of_the_map():
    checkpoint = linear_checkpoint(action=(2, -30))
    states = np.float32([[0, 0.5], [0, 1], [2, 3]])
    np.testing.assert_allclose(displacement(PLANE, checkpoint, states), [[0.1, 0.1], [-0.3, -0.3]], atol=1e-6)


def test_on_a_periodic_axis_it_is_the_short_way_round():
    """A turn of 0.6 periods is one of 0.4 the other way."""
    states = np.float32([[0.0], [0.0], [2.0]])
    found = displacement(PLANE, linear_checkpoint(action=(0, 60)), states)
    np.testing.assert_allclose(found, [[0], [-0.4]], atol=1e-6)


def test_a_step_that_ends_the_episode_leads_nowhere():
    found = flow_over(request_of(linear_checkpoint(action=(1, 1)), edge=40))
    x = grid_states(PLANE, 40)[0].reshape(40, 40)
    np.testing.assert_array_equal(np.isnan(found), np.broadcast_to(x > 0.9, (2, 40, 40)))


@pytest.mark.parametrize("agents", [False, True])
@pytest.mark.parametrize(
    ("action", "cosine"),
    [(UP, 1.0), ((-UP[0], -UP[1]), -1.0), ((1, 2), None)],
)
def test_the_cosine_is_one_where_the_policy_follows_the_gradient(action, cosine, agents):
    """For a linear critic at each state, on a grid and at the agents' states; other actions as by hand."""
    if cosine is None:
        way, slope = np.array(action) / (2, 10), np.array(SLOPES[:2]) * (2, 10)
        cosine = way @ slope / np.linalg.norm(way) / np.linalg.norm(slope)
        assert 0.1 < abs(cosine) < 0.9
    states = grid_states(PLANE, 8) if agents else None
    found = uphill_over(request_of(linear_checkpoint(SLOPES, action=action), states=states))
    x = grid_states(PLANE, 8)[0].reshape(8, 8)
    np.testing.assert_allclose(found[x < 0.9], cosine, atol=1e-4)


def test_where_nothing_moves_or_nothing_rises_there_is_no_cosine():
    for checkpoint in (linear_checkpoint(SLOPES), linear_checkpoint(action=UP)):
        assert np.isnan(uphill_over(request_of(checkpoint))).all()
