"""Quantiles of the return, as the critics of QR-DQN and TQC learn them.

QR-DQN: Dabney et al., 2018, Distributional Reinforcement Learning with Quantile Regression. TQC: Kuznetsov
et al., 2020, Controlling Overestimation Bias with Truncated Mixture of Continuous Distributional Quantile
Critics.
"""

import numpy as np

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.policy.inference import critic_inputs, forward_all
from valuescape.sim.policy.network import Checkpoint, quantile_networks

_CHUNK = 4096
"""States evaluated together, which bounds the scratch: 26 MB for 8 actions of 200 quantiles each."""


def quantile_levels(checkpoint: Checkpoint) -> Float64Array:
    """Return the levels [k] that `return_quantiles` is of, (i + 1/2) / k; of length 0 if there are none."""
    count = sum(len(layer.bias) for layer in checkpoint.quantile_layers)
    if count:
        count //= checkpoint.critics[0].out_dim
    return (np.arange(count) + 0.5) / max(1, count)


def return_quantiles(
    checkpoint: Checkpoint, obs: Float32Array, outputs: Float32Array | None = None
) -> Float32Array:
    """Return the critic's quantiles of the return from `obs` [obs_dim, n] as a new [k, n] float32 array.

    Ascending, of the levels `quantile_levels`, in units of the world's rewards. QR-DQN: those of the greedy
    action. TQC: those of all critics together, for the actor outputs [out_dim, n], None for the actor's own;
    none are dropped, as TQC does only in the target of its critics. `value` is their mean. Raises ValueError
    for a checkpoint without quantiles.
    """
    if not checkpoint.quantile_layers:
        raise ValueError(f"{checkpoint.algorithm} has no quantiles")
    found = np.empty((len(quantile_levels(checkpoint)), obs.shape[1]), np.float32)
    for first in range(0, obs.shape[1], _CHUNK):
        part = slice(first, first + _CHUNK)
        given = None if outputs is None else outputs[:, part]
        found[:, part] = _chosen(checkpoint, critic_inputs(checkpoint, obs[:, part], given))
    found.sort(axis=0)
    return found


def _chosen(checkpoint: Checkpoint, inputs: Float32Array) -> Float32Array:
    """Return the quantiles [k, n] of the chosen actions, unsorted."""
    n, networks = inputs.shape[1], quantile_networks(checkpoint)
    actions = checkpoint.critics[0].out_dim
    atoms = forward_all(networks, inputs).reshape(-1, actions, n)
    if actions == 1:
        return atoms[:, 0]
    greedy = forward_all((checkpoint.actor,), inputs)[0].argmax(axis=0)
    chosen: Float32Array = np.take_along_axis(atoms, greedy[None, None], axis=1)[:, 0]
    return chosen
