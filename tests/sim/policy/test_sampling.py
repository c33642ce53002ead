"""Stochastic policies: densities and draws against Stable-Baselines3's own distributions."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from networks import checkpoint_of, random_mlp
from sb3_contrib import TQC
from stable_baselines3 import A2C, PPO, SAC, TD3

from valuescape.sim.policy.formats import native
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.network import ActorHead
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, sampling_of
from valuescape.sim.worlds import make_world

N = 4000
ALPHA = 0.3
SDE = {"use_sde": True}
CONTINUOUS = {
    "sac": (SAC, {}),
    "sac with gSDE": (SAC, SDE),
    "sac with gSDE, expln": (SAC, SDE | {"policy_kwargs": {"use_expln": True, "log_std_init": 0.5}}),
    "tqc": (TQC, {}),
    "ppo": (PPO, {}),
    "ppo with gSDE": (PPO, SDE),
    "a2c with squashed gSDE": (A2C, SDE | {"policy_kwargs": {"squash_output": True}}),
}


def saved(algorithm, options, env_id, path):
    """Save an untrained model whose noise differs between states; return it and our checkpoint."""
    torch.manual_seed(3)
    model = algorithm("MlpPolicy", gymnasium.make(env_id), device="cpu", **options)
    with torch.no_grad():
        for name, parameter in model.policy.named_parameters():
            if "log_std" in name:
                parameter += 0.3 * torch.randn_like(parameter)
    model.save(path / "model.zip")
    return model, load_sb3(path / "model.zip")


def distribution(model, obs):
    """Return Stable-Baselines3's distribution of actions for `obs` [n, obs_dim]."""
    if isinstance(model, (SAC, TQC)):
        mean, log_std, options = model.actor.get_action_dist_params(obs)
        return model.actor.action_dist.proba_distribution(mean, log_std, **options)
    return model.policy.get_distribution(obs)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_draws_have_the_density_that_sb3_says(tmp_path, name):
    """Log densities of our draws agree with theirs; the draws have their mean and their spread."""
    model, checkpoint = saved(*CONTINUOUS[name], "Pendulum-v1", tmp_path)
    world, rng = make_world("pendulum"), np.random.default_rng(1)
    obs = rng.uniform(-1, 1, (3, N)).astype(np.float32)
    obs[:, N // 2 :] = obs[:, :1]  # the second half is one state, for its statistics
    policy = SampledPolicy(checkpoint, world.action, seed=4, alpha=ALPHA)
    action, drawn, bonus = policy.act(obs, np.arange(N, dtype=np.uint64), 1, 0)
    with torch.no_grad():
        theirs = distribution(model, torch.as_tensor(obs.T))
        inside = np.clip(drawn.T, -1 + 1e-6, 1 - 1e-6) if policy_is_squashed(checkpoint) else drawn.T
        log_prob = theirs.log_prob(torch.as_tensor(inside)).numpy()
        sample = np.concatenate(
            [distribution(model, torch.as_tensor(obs.T)).sample().numpy() for _ in range(3)]
        )
    if checkpoint.soft:
        usual = np.abs(drawn[0]) < 0.99  # beyond, float32 has few numbers left for 1 - a²
        assert np.abs(-bonus / ALPHA - log_prob)[usual].max() < 2e-3
        assert np.median(np.abs(-bonus / ALPHA - log_prob)[usual]) < 1e-5
    else:
        assert (bonus == 0).all()
    one = drawn[0, N // 2 :]
    spread = theirs.distribution.stddev[-1, 0].item()
    centre = theirs.distribution.mean[-1, 0].item()
    raw = np.arctanh(np.clip(one, -1 + 1e-7, 1 - 1e-7)) if policy_is_squashed(checkpoint) else one
    assert np.median(raw) == pytest.approx(centre, abs=4 * spread / np.sqrt(N / 2) + 1e-3)
    assert np.percentile(raw, 84.13) - np.percentile(raw, 15.87) == pytest.approx(2 * spread, rel=0.12)
    assert np.isfinite(sample).all()
    low, high = world.action.low, world.action.high
    assert ((action[0] >= low) & (action[0] <= high)).all()


def policy_is_squashed(checkpoint):
    return sampling_of(checkpoint) is Sampling.SQUASHED


@pytest.mark.parametrize("name", CONTINUOUS)
def test_the_mean_is_the_deterministic_action(tmp_path, name):
    model, checkpoint = saved(*CONTINUOUS[name], "Pendulum-v1", tmp_path)
    obs = np.random.default_rng(2).uniform(-1, 1, (3, 50)).astype(np.float32)
    policy = SampledPolicy(checkpoint, make_world("pendulum").action, seed=4, alpha=ALPHA)
    action, _, bonus = policy.act(obs, np.arange(50, dtype=np.uint64), 1, 0, mean=True)
    expected, _ = model.predict(obs.T, deterministic=True)
    assert pytest.approx(expected, abs=1e-5) == action.T
    assert (bonus == 0).all()


def test_choices_come_as_often_as_the_softmax_says(tmp_path):
    _, checkpoint = saved(PPO, {}, "CartPole-v1", tmp_path)
    checkpoint = replace(checkpoint, actor=random_mlp((4, 16, 2), seed=5))
    obs = np.repeat(np.float32([[0.1], [0.2], [0.05], [-0.3]]), N, axis=1)
    assert sampling_of(checkpoint) is Sampling.CATEGORICAL
    policy = SampledPolicy(checkpoint, make_world("cartpole").action, seed=1, alpha=0.0)
    action, scores, _ = policy.act(obs, np.arange(N, dtype=np.uint64), 1, 0)
    share = float(np.exp(scores[1, 0]) / np.exp(scores[:, 0]).sum())
    assert 0.05 < share < 0.95
    assert action[0].mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / N))


@pytest.mark.parametrize("algorithm", [SAC, TQC])
def test_alpha_is_read_where_the_zip_has_it(algorithm, tmp_path):
    model, learned = saved(algorithm, {"ent_coef": "auto_0.7"}, "Pendulum-v1", tmp_path)
    assert learned.entropy_coefficient == pytest.approx(0.7, rel=1e-6)
    assert learned.entropy_coefficient == pytest.approx(model.log_ent_coef.exp().item(), rel=1e-6)
    _, fixed = saved(algorithm, {"ent_coef": 0.25}, "Pendulum-v1", tmp_path)
    assert fixed.entropy_coefficient == 0.25
    _, other = saved(TD3, {}, "Pendulum-v1", tmp_path)
    assert other.entropy_coefficient is None
    assert other.noise is None
    assert sampling_of(other) is Sampling.NONE


@pytest.mark.parametrize("name", ["sac", "sac with gSDE"])
def test_our_format_keeps_noise_and_alpha(tmp_path, name):
    _, checkpoint = saved(*CONTINUOUS[name], "Pendulum-v1", tmp_path)
    native.save(checkpoint, tmp_path / "kept.safetensors")
    kept = native.load(tmp_path / "kept.safetensors")
    assert kept.entropy_coefficient == checkpoint.entropy_coefficient
    assert kept.noise.state_dependent == checkpoint.noise.state_dependent
    assert np.array_equal(kept.noise.layer.weight, checkpoint.noise.layer.weight)
    assert np.array_equal(kept.noise.layer.bias, checkpoint.noise.layer.bias)


def test_a_policy_without_noise_is_deterministic():
    checkpoint = replace(checkpoint_of(random_mlp((3, 8, 1))), actor_head=ActorHead.CLIPPED)
    assert sampling_of(checkpoint) is Sampling.NONE
