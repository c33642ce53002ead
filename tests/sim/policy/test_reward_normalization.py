"""Critics that learned from normalised rewards: values in the world's units, TD errors in their own."""

import json
from dataclasses import replace

import numpy as np
import pytest
import stable_baselines3
import torch
from networks import random_mlp
from safetensors.numpy import load_file, save_file
from sample_checkpoints import dqn_checkpoint, sac_checkpoint
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.signal_kinds import ADVANTAGE, TD_ERROR, VALUE
from valuescape.sim.insight.signals import Critic, Signals
from valuescape.sim.policy.formats import native as store
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.network import Activation, CriticKind, RewardNormalization, value_critics
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.policy.reward_units import RewardUnits
from valuescape.sim.worlds import make_world

NORM = RewardNormalization(variance=624.75, epsilon=0.25, clip=10.0, gamma=0.9)
OBS = np.random.default_rng(0).standard_normal((2, 200), np.float32)


def state_critic(last: Activation, clip: float):
    return replace(
        sac_checkpoint(),
        critic_kind=CriticKind.STATE_VALUE,
        critics=(random_mlp((2, 16, 1), last=last, clip=clip),),
    )


CHECKPOINTS = {
    "twins": sac_checkpoint(normalized=True),
    "choices": dqn_checkpoint(),
    "bounded": state_critic(Activation.TANH, float("inf")),
    "clipped": state_critic(Activation.IDENTITY, 0.5),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_values_are_multiplied_by_the_scale_in_both_evaluations(name):
    plain = CHECKPOINTS[name]
    scaled = replace(plain, reward_normalization=NORM)
    assert NORM.scale == 25
    np.testing.assert_allclose(value(scaled, OBS), 25 * value(plain, OBS), rtol=1e-5, atol=1e-4)
    rows = torch.from_numpy(OBS.T.copy())
    np.testing.assert_allclose(value(scaled, OBS), TorchCheckpoint(scaled).value(rows), rtol=1e-4, atol=1e-4)
    assert value_critics(plain) is plain.critics


def test_actions_do_not_depend_on_reward_normalization():
    plain = dqn_checkpoint()
    scaled = replace(plain, reward_normalization=NORM)
    rows = torch.from_numpy(OBS.T.copy())
    assert torch.equal(TorchCheckpoint(scaled).act(rows), TorchCheckpoint(plain).act(rows))


def test_a_td_error_is_of_the_normalised_reward():
    """Computed by hand: clip(50 / 25, -1, 1) + 0.5 * 75 / 25 - 100 / 25 = 1 + 1.5 - 4."""
    critic = Critic(lambda obs: obs[0], 0.5, replace(NORM, clip=1.0))
    reward, before, after = (np.array([number], np.float32) for number in (50, 100, 75))
    assert critic.td_error(reward, before, after) == -1.5
    assert replace(critic, reward_normalization=None).td_error(reward, before, after) == 50 + 37.5 - 100
    assert critic.td_error(-reward, before * 0, after * 0) == -1


def test_legends_name_the_units():
    world = make_world("point_mass")

    def title(signal, **changes):
        critic = critic_of(replace(sac_checkpoint(), **changes))
        return Signals(signal, world, None, (0, 1), critic).scale.title

    assert title(VALUE, algorithm="td3") == "V(s)"
    assert title(VALUE) == "V(s), no entropy"
    assert title(VALUE, algorithm="ppo", reward_normalization=NORM) == "V(s), raw rewards"
    assert title(TD_ERROR, algorithm="ppo", reward_normalization=NORM) == "TD error, rewards / 25"
    assert title(ADVANTAGE, algorithm="ppo", reward_normalization=NORM) == "advantage, rewards / 25"
    assert title(TD_ERROR) == "TD error, no entropy"


def test_values_and_td_errors_are_those_of_stable_baselines3(tmp_path):
    """Compared with its VecNormalize and its policy, on steps with some clipped rewards."""
    world = make_world("pendulum")
    env = VecNormalize(DummyVecEnv([lambda: WorldEnv(world)]), clip_reward=0.1, gamma=0.97, epsilon=1e-4)
    model = stable_baselines3.PPO("MlpPolicy", env, gamma=0.9, seed=0, device="cpu", n_steps=256)
    model.learn(512)
    model.save(tmp_path / "model.zip")
    env.save(str(tmp_path / "stats.pkl"))
    checkpoint = load_with_statistics(
        tmp_path / "model.zip",
        world,
        Given(obs_normalization=tmp_path / "stats.pkl"),
        units=RewardUnits.ON,
    )
    norm = checkpoint.reward_normalization
    assert norm.scale == pytest.approx(float(np.sqrt(env.ret_rms.var + 1e-4)))
    assert (norm.clip, norm.gamma, norm.epsilon) == (0.1, 0.97, 1e-4)

    rng = np.random.default_rng(2)
    obs, after = rng.standard_normal((2, 3, 100)).astype(np.float32)
    reward = rng.uniform(-16, 0, 100).astype(np.float32)
    seen = env.normalize_reward(reward)
    assert 0 < (seen == -np.float32(0.1)).sum() < 100

    def by_sb3(columns):
        with torch.no_grad():
            return model.policy.predict_values(torch.from_numpy(env.normalize_obs(columns.T)).float())[
                :, 0
            ].numpy()

    expected = seen + 0.9 * by_sb3(after) - by_sb3(obs)
    found = critic_of(checkpoint).td_error(reward, value(checkpoint, obs), value(checkpoint, after))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), norm.scale * by_sb3(obs), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("clip", [10.0, float("inf")])
def test_reward_normalization_is_kept_in_the_file(clip, tmp_path):
    checkpoint = replace(sac_checkpoint(), reward_normalization=replace(NORM, clip=clip))
    store.save(checkpoint, tmp_path / "a.safetensors")
    loaded = store.load(tmp_path / "a.safetensors")
    assert loaded.reward_normalization == checkpoint.reward_normalization
    np.testing.assert_array_equal(
        loaded.critics[1].layers[-1].weight, checkpoint.critics[1].layers[-1].weight
    )


def rewritten(path, **metadata):
    """Change entries of a file's metadata; None removes one."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    entries = {**header["__metadata__"], **metadata}
    save_file(load_file(path), path, {key: text for key, text in entries.items() if text is not None})


def test_files_of_the_first_version_are_read(tmp_path):
    store.save(sac_checkpoint(), tmp_path / "a.safetensors")
    rewritten(tmp_path / "a.safetensors", version="1", reward_normalization=None)
    assert store.load(tmp_path / "a.safetensors").reward_normalization is None
    rewritten(tmp_path / "a.safetensors", version="2")
    with pytest.raises(UsageError, match="reward_normalization is absent"):
        store.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    "change", [{"variance": -1}, {"clip": 0}, {"gamma": 2}, {"variance": "x"}, {"more": 1}]
)
def test_unsound_statistics_in_a_file_are_refused(change, tmp_path):
    entry = {"variance": 4.0, "epsilon": 0.0, "clip": 10.0, "gamma": 0.99, **change}
    store.save(sac_checkpoint(), tmp_path / "a.safetensors")
    rewritten(tmp_path / "a.safetensors", reward_normalization=json.dumps(entry))
    with pytest.raises(UsageError, match="reward_normalization is"):
        store.load(tmp_path / "a.safetensors")


def test_a_scale_of_nothing_cannot_be_saved(tmp_path):
    nothing = RewardNormalization(0.0, 0.0, 10.0, 0.99)
    with pytest.raises(UsageError, match="reward statistics have variance 0"):
        store.save(replace(sac_checkpoint(), reward_normalization=nothing), tmp_path / "a.safetensors")
