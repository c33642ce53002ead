"""Stable-Baselines3 models of other spaces than a flat Box: its own actions and values, at 1e-5."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.spaces import flatten

from valuescape.sim.policy.formats.native import load, save
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, sampling_of
from valuescape.sim.worlds.gym_actions import ActedSpace

sb3 = pytest.importorskip("stable_baselines3")

DICT = spaces.Dict(
    {
        "speed": spaces.Box(-1, 1, (2,)),
        "mode": spaces.Discrete(3),
        "cells": spaces.MultiDiscrete([2, 3]),
        "on": spaces.MultiBinary(2),
    }
)
BOX, SEVERAL, BITS = spaces.Box(-1, 1, (3,)), spaces.MultiDiscrete([3, 2, 4]), spaces.MultiBinary(4)
CASES = [
    ("PPO", "MlpPolicy", BOX, SEVERAL),
    ("A2C", "MlpPolicy", BOX, BITS),
    ("PPO", "MultiInputPolicy", DICT, SEVERAL),
    ("DQN", "MultiInputPolicy", DICT, spaces.Discrete(3)),
    ("SAC", "MultiInputPolicy", DICT, spaces.Box(-2, 3, (3,))),
    ("PPO", "MlpPolicy", spaces.Discrete(5), BITS),
    ("DQN", "MlpPolicy", spaces.MultiDiscrete([9, 12]), spaces.Discrete(12)),
    ("TD3", "MlpPolicy", spaces.Box(-1, 1, (2, 2)), spaces.Box(-2, 2, (2, 2))),
]


class Stub(gymnasium.Env):
    def __init__(self, observed, acted):
        self.observation_space, self.action_space = observed, acted


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case[:2])))
def case(request, tmp_path):
    """A model with random weights, the checkpoint that was read of its zip, and observations, both ways."""
    algorithm, policy, observed, acted = request.param
    torch.manual_seed(8)
    kwargs = {"policy_kwargs": {"net_arch": [16, 16]}, "device": "cpu"}
    kwargs |= {"buffer_size": 10} if algorithm in ("DQN", "SAC", "TD3") else {}
    model = getattr(sb3, algorithm)(policy, Stub(observed, acted), **kwargs)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter += 0.4 * torch.randn_like(parameter)
    observed.seed(1)
    raw = [observed.sample() for _ in range(150)]
    if algorithm == "DQN":
        _balance(model, raw)
    model.save(tmp_path / "model.zip")
    flat = np.stack([flatten(observed, each) for each in raw], axis=1).astype(np.float32)
    return model, load_sb3(tmp_path / "model.zip"), raw, flat


def _balance(model, raw):
    """Give all actions the same mean score over these observations, so that no one is the best in all."""
    with torch.no_grad():
        scores = torch.cat([model.q_net(model.policy.obs_to_tensor(each)[0]) for each in raw])
        model.q_net.q_net[-1].bias -= scores.mean(dim=0)


def test_actions_and_values_are_the_library_s(case, tmp_path):
    model, checkpoint, raw, flat = case
    acted = ActedSpace(model.action_space)
    action = np.full((acted.action.dim, len(raw)), np.nan, np.float32)
    BatchPolicy(checkpoint, acted.action, len(raw)).act(flat, action)
    expected = [model.predict(each, deterministic=True)[0] for each in raw]
    np.testing.assert_allclose(action.T, np.reshape(expected, (len(raw), -1)), rtol=1e-5, atol=1e-5)
    assert len(np.unique(action)) > 1
    torch_action = TorchCheckpoint(checkpoint).act(torch.tensor(flat.T)).numpy()
    np.testing.assert_allclose(action.T, torch_action, rtol=1e-5, atol=1e-5)
    values = _values(model, raw)
    np.testing.assert_allclose(value(checkpoint, flat), values, rtol=0, atol=1e-5 * np.abs(values).max())
    save(checkpoint, tmp_path / "again.safetensors")
    again = load(tmp_path / "again.safetensors")
    assert (again.actor_head, again.choices) == (checkpoint.actor_head, checkpoint.choices)


def _values(model, raw):
    """Return V of observations by the library's own networks."""
    found, policy = [], model.policy
    with torch.no_grad():
        for each in raw:
            obs = policy.obs_to_tensor(each)[0]
            if hasattr(policy, "predict_values"):
                found.append(policy.predict_values(obs))
            elif hasattr(policy, "q_net"):
                found.append(policy.q_net(obs).max())
            else:
                found.append(torch.cat(policy.critic(obs, policy.actor(obs, **_mean(model)))).min())
    return np.array([float(each) for each in found])


def _mean(model):
    return {"deterministic": True} if hasattr(model, "log_ent_coef") else {}


@pytest.mark.parametrize("case", CASES[:2], ids=["MultiDiscrete", "MultiBinary"], indirect=True)
def test_choices_are_drawn_as_the_library_draws_them(case):
    """Each choice by its own probabilities, independent of the others."""
    model, checkpoint, raw, flat = case
    assert sampling_of(checkpoint) is Sampling.CATEGORICAL
    n = 20_000
    obs = np.repeat(flat[:, :1], n, axis=1)
    sampled = SampledPolicy(checkpoint, ActedSpace(model.action_space).action, 3, 0.0)
    drawn, _, _ = sampled.act(obs, np.arange(n, dtype=np.uint64), 0, 0)
    with torch.no_grad():
        inner = model.policy.get_distribution(model.policy.obs_to_tensor(raw[0])[0]).distribution
    each = inner if isinstance(inner, list) else None
    for row in range(len(drawn)):
        size = checkpoint.choices[row]
        seen = np.bincount(drawn[row].astype(int), minlength=size) / n
        one = float(inner.probs[0, row]) if each is None else 0.0
        expected = [1 - one, one] if each is None else each[row].probs[0].numpy()
        np.testing.assert_allclose(seen, expected, atol=0.015)
    both = np.corrcoef(drawn[0] == drawn[0].max(), drawn[1] == drawn[1].max())[0, 1]
    assert abs(both) < 0.03
