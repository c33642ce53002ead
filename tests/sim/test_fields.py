"""A critic's values at many states by machine code, in parts."""

import math

import numpy as np
import pytest
from networks import random_mlp

from valuescape.sim import fields
from valuescape.sim.fields import CompiledCritic, can_compile_critic
from valuescape.sim.policy.inference import value
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind, ObsNormalization


def checkpoint_of(kind, *, outputs=1, critics=2, activation=Activation.TANH, normalization=None):
    takes = 2 if kind.takes_actions else 0
    return Checkpoint(
        algorithm="any",
        world="",
        obs_dim=3,
        actor=random_mlp((3, 20, 2), activation, Activation.TANH),
        actor_head=ActorHead.SQUASHED,
        critics=tuple(
            random_mlp((3 + takes, 33, 18, outputs), activation, seed=seed) for seed in range(critics)
        ),
        critic_kind=kind,
        action_low=np.full(2, -1, np.float32),
        action_high=np.full(2, 1, np.float32),
        obs_normalization=normalization,
        gamma=0.99,
    )


def states(n):
    return np.random.default_rng(0).standard_normal((3, n)).astype(np.float32)


def evaluated(checkpoint, obs, seconds=60.0):
    evaluation = CompiledCritic(checkpoint).begin(obs)
    while not evaluation.go_on(seconds):
        pass
    return evaluation.values()


@pytest.mark.parametrize("kind", list(CriticKind))
@pytest.mark.parametrize("n", [1, 64, 1500])
def test_values_are_those_of_numpy(kind, n):
    normalization = ObsNormalization(np.full(3, 0.2, np.float32), np.full(3, 0.7, np.float32), 1.5)
    outputs = 3 if kind is CriticKind.DISCRETE_ACTION_VALUE else 1
    checkpoint = checkpoint_of(kind, outputs=outputs, normalization=normalization)
    expected = value(checkpoint, states(n))
    found = evaluated(checkpoint, states(n))
    assert found.shape == (n,)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_values_are_the_same_for_any_threads_and_parts(monkeypatch):
    checkpoint, obs = checkpoint_of(CriticKind.ACTION_VALUE), states(5000)  # in 79 tiles
    whole = evaluated(checkpoint, obs)
    for cores, tiles in ((1, 1), (3, 5)):
        monkeypatch.setattr(fields, "usable_cores", lambda cores=cores: cores)
        monkeypatch.setattr(fields, "_PART_TILES", tiles)
        evaluation, calls = CompiledCritic(checkpoint).begin(obs), 1
        while not evaluation.go_on(0):
            calls += 1
        assert calls == math.ceil(79 / (cores * tiles)), "a call without time does one round"
        assert np.array_equal(evaluation.values(), whole)


def test_the_caller_may_change_its_observations_meanwhile():
    checkpoint, obs = checkpoint_of(CriticKind.STATE_VALUE), states(64)
    expected, evaluation = evaluated(checkpoint, obs), CompiledCritic(checkpoint).begin(obs)
    obs[:] = 7
    evaluation.go_on(60)
    assert np.array_equal(evaluation.values(), expected)


def test_an_activation_without_machine_code_is_known():
    kind = CriticKind.STATE_VALUE
    assert can_compile_critic(checkpoint_of(kind))
    assert not can_compile_critic(checkpoint_of(kind, activation=Activation.GELU))
