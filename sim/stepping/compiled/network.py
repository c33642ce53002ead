"""Policies in the form that compiled code takes, a tuple of arrays, and the network's forward pass.

Outputs differ from those of `sim.policy.inference` by rounding: fused products, order of sums, another tanh.
Tests bound the difference by 4e-6 of the greatest output (or of 1), and by 2e-6 for tanh and ReLU 64-64.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import compiled
from valuescape.sim.codegen.machine import FLOAT_BYTES, copy_bytes
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.stepping.acting import action_bounds
from valuescape.sim.stepping.compiled.mlp import IDENTITY, TILE_AGENTS, activate, dense, dense_in_pairs
from valuescape.sim.stepping.tiles import (
    FLOATS,
    HEADS,
    TILE_UNITS,
    clips_of,
    layer_table,
    padded,
    tiled_numbers,
)
from valuescape.sim.worlds.base import ActionSpace, DiscreteAction

RANDOM, GIVEN, SQUASHED, CLIPPED, ARGMAX = range(5)
"""The kinds of policy: uniform, given by the caller, or a checkpoint's head."""

_HEADS = dict(zip(HEADS, (SQUASHED, CLIPPED, ARGMAX), strict=True))


class PolicyArrays(NamedTuple):
    """A policy. Its network is packed as `mlp` reads it: each layer's tiles of weights, then its biases."""

    kind: int  # RANDOM, GIVEN, or a checkpoint's head
    layers: NDArray[np.int64]  # [layers, 6], a `layer_table`
    clips: Float32Array  # [layers], scaled as the sums are
    weights: Float32Array
    mean: Float32Array  # [obs_dim], or [0] if observations are not normalised
    std: Float32Array
    obs_clip: np.float32
    low: Float32Array  # [action_dim], or of a choice the first and last index
    high: Float32Array
    choices: int  # 0 if actions are continuous


def policy_arrays(
    checkpoint: Checkpoint | None,
    space: ActionSpace,
    *,
    given: bool,
    shared: Float32Array | None = None,
    bfloat16: bool = False,
) -> PolicyArrays:
    """Return the policy of `checkpoint`; without one the uniform policy; if `given`, the caller's actions.

    shared: `tiled_numbers` of this policy, or later those of another of its kind, in memory that is shared;
    None makes a copy of the checkpoint's.
    bfloat16: products between hidden units are of bfloat16; the machine must have them (HAS_BFLOAT16).
    """
    choices = space.n if isinstance(space, DiscreteAction) else 0
    low, high = action_bounds(space)
    acting = None if given else checkpoint
    layers = acting.actor.layers if acting else ()
    normalization = acting.obs_normalization if acting else None
    if shared is None:
        shared = tiled_numbers(acting, bfloat16=bfloat16) if acting else np.zeros(0, np.float32)
    kept = 0 if normalization is None else normalization.mean.size
    return PolicyArrays(
        kind=GIVEN if given else _HEADS[acting.actor_head] if acting else RANDOM,
        layers=layer_table(layers, bfloat16=bfloat16),
        clips=clips_of(layers),
        weights=shared[2 * kept :],
        mean=shared[:kept],
        std=shared[kept : 2 * kept],
        obs_clip=np.float32(math.inf if normalization is None else normalization.clip),
        low=low,
        high=high,
        choices=choices,
    )


def network_width(policy: PolicyArrays, obs_dim: int) -> int:
    """Return the number of rows of TILE_AGENTS floats that the widest layer needs."""
    units = [padded(int(row[1])) for row in policy.layers]
    return max([obs_dim, TILE_UNITS, *units])


@compiled
def forward_tile(policy: Any, block: Any, first_row: Any, obs_dim: Any, agent: Any, network: Any) -> Any:
    """Evaluate the network for TILE_AGENTS agents of a block; return the row of `network` with the outputs.

    block: [rows, BLOCK_AGENTS] float32, with observations from row `first_row` on; the agents are those from
    `agent` on. network: [3, width * TILE_AGENTS] float32: layers alternate between two rows, the third is
    scratch.
    """
    values = network[0]
    for row in range(obs_dim):
        target = values[row * TILE_AGENTS : (row + 1) * TILE_AGENTS]
        source = block[first_row + row, agent : agent + TILE_AGENTS]
        if len(policy.mean) > 0:
            _normalize(source, target, policy.mean[row], policy.std[row], policy.obs_clip)
        else:
            copy_bytes(target.ctypes.data, source.ctypes.data, FLOAT_BYTES * TILE_AGENTS)
    current = 0
    for index in range(len(policy.layers)):
        layer = policy.layers[index]
        forward_layer(policy, layer, policy.clips[index], network, current)
        current = 1 - current
    return current


@compiled
def _normalize(source: Any, target: Any, mean: Any, std: Any, bound: Any) -> None:
    for i in range(TILE_AGENTS):
        x = (source[i] - mean) / std
        x = -bound if x < -bound else x
        target[i] = bound if x > bound else x


@compiled
def forward_layer(policy: Any, layer: Any, bound: Any, network: Any, current: Any) -> None:
    """Write a layer's outputs for the TILE_AGENTS agents in `network[current]` into the other of the two."""
    units = -(-layer[1] // TILE_UNITS) * TILE_UNITS
    clipped = bound < np.inf
    weights = policy.weights.ctypes.data
    outputs = network[1 - current, : units * TILE_AGENTS]
    source, target = network[current].ctypes.data, outputs.ctypes.data
    first, bias = weights + FLOAT_BYTES * layer[2], weights + FLOAT_BYTES * layer[3]
    if layer[5] != FLOATS:
        dense_in_pairs(source, target, first, bias, layer[0], layer[1], layer[4], layer[5])
        return
    dense(source, target, first, bias, layer[0], layer[1], IDENTITY if clipped else layer[4])
    if clipped:
        for i in range(len(outputs)):
            x = -bound if outputs[i] < -bound else outputs[i]
            outputs[i] = bound if x > bound else x
    activate(outputs, network[2, : len(outputs)], layer[4], not clipped)
