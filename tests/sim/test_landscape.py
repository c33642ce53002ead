"""The grid on which a landscape is computed."""

import numpy as np
import pytest

from sim.landscape import grid_obs, grid_states, map_bounds, network_inputs
from sim.worlds import WORLDS, make_world
from valuescape.presets import find_checkpoint


@pytest.mark.parametrize("name", WORLDS)
def test_the_grid_has_the_centres_of_texels_row_by_row_from_the_low_corner(name):
    world = make_world(name)
    low, high = map_bounds(world)
    states = grid_states(world, 4).reshape(2, 4, 4)
    size = (np.array(high) - np.array(low)) / 4
    np.testing.assert_allclose(states[:, 0, 0], low + size / 2, rtol=1e-6)
    np.testing.assert_allclose(states[:, 0, 3], [high[0] - size[0] / 2, low[1] + size[1] / 2], rtol=1e-6)
    np.testing.assert_allclose(states[:, 3, 0], [low[0] + size[0] / 2, high[1] - size[1] / 2], rtol=1e-6)


def test_the_critic_is_asked_about_what_agents_see():
    world = make_world("pendulum")
    angle, speed = grid_states(world, 5)
    np.testing.assert_allclose(grid_obs(world, 5), [np.cos(angle), np.sin(angle), speed], rtol=1e-6)


def test_without_normalisation_networks_take_what_agents_see():
    world = make_world("pendulum")
    checkpoint = find_checkpoint("auto", world)
    assert checkpoint.obs_normalization is None
    np.testing.assert_array_equal(network_inputs(world, checkpoint, 5), grid_obs(world, 5))
