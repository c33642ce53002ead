"""Analyses at the ends of what checkpoints say: discounts of 0 and 1, values that overflow."""

import json
from dataclasses import replace

import numpy as np
import pytest
from analyses import QUICK
from small_worlds import Chain, chain_critic, critic_of

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.output import write
from valuescape.presets import find_checkpoint
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Activation, CriticKind, Layer, Mlp
from valuescape.sim.worlds import make_world


@pytest.fixture
def saved(tmp_path):
    """The shipped DQN of the mountain car with some other fields, in a file."""

    def call(**fields):
        native.save(
            replace(find_checkpoint("auto", make_world("mountain_car")), **fields), tmp_path / "a.safetensors"
        )
        return tmp_path / "a.safetensors"

    return call


def test_without_a_future_a_return_is_the_next_reward(cli, saved, tmp_path, without_drawing):
    status, said, errors = cli("analyze", saved(gamma=0.0), *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["start_value_realised"] == {"value": -1, "low": -1, "high": -1}
    assert summary["explained_variance"]["value"] is None
    assert "returns are all alike, so there is no variance to explain" in said
    assert summary["rollout_steps"] == 1
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert (arrays["truth_value"] == -1).all()


def test_without_discount_a_return_is_the_sum_of_rewards(cli, saved, tmp_path, without_drawing):
    status, _, errors = cli("analyze", saved(gamma=1.0), *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["start_value_realised"] == summary["mean_return"]
    assert summary["rollout_steps"] == 200  # the world's limit always holds
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert np.array_equal(arrays["truth_value"], -arrays["truth_steps"])


def test_a_critic_that_is_infinite_in_places_is_told(cli, saved, tmp_path, without_drawing, recwarn):
    """V = 1e39 position overflows float32 beyond 0.34; the rest counts."""
    none = np.zeros(1, np.float32)
    huge = (Layer(np.float32([[1e20, 0]]), none, Activation.IDENTITY),)
    huge += (Layer(np.float32([[1e19]]), none, Activation.IDENTITY),)
    file = saved(critics=(Mlp(huge),), critic_kind=CriticKind.STATE_VALUE, algorithm="ppo")
    status, said, errors = cli("analyze", file, *QUICK, "--out", tmp_path / "out")
    assert status == 0, errors
    assert "RuntimeWarning" not in errors
    assert not [each for each in recwarn if each.category is RuntimeWarning]
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    with np.load(tmp_path / "out/arrays.npz") as arrays:
        assert summary["left_out_steps"] == (~np.isfinite(arrays["step_predicted"])).sum() > 0
    assert "steps are left out: their value or their return is not finite" in said


class Once(Chain):
    """The chain, but every step ends the episode, for 3."""

    name = "once"

    @staticmethod
    def dynamics(state, action):
        return state, np.float32(3) + np.float32(0) * state[0], state[0] > np.float32(-1)


def test_episodes_of_one_step(tmp_path, without_drawing):
    found = analyze(chain_critic(0.5, 2.0), own_plane(Once()), Plan(episodes=6, cells=8, rollouts=2))
    assert found.episodes.lengths.tolist() == [1] * 6
    assert found.numbers["mean_return"].value == found.numbers["start_value_realised"].value == 3
    assert found.numbers["q_bias"].value == pytest.approx(-1)  # V = 2 at place 0
    assert (found.maps.truth.value == 3).all()
    assert all(path.exists() for path in write(found, tmp_path / "out", "once.zip", 1.0))


def test_a_critic_of_nan_is_refused():
    layer = Layer(np.float32([[np.nan, 0]]), np.zeros(1, np.float32), Activation.IDENTITY)
    with pytest.raises(UsageError, match="no step has both a value and a return"):
        analyze(
            replace(critic_of(np.zeros(10)), critics=(Mlp((layer,)),)), own_plane(Chain()), Plan(episodes=4)
        )
