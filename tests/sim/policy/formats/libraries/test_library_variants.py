"""Files of Tianshou, d3rlpy, PufferLib and SBX that differ from those of the contract, or are refused."""

import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from library_files import CASES, FOLDER

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.detect import format_of
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.formats.libraries.sbx_zip import SCRIPT
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.policy.network import Activation, ActorHead, value_critics
from valuescape.sim.worlds import make_world

RELU = Given(activation=Activation.RELU, gamma=0.9)


def saved(tmp_path, content, name="policy.pth"):
    path = tmp_path / name
    torch.save(content, path)
    return path


def acted(checkpoint, obs):
    world = make_world("pendulum")
    actions = np.empty((1, len(obs)), np.float32)
    BatchPolicy(checkpoint, world.action, len(obs)).act(np.ascontiguousarray(obs.T), actions)
    return actions[0]


def test_tianshou_s_data_parallel_networks_are_read(tmp_path):
    case = CASES["tianshou/ppo_discrete"]
    state = torch.load(case.file, weights_only=False)
    del state["_optimizers"]
    wrapped = {name.replace("actor.", "actor.net.module.", 1): each for name, each in state.items()}
    checkpoint = format_of(path := saved(tmp_path, wrapped)).load(path, RELU)
    found = value(checkpoint, np.ascontiguousarray(case.expected["obs"].T))
    np.testing.assert_allclose(found, case.expected["value"], rtol=1e-5, atol=1e-5)


def test_tianshou_s_max_action_is_in_actions_and_values():
    """As its scripts for Pendulum have it: outputs of -2 to 2 are clipped, then scaled to -2 to 2."""
    case = CASES["tianshou_1/td3"]
    world, obs = make_world("pendulum"), case.expected["obs"]
    plain = load_checkpoint(case.file, world, case.given)
    wide = load_checkpoint(case.file, world, case.stated(case.said["given"] | {"max_action": 2.0}))
    outputs = acted(plain, obs) / 2
    np.testing.assert_allclose(acted(wide, obs), 2 * np.clip(2 * outputs, -1, 1), rtol=1e-5, atol=1e-5)
    assert not np.allclose(value(wide, obs.T.copy()), value(plain, obs.T.copy()))


def test_tianshou_without_action_scaling_is_stated_by_the_head():
    case = CASES["tianshou/ppo"]
    world, obs = make_world("pendulum"), case.expected["obs"]
    unscaled = case.stated(case.said["given"] | {"head": ActorHead.CLIPPED})
    scaled = acted(load_checkpoint(case.file, world, case.given), obs)
    found = acted(load_checkpoint(case.file, world, unscaled), obs)
    inside = np.abs(scaled) < 2
    assert inside.sum() > 5
    np.testing.assert_allclose(found[inside], scaled[inside] / 2, rtol=1e-5, atol=1e-5)


def test_tianshou_s_noise_is_scaled_with_the_means():
    checkpoint = load_checkpoint((case := CASES["tianshou/ppo"]).file, make_world("pendulum"), case.given)
    (sigma,) = torch.load(case.file, weights_only=False)["policy.actor.sigma_param"]
    np.testing.assert_allclose(checkpoint.noise.layer.bias, sigma.numpy() + np.log(2), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"support": torch.zeros(51)}, "C51 or Rainbow"),
        ({"model.embed_model.net.0.weight": torch.zeros(4, 4)}, "IQN or FQF"),
        ({"policy.model.model.model.1.weight": torch.zeros(20)}, "normalisation|tensor of shape"),
    ],
)
def test_tianshou_s_other_algorithms_are_refused_by_name(changes, said, tmp_path):
    state = torch.load(CASES["tianshou/dqn"].file, weights_only=False) | changes
    path = saved(tmp_path, state)
    with pytest.raises(UsageError, match=said):
        format_of(path).load(path, RELU)


def test_tianshou_s_discrete_sac_is_refused(tmp_path):
    state = torch.load(CASES["tianshou/ppo_discrete"].file, weights_only=False)
    state |= {"critic.last.model.0.weight": torch.zeros(2, 16), "critic.last.model.0.bias": torch.zeros(2)}
    path = saved(tmp_path, state)
    with pytest.raises(UsageError, match="discrete SAC"):
        format_of(path).load(path, RELU)


def changed_d3(tmp_path, name, **params):
    """Return a .d3 whose algorithm has other parameters."""
    with CASES[f"d3rlpy/{name}"].file.open("rb") as file:
        content = pickle.load(file)
    config = json.loads(content["config"])
    config["config"]["params"] |= params
    path = tmp_path / "model.d3"
    path.write_bytes(pickle.dumps(content | {"config": json.dumps(config)}))
    return path


def test_d3rlpy_s_shifted_rewards_are_pointed_out(tmp_path):
    scaler = {"type": "standard", "params": {"mean": -4.0, "std": 1.999, "eps": 1e-3, "multiplier": 1.0}}
    path = changed_d3(tmp_path, "td3_plus_bc", reward_scaler=scaler, gamma=0.9)
    checkpoint = format_of(path).load(path)
    assert checkpoint.reward_normalization.scale == pytest.approx(2.0)
    (remark,) = checkpoint.remarks
    assert "shifted by 4" in remark
    assert "up to 40" in remark


def test_d3rlpy_s_rewards_are_divided_as_its_scalers_do(tmp_path):
    scaler = {"type": "return", "params": {"return_min": -10.0, "return_max": 40.0, "multiplier": 5.0}}
    path = changed_d3(tmp_path, "td3_plus_bc", reward_scaler=scaler)
    checkpoint = format_of(path).load(path)
    last, raw = value_critics(checkpoint)[0].layers[-1], checkpoint.critics[0].layers[-1]
    np.testing.assert_allclose(last.weight, raw.weight * 10, rtol=1e-6)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"q_func_factory": {"type": "iqn", "params": {}}}, "critics of type 'iqn'"),
        ({"actor_encoder_factory": {"type": "simba", "params": {}}}, "encoder of type 'simba'"),
        ({"observation_scaler": {"type": "tuple", "params": {}}}, "observation_scaler of type 'tuple'"),
    ],
)
def test_d3rlpy_s_other_parts_are_refused_by_name(params, said, tmp_path):
    path = changed_d3(tmp_path, "sac", **params)
    with pytest.raises(UsageError, match=said):
        format_of(path).load(path)


def test_a_model_of_d3rlpy_without_its_configuration_asks_for_it(tmp_path):
    case = CASES["d3rlpy/ddpg"]
    with case.file.open("rb") as file:
        content = pickle.load(file)
    path = tmp_path / "model.pt"
    path.write_bytes(content["torch"])
    with pytest.raises(UsageError, match="--activation relu --gamma"):
        format_of(path).load(path)
    checkpoint = load_checkpoint(path, make_world("pendulum"), Given(activation=Activation.RELU, gamma=0.99))
    found = value(checkpoint, np.ascontiguousarray(case.expected["obs"].T))
    np.testing.assert_allclose(found, case.expected["value"], rtol=1e-5, atol=1e-5)
    assert "save_model" in checkpoint.remarks[0]


def test_policies_that_are_no_one_network_are_refused():
    for file, said in (
        (FOLDER / "d3rlpy/discrete_bcq.refused", "discrete_bcq"),
        (FOLDER / "pufferlib/recurrent.refused", "recurrent"),
    ):
        with pytest.raises(UsageError, match=said):
            format_of(file).load(file, RELU)


def test_a_zip_of_sbx_is_refused_with_a_script(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps({"policy_class": {"__module__": "sbx.crossq.policies"}}))
    with pytest.raises(UsageError, match=r"valuescape inspect model.zip"):
        format_of(path).load(path)
    (remark,) = format_of(path).contents(path).remarks
    assert "python convert.py CrossQ model.zip model.msgpack" in remark
    assert SCRIPT in remark
    compile(SCRIPT, "convert.py", "exec")
