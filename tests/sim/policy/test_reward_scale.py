"""Rewards that were multiplied in training: stated, folded into V, and noticed where it is not stated."""

from dataclasses import replace

import numpy as np
import pytest
from library_files import CASES

from valuescape.presets import configs_dir
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.policy.conversion import convert
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.loading import load_checkpoint, load_with_statistics
from valuescape.sim.policy.network import Activation
from valuescape.sim.worlds import make_world


def in_world(name):
    case = CASES[name]
    return case, make_world(case.said["world"])


@pytest.mark.parametrize("name", ["perceptron/shared", "rl_games/discrete", "sbx/ppo", "onnx/ppo"])
def test_v_is_in_the_world_s_units_and_td_errors_in_those_learned_from(name):
    case, world = in_world(name)
    obs = np.random.default_rng(0).standard_normal((len(world.obs), 50), np.float32)
    plain = load_checkpoint(case.file, world, case.given)
    for load in (load_checkpoint, load_with_statistics):
        scaled = load(case.file, world, replace(case.given, reward_scale=0.25))
        np.testing.assert_allclose(value(scaled, obs), 4 * value(plain, obs), rtol=1e-5, atol=1e-5)
    critic = critic_of(scaled)
    reward, before, after = (np.array([number], np.float32) for number in (8, 4, 2))
    # 0.25 * 8 + gamma * 2 / 4 - 4 / 4
    np.testing.assert_allclose(critic.td_error(reward, before, after), 1 + plain.gamma / 2, rtol=1e-6)


def test_it_takes_the_place_of_the_file_s_own_unless_the_file_s_word_counts():
    case, world = in_world("d3rlpy/sac")
    own = load_checkpoint(case.file, world, case.given).reward_normalization
    assert own.scale == pytest.approx(10)
    given = replace(case.given, reward_scale=0.5)
    assert load_checkpoint(case.file, world, given).reward_normalization.scale == pytest.approx(2)
    assert load_checkpoint(case.file, world, replace(given, yields=True)).reward_normalization == own
    silent, world = in_world("rl_games/discrete")
    given = replace(silent.given, reward_scale=0.5, yields=True)
    assert load_checkpoint(silent.file, world, given).reward_normalization.scale == pytest.approx(2)
    raw = configs_dir() / "checkpoints" / "pendulum.safetensors"
    given = Given(reward_scale=0.5, yields=True)
    assert load_checkpoint(raw, make_world("pendulum"), given).reward_normalization is None


def scaled_file(folder, factor):
    """Write the shipped critic of the pendulum as another library's, as if it had learned scaled rewards."""
    checkpoint = native.load(configs_dir() / "checkpoints" / "pendulum.safetensors")
    tensors = {}
    for name, network in (("actor", checkpoint.actor), ("qf1", checkpoint.critics[0])):
        for index, layer in enumerate(network.layers):
            scale = factor if name == "qf1" and layer is network.layers[-1] else 1
            tensors[f"{name}.{index}.weight"] = layer.weight * np.float32(scale)
            tensors[f"{name}.{index}.bias"] = layer.bias * np.float32(scale)
    np.savez(folder / "scaled.npz", **tensors)
    hidden = checkpoint.actor.layers[0].activation
    assert hidden is Activation.RELU
    return folder / "scaled.npz", Given(algorithm="sac", activation=hidden, gamma=checkpoint.gamma)


@pytest.mark.parametrize(("factor", "said"), [(0.1, "0.1"), (20.0, "20"), (1.0, None), (0.001, None)])
def test_values_one_factor_off_the_returns_name_the_option_and_the_number(tmp_path, factor, said):
    """A thousandth is how small the values of an untrained critic are, too."""
    path, given = scaled_file(tmp_path, factor)
    world = make_world("pendulum")
    found = load_with_statistics(path, world, given)
    assert ("--reward-scale" in found.doubt) == (said is not None), found.doubt
    if said:
        assert f": --reward-scale {said}?" in found.doubt
        assert "rewards that were multiplied in training" in found.remarks[-1]
        wrong = load_with_statistics(path, world, replace(given, reward_scale=factor * 20))
        assert f": --reward-scale {said}?" in wrong.doubt  # the whole factor, whatever was assumed
        assert not load_with_statistics(path, world, replace(given, reward_scale=factor)).doubt


def test_a_converted_file_keeps_it(tmp_path):
    path, given = scaled_file(tmp_path, 0.1)
    convert(path, tmp_path / "own.safetensors", "pendulum", replace(given, reward_scale=0.1))
    kept = native.load(tmp_path / "own.safetensors").reward_normalization
    assert (kept.scale, kept.clip) == (pytest.approx(10), np.inf)


def test_a_scale_of_0_is_refused():
    case, world = in_world("rl_games/discrete")
    with pytest.raises(UsageError, match="reward_scale = 0"):
        load_checkpoint(case.file, world, replace(case.given, reward_scale=0.0))
