"""NumPy inference: bit-identical in slices, and equal to torch."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from networks import random_mlp
from sample_checkpoints import dqn_checkpoint, qrdqn_checkpoint, sac_checkpoint, tqc_checkpoint

from valuescape.sim.policy.inference import BLOCK, BatchMlp, BatchPolicy, value
from valuescape.sim.policy.network import Activation, ActorHead, Checkpoint, CriticKind
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.worlds import make_world


def observations(n: int, dim: int = 2) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((dim, n), np.float32) * np.float32(1.5)


def act(checkpoint: Checkpoint, obs: np.ndarray, world: str = "point_mass") -> np.ndarray:
    out = np.full((1, obs.shape[1]), np.nan, np.float32)
    BatchPolicy(checkpoint, make_world(world).action, obs.shape[1]).act(obs, out)
    return out


@pytest.mark.parametrize("width", [64, 256])
@pytest.mark.parametrize("hidden", list(Activation))
@pytest.mark.parametrize("normalized", [False, True])
def test_agents_act_bit_identically_in_any_slices(width, hidden, normalized):
    checkpoint = sac_checkpoint(width, hidden, normalized=normalized)
    obs = observations(200)
    whole = act(checkpoint, obs)
    for edges in [(0, 32, 200), (0, 64, 96, 200), (0, 160, 192, 200), (*range(0, 200, BLOCK), 200)]:
        slices = [act(checkpoint, obs[:, a:b]) for a, b in pairwise(edges)]
        assert np.concatenate(slices, axis=1).tobytes() == whole.tobytes()


def test_an_agent_acts_the_same_beside_any_others():
    obs = observations(1300)
    crowd = obs.copy()
    crowd[:, :-1] *= 7
    assert act(sac_checkpoint(64), obs)[0, -1] == act(sac_checkpoint(64), crowd)[0, -1]


@pytest.mark.parametrize("n", [1, 31, 32, 33, 511, 512, 513, 1100])
def test_any_number_of_columns_is_evaluated(n):
    mlp = random_mlp((3, 20, 2), Activation.RELU)
    columns = observations(n, 3)
    out = np.full((2, n), np.nan, np.float32)
    BatchMlp(mlp, n).forward(columns, out)
    first, last = mlp.layers
    hidden = np.maximum(first.weight @ columns + first.bias[:, None], 0)
    np.testing.assert_allclose(out, last.weight @ hidden + last.bias[:, None], atol=1e-5)


def test_slices_of_a_larger_array_are_read_and_written_in_place():
    checkpoint, obs = sac_checkpoint(), observations(100)
    out = np.zeros((1, 100), np.float32)
    BatchPolicy(checkpoint, make_world("point_mass").action, 64).act(obs[:, 32:90], out[:, 32:90])
    np.testing.assert_array_equal(out[:, 32:90], act(checkpoint, obs[:, 32:90].copy()))
    assert not out[:, :32].any()
    assert not out[:, 90:].any()


CHECKPOINTS = {
    **{f"sac {kind}": (sac_checkpoint(64, kind), "point_mass") for kind in Activation},
    "sac 256": (sac_checkpoint(256, Activation.RELU), "point_mass"),
    "sac normalized": (sac_checkpoint(64, Activation.TANH, normalized=True), "point_mass"),
    "dqn": (dqn_checkpoint(64), "mountain_car"),
    "qr-dqn": (qrdqn_checkpoint(64), "mountain_car"),
    "tqc": (tqc_checkpoint(64), "point_mass"),
    "ppo": (
        replace(
            sac_checkpoint(),
            algorithm="ppo",
            actor=random_mlp((2, 64, 64, 1)),
            actor_head=ActorHead.CLIPPED,
            critics=(random_mlp((2, 64, 64, 1), seed=1),),
            critic_kind=CriticKind.STATE_VALUE,
        ),
        "point_mass",
    ),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_actions_and_values_equal_torch(name):
    checkpoint, world = CHECKPOINTS[name]
    obs, reference = observations(500), TorchCheckpoint(checkpoint)
    batch = torch.from_numpy(obs.T.copy())
    np.testing.assert_allclose(act(checkpoint, obs, world).T, reference.act(batch), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(value(checkpoint, obs), reference.value(batch), atol=1e-5, rtol=1e-5)


def test_actions_stay_within_the_bounds():
    actions = act(replace(sac_checkpoint(clip=float("inf"))), observations(500) * 100)
    assert actions.min() == -5
    assert actions.max() == 5


def test_the_lowest_of_equal_scores_is_chosen():
    checkpoint = dqn_checkpoint()
    last = checkpoint.actor.layers[-1]
    flat = replace(last, weight=np.zeros_like(last.weight), bias=np.float32([1, 2, 2]))
    checkpoint = replace(
        checkpoint, actor=replace(checkpoint.actor, layers=(checkpoint.actor.layers[0], flat))
    )
    assert (act(checkpoint, observations(40), "mountain_car") == 1).all()
