"""The spread of a critic's answers, against sums written out."""

from dataclasses import replace

import numpy as np
import pytest
from blas_limits import threads_beside_another
from sample_checkpoints import dqn_checkpoint, qrdqn_checkpoint, sac_checkpoint, tqc_checkpoint

from valuescape.sim.insight.spread import critic_spread, spread_kind
from valuescape.sim.policy.network import Checkpoint, Mlp, RewardNormalization

OBS = np.random.default_rng(3).standard_normal((2, 50), np.float32)


def outputs(mlp: Mlp, inputs: np.ndarray) -> np.ndarray:
    """Evaluate a network in double precision."""
    values = inputs.astype(np.float64)
    for layer in mlp.layers:
        values = np.clip(layer.weight @ values + layer.bias[:, None], -layer.clip, layer.clip)
        values = {"relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "identity": lambda x: x}[
            layer.activation
        ](values)
    return values


def state_action(checkpoint: Checkpoint) -> np.ndarray:
    norm = checkpoint.obs_normalization
    obs = OBS
    if norm is not None:
        obs = np.clip((OBS - norm.mean[:, None]) / norm.std[:, None], -norm.clip, norm.clip)
    return np.concatenate([obs, outputs(checkpoint.actor, obs)])


def atoms_of(checkpoint: Checkpoint, inputs: np.ndarray) -> np.ndarray:
    """The quantiles [critics, units, n], unsorted."""
    pairs = zip(checkpoint.critics, checkpoint.quantile_layers, strict=True)
    return np.stack([outputs(Mlp((*each.layers[:-1], last)), inputs) for each, last in pairs])


@pytest.mark.parametrize("critics", [2, 3])
def test_twins_disagree_by_the_greatest_less_the_least(critics):
    checkpoint = sac_checkpoint(normalized=True)
    first, second = checkpoint.critics
    checkpoint = replace(checkpoint, critics=(first, second, tqc_checkpoint().critics[2])[:critics])
    scores = np.stack([outputs(each, state_action(checkpoint))[0] for each in checkpoint.critics])
    assert spread_kind(checkpoint) == "critics"
    np.testing.assert_allclose(critic_spread(checkpoint, OBS), np.ptp(scores, axis=0), atol=1e-5)


def test_the_spread_of_tqc_is_over_the_quantiles_of_all_critics():
    checkpoint = tqc_checkpoint()
    atoms = atoms_of(checkpoint, state_action(checkpoint)).reshape(15, -1)
    assert spread_kind(checkpoint) == "quantiles"
    np.testing.assert_allclose(critic_spread(checkpoint, OBS), atoms.std(axis=0), atol=1e-5)


def test_the_spread_of_qr_dqn_is_that_of_the_greedy_action():
    checkpoint = qrdqn_checkpoint()
    atoms = atoms_of(checkpoint, OBS)[0].reshape(
        7, 3, -1
    )  # as in sb3-contrib: view(-1, n_quantiles, actions)
    greedy = atoms.mean(axis=0).argmax(axis=0)
    expected = atoms.std(axis=0)[greedy, np.arange(50)]
    assert len(set(greedy)) > 1
    np.testing.assert_allclose(critic_spread(checkpoint, OBS), expected, atol=1e-5)


def test_it_is_in_units_of_the_world_s_rewards():
    norm = RewardNormalization(variance=9.0, epsilon=0.0, clip=10.0, gamma=0.99)
    for checkpoint in (sac_checkpoint(), qrdqn_checkpoint(), tqc_checkpoint()):
        scaled = critic_spread(replace(checkpoint, reward_normalization=norm), OBS)
        np.testing.assert_allclose(scaled, 3 * critic_spread(checkpoint, OBS), rtol=1e-4)


def test_one_critic_without_quantiles_has_none():
    assert spread_kind(dqn_checkpoint()) == ""
    with pytest.raises(ValueError, match="the critic of dqn has neither a twin nor quantiles"):
        critic_spread(dqn_checkpoint(), OBS)


def test_blas_keeps_the_limit_of_another_thread(monkeypatch):
    beside, after = threads_beside_another(
        monkeypatch,
        "valuescape.sim.insight.spread.return_quantiles",
        lambda: critic_spread(qrdqn_checkpoint(), OBS),
    )
    assert (beside, after) == ({1}, {2})
