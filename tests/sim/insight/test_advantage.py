"""The advantage of one action over another, against Stable-Baselines3's networks and against sums by hand."""

from dataclasses import replace

import numpy as np
import pytest
from linear_critics import Drift, linear_checkpoint
from sample_checkpoints import dqn_checkpoint, sac_checkpoint

from valuescape.sim.insight.actions import Choice
from valuescape.sim.insight.advantage import action_values, advantage
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.inference import action_value, value
from valuescape.sim.policy.network import ActorHead
from valuescape.sim.worlds import make_world

CAR, POINT = make_world("mountain_car"), make_world("point_mass")
POLICY, MEAN = Choice(), Choice("mean", mean=True)
RNG = np.random.default_rng(2)
STATES = RNG.uniform(-0.5, 0.5, (2, 40)).astype(np.float32)


def test_q_of_each_action_is_what_stable_baselines3_says(tmp_path):
    """A DQN as it is saved there: Q(s, a) − the mean over actions, from `q_net`."""
    torch, sb3 = pytest.importorskip("torch"), pytest.importorskip("stable_baselines3")
    model = sb3.DQN("MlpPolicy", "MountainCar-v0", seed=3, buffer_size=10, device="cpu")
    model.save(tmp_path / "dqn.zip")
    checkpoint = load_sb3(tmp_path / "dqn.zip")
    with torch.no_grad():
        scores = model.q_net(torch.from_numpy(STATES.T.copy())).numpy().T
    for index, name in enumerate(CAR.action.names):
        found = advantage(CAR, checkpoint, Choice(name, index=index), MEAN, STATES)
        np.testing.assert_allclose(found, scores[index] - scores.mean(axis=0), atol=1e-5)
    found = advantage(CAR, checkpoint, POLICY, Choice("coast", index=1), STATES)
    np.testing.assert_allclose(found, scores.max(axis=0) - scores[1], atol=1e-5)


def test_a_continuous_action_is_asked_about_in_the_world_s_units():
    """Critics take it as the actor gives it: the middle of the range is 0, its end 1."""
    checkpoint = sac_checkpoint()
    for number, output in ((-5.0, -1.0), (0.0, 0.0), (2.5, 0.5)):
        found = action_values(POINT, checkpoint, Choice("", parts=(number,)), STATES)
        expected = action_value(checkpoint, STATES, np.full((1, 40), output, np.float32))
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for choice in (POLICY, Choice("", parts=(None,))):
        np.testing.assert_array_equal(
            action_values(POINT, checkpoint, choice, STATES), value(checkpoint, STATES)
        )


def test_the_policy_s_action_of_a_dqn_is_the_best_one():
    checkpoint = dqn_checkpoint()
    np.testing.assert_array_equal(action_values(CAR, checkpoint, POLICY, STATES), value(checkpoint, STATES))
    assert (advantage(CAR, checkpoint, POLICY, MEAN, STATES) >= 0).all()


def test_a_critic_of_states_looks_one_step_ahead():
    """r + gamma V of the next state, and r alone where the step terminates: V = 2 x + 1, r = a."""
    checkpoint = linear_checkpoint(slopes=(2, 0, 0), level=1, action=(0.5, 0))
    states = np.float32([[0, 0.4, 0.95], [0, 0, 0], [1, 1, 1]])
    east = action_values(Drift(), checkpoint, Choice("", parts=(2.0, None)), states)
    np.testing.assert_allclose(east, [2 + 0.9 * 1.4, 2 + 0.9 * 2.2, 2], rtol=1e-5)
    found = advantage(Drift(), checkpoint, Choice("", parts=(2.0, None)), POLICY, states)
    np.testing.assert_allclose(found, [1.5 + 0.9 * 0.3, 1.5 + 0.9 * 0.3, 1.5], rtol=1e-5)


def test_the_mean_one_step_ahead_is_over_all_actions():
    checkpoint = linear_checkpoint(slopes=(3, 1), action=(0.1, 0.2, 0.3))
    checkpoint = replace(checkpoint, actor_head=ActorHead.ARGMAX)
    each = [action_values(CAR, checkpoint, Choice("", index=index), STATES) for index in range(3)]
    np.testing.assert_allclose(
        action_values(CAR, checkpoint, MEAN, STATES), np.mean(each, axis=0), rtol=1e-5, atol=1e-6
    )
