"""The states that a rollout passes through."""

import numpy as np
import pytest

from valuescape.presets import find_checkpoint
from valuescape.sim.rollouts.path import MOST, path_from
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutEnd, RolloutRules, Rollouts
from valuescape.sim.worlds import make_world


@pytest.mark.parametrize("name", ["mountain_car", "cartpole"])
def test_a_path_is_that_of_the_rollout(name):
    """As long as the rollout, and its rewards are the rollout's return."""
    world = make_world(name)
    checkpoint = find_checkpoint("auto", world)
    rules = RolloutRules.of(checkpoint.gamma, world.max_episode_steps, sampled=True, seed=3)
    state = np.array([-0.9, 0.0] if name == "mountain_car" else [0.1, 0.4, 0.15, 0.9], np.float32)
    out = Rollouts.empty(1)
    PlainRollouts(world, checkpoint, rules).run(state[:, None], out, slice(0, 1))
    path = path_from(world, checkpoint, rules, state)
    assert path.shape == (len(world.state), min(out.steps[0] + 1, MOST))
    np.testing.assert_array_equal(path[:, 0], state)
    if out.end[0] == RolloutEnd.TERMINATED and name == "mountain_car":
        assert path[0, -1] >= 0.5 > path[0, -2]  # at the flag


def test_a_step_of_a_path_is_the_world_s():
    world = make_world("mountain_car")
    checkpoint = find_checkpoint("auto", world)
    rules = RolloutRules.of(0.9, 200, sampled=True)
    path = path_from(world, checkpoint, rules, np.array([-0.5, 0.01], np.float32))
    position, velocity = path.astype(np.float64)
    np.testing.assert_allclose(np.diff(position), velocity[1:], atol=1e-6)
    pushes = (np.diff(velocity) + 0.0025 * np.cos(3 * position[:-1])) / 0.001
    np.testing.assert_allclose(pushes, np.round(pushes), atol=1e-2)
    assert set(np.round(pushes)) <= {-1, 0, 1}
