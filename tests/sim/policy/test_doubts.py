"""Signs that a checkpoint does not fit: what is said about it, and how to give what is missing."""

from dataclasses import replace

import numpy as np
import pytest
import stable_baselines3
from library_files import CASES
from stable_baselines3.common.monitor import Monitor

from valuescape.envs.world_env import WorldEnv
from valuescape.presets import configs_dir
from valuescape.sim.policy.doubts import doubts_about
from valuescape.sim.policy.fit import critic_fit
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Activation, CriticKind, Mlp, Training
from valuescape.sim.worlds import make_world

SHARED = CASES["perceptron/shared"]


def test_observations_far_from_those_in_training_are_noticed(tmp_path):
    np.savez(tmp_path / "other.npz", mean=np.full(2, 50.0), std=np.ones(2))
    given = replace(SHARED.given, obs_normalization=tmp_path / "other.npz")
    checkpoint = load_with_statistics(SHARED.file, make_world("mountain_car"), given)
    assert (
        "an observation is 10 standard deviations off those in training in 100% of states" in checkpoint.doubt
    )
    assert "other statistics" in checkpoint.remarks[0]


def test_a_file_without_statistics_is_told_how_to_give_them():
    said = load_with_statistics(SHARED.file, make_world("mountain_car"), SHARED.given).remarks[0]
    assert said.startswith("shared.pt: may have learned little yet, or not fit mountain_car: ")
    assert "--obs-normalization FILE" in said


@pytest.mark.parametrize("returned", [-20.0, -500.0])
def test_returns_far_below_those_in_training_are_noticed(tmp_path, monkeypatch, returned):
    """As they are in the zip, from the episodes of the training that a Monitor saw."""
    world = make_world("mountain_car")
    env = Monitor(WorldEnv(world))
    model = stable_baselines3.DQN("MlpPolicy", env, policy_kwargs={"net_arch": [4]}, buffer_size=10, seed=0)
    model._setup_learn(1)
    model.ep_info_buffer.extend({"r": returned + index % 2, "l": 9, "t": 1.0} for index in range(10))
    model.save(tmp_path / "dqn.zip")
    checkpoint = load_with_statistics(tmp_path / "dqn.zip", world)
    assert (checkpoint.training.mean_return, checkpoint.training.episodes) == (returned + 0.5, 10)
    worse = f"an episode, and got {returned + 0.5:.4g} at the end of the training" in checkpoint.doubt
    assert worse == (returned > -100)  # it never leaves the valley, so it gets -200


def test_whole_episodes_are_counted_with_their_plain_returns():
    world = make_world("mountain_car")
    fit = critic_fit(native.load(configs_dir() / "checkpoints" / "mountain_car.safetensors"), world)
    assert -130 < fit.gained < -90
    assert fit.beyond == 0


@pytest.mark.parametrize("gamma", [0.9, 0.98])
def test_a_wrong_gamma_is_noticed_and_the_right_one_named(gamma):
    """The shipped critic's is 0.98; what a file says itself is not doubted."""
    world = make_world("mountain_car")
    checkpoint = native.load(configs_dir() / "checkpoints" / "mountain_car.safetensors", Given(gamma=gamma))
    found = doubts_about(checkpoint, world, gamma_stated=True)
    assert ("V fits --gamma 0.98" in found.said) == (gamma == 0.9)
    assert ("returns discounted by 0.9 are -10" in found.said) == (gamma == 0.9)
    assert "--gamma" not in doubts_about(checkpoint, world).said


def test_a_critic_that_has_learned_nothing_is_not_accused():
    world = make_world("pendulum")
    checkpoint = native.load(configs_dir() / "checkpoints" / "pendulum.safetensors")
    actor = checkpoint.actor
    critic = Mlp((replace(actor.layers[0], weight=0.01 * actor.layers[0].weight), *_head(actor)))
    untrained = replace(checkpoint, critics=(critic,), critic_kind=CriticKind.STATE_VALUE)
    found = doubts_about(untrained, world)
    steps = checkpoint.training.timesteps
    assert found.said.startswith(
        f"may have learned little in {steps:,} steps, or not fit this world: V(s) of"
    )
    no_steps = replace(untrained, training=Training())
    assert doubts_about(no_steps, world).said.startswith("may have learned little yet, or not fit this world")
    assert "where episodes are cut short, returns go on with V" in found.remark


def _head(actor):
    """Return the hidden layers of a network and an output of nearly 0."""
    *hidden, last = actor.layers[1:]
    small = replace(
        last, weight=0.01 * last.weight[:1], bias=0 * last.bias[:1], activation=Activation.IDENTITY
    )
    return (*hidden, small)
