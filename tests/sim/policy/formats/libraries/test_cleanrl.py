"""CleanRL's files as people save and change them; the files that it writes itself are under contract."""

import numpy as np
import pytest
import torch
from library_files import CASES, FOLDER

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.network import Activation

PPO, SAC, TD3 = (CASES[f"cleanrl/{name}"] for name in ("ppo_continuous", "sac", "td3"))
STATED = Given(gamma=0.9)


def saved(tmp_path, content, name="agent.pt"):
    path = tmp_path / name
    torch.save(content, path)
    return path


def load(path, given=STATED):
    assert format_of(path).name == "cleanrl"
    return format_of(path).load(path, given)


def values_of(checkpoint, case):
    return value(checkpoint, np.ascontiguousarray(case.expected["obs"].T))


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "_orig_mod.module.", "agent.", "model.module."])
def test_wrappers_of_torch_and_names_before_an_agent_change_nothing(prefix, tmp_path):
    state = {f"{prefix}{name}": each for name, each in torch.load(PPO.file).items()}
    found = values_of(load(saved(tmp_path, state)), PPO)
    np.testing.assert_allclose(found, PPO.expected["value"], rtol=1e-5, atol=1e-5)


def test_an_agent_within_a_training_state_is_found(tmp_path):
    agent = torch.load(PPO.file)
    moments = {
        index: {"step": 12, "exp_avg": each, "exp_avg_sq": each} for index, each in enumerate(agent.values())
    }
    content = {
        "agent_state_dict": agent,
        "optimizer_state_dict": {"state": moments, "param_groups": [{"lr": 1e-3}]},
        "iteration": 12,
        "mean_return": np.float64(-150.0),
    }
    found = values_of(load(saved(tmp_path, content)), PPO)
    np.testing.assert_allclose(found, PPO.expected["value"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 5e-3), (torch.bfloat16, 5e-2)])
def test_half_precision_is_read(dtype, tolerance, tmp_path):
    state = {name: each.to(dtype) for name, each in torch.load(PPO.file).items()}
    found = values_of(load(saved(tmp_path, state)), PPO)
    np.testing.assert_allclose(found, PPO.expected["value"], atol=tolerance)
    assert not np.allclose(found, PPO.expected["value"], atol=1e-7)


def test_a_network_of_other_widths_asks_for_its_activation(tmp_path):
    """A public file of a changed script has leaky ReLUs under the script's names."""
    state = torch.load(PPO.file)
    for part in ("actor_mean", "critic"):
        state[f"{part}.2.weight"], state[f"{part}.2.bias"] = torch.ones(32, 64), torch.ones(32)
        state[f"{part}.4.weight"] = state[f"{part}.4.weight"][:, :32].clone()
    path = saved(tmp_path, state, "agent.cleanrl_model")
    with pytest.raises(UsageError, match="--activation tanh"):
        load(path)
    stated = load(path, Given(gamma=0.9, activation=Activation.LEAKY_RELU))
    assert stated.actor.layers[0].activation is Activation.LEAKY_RELU


def test_statistics_and_arguments_beside_the_weights_are_used(tmp_path):
    mean, var = np.array([0.5, -0.5, 1.0]), np.array([4.0, 0.25, 9.0])
    content = {
        "model_weights": torch.load(PPO.file),
        "args": {"gamma": 0.97, "env_id": "Pendulum-v1"},
        "obs_rms": {"mean": mean, "var": var, "count": 1e4},
    }
    checkpoint = load(saved(tmp_path, content), Given())
    obs = PPO.expected["obs"].astype(np.float64) * np.sqrt(var + 1e-8) + mean
    found = value(checkpoint, np.ascontiguousarray(obs.T, np.float32))
    np.testing.assert_allclose(found, PPO.expected["value"], rtol=1e-5, atol=1e-5)
    assert checkpoint.gamma == 0.97
    assert checkpoint.remarks == ()


def test_unsaved_statistics_are_pointed_out():
    (remark,) = load(PPO.file).remarks
    assert "--obs-normalization" in remark


def test_critics_take_actions_in_the_world_s_units_at_any_bounds(tmp_path):
    """With a bias of actions too: 0 to 10 here, where CleanRL's own environments are symmetric."""
    actor, first, second = torch.load(TD3.file)
    actor |= {"action_scale": torch.full((4, 1), 5.0), "action_bias": torch.full((4, 1), 5.0)}
    checkpoint = load(saved(tmp_path, (actor, first, second)))
    obs = torch.from_numpy(TD3.expected["obs"])
    hidden = (obs @ actor["fc1.weight"].T + actor["fc1.bias"]).relu()
    hidden = (hidden @ actor["fc2.weight"].T + actor["fc2.bias"]).relu()
    action = torch.tanh(hidden @ actor["fc_mu.weight"].T + actor["fc_mu.bias"]) * 5 + 5
    expected = torch.minimum(*(q_value(each, obs, action) for each in (first, second)))
    np.testing.assert_allclose(values_of(checkpoint, TD3), expected.numpy(), rtol=1e-5, atol=1e-4)
    assert (checkpoint.action_low, checkpoint.action_high) == (0.0, 10.0)


def q_value(state, obs, action):
    hidden = torch.cat([obs, action], dim=1)
    for name in ("fc1", "fc2"):
        hidden = (hidden @ state[f"{name}.weight"].T + state[f"{name}.bias"]).relu()
    return (hidden @ state["fc3.weight"].T + state["fc3.bias"])[:, 0]


def test_sac_s_target_networks_are_left_out_and_its_alpha_is_read(tmp_path):
    content = torch.load(SAC.file)
    content |= {"qf1_target": {name: each * 0 for name, each in content["qf1"].items()}}
    checkpoint = load(saved(tmp_path, content))
    assert len(checkpoint.critics) == 2
    assert checkpoint.entropy_coefficient == pytest.approx(np.exp(-1.5))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"network.0.weight": torch.zeros(32, 4, 8, 8), "network.0.bias": torch.zeros(32)},
            "observes images",
        ),
        ({"network.1.weight": torch.ones(120), "network.1.bias": torch.zeros(120)}, "layer normalisation"),
        ({"network.6.weight_ih_l0": torch.zeros(8, 2)}, "recurrent"),
    ],
)
def test_networks_of_other_layers_are_refused_by_name(changes, said, tmp_path):
    """Atari's, and PQN's, which is DQN's with normalisation."""
    path = saved(tmp_path, torch.load(CASES["cleanrl/dqn"].file) | changes, "dqn.cleanrl_model")
    with pytest.raises(UsageError, match=said):
        load(path)


def test_c51_is_refused_by_name():
    for file in (FOLDER / "cleanrl/c51.refused", FOLDER / "cleanrl_jax/c51.refused"):
        with pytest.raises(UsageError, match="CleanRL's C51"):
            format_of(file).load(file, STATED)


def test_an_actor_alone_is_refused(tmp_path):
    """As some scripts save SAC."""
    with pytest.raises(UsageError, match=r"no critic[\s\S]*save them together"):
        load(saved(tmp_path, torch.load(SAC.file)["actor"]))
