"""Policies in the form that compiled code takes, a tuple of arrays, and the network's forward pass.

Outputs differ from those of `sim.policy.inference` by rounding: fused products, order of sums, another tanh.
Tests bound the difference by 4e-6 of the greatest output (or of 1), and by 2e-6 for tanh and ReLU 64-64.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.codegen.compiler import compiled_inside
from valuescape.sim.codegen.machine import FLOAT_BYTES, call_with, copy_bytes
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.stepping.acting import action_bounds
from valuescape.sim.stepping.compiled.mlp import IDENTITY, RELU, TANH, TILE_AGENTS
from valuescape.sim.stepping.compiled.network_code import NO_CODE, NetworkCode, network_code
from valuescape.sim.stepping.shared_policy import NO_NUMBERS
from valuescape.sim.stepping.tabulated import table_size
from valuescape.sim.stepping.tiles import (
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

_NO_GRID = np.zeros((2, 3), np.float32)

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
    code: NetworkCode = NO_CODE
    outputs: int = 0
    cells: int = 0  # of the table each way; 0 if there is none
    grid: Float32Array = _NO_GRID  # [2, 3], a `grid_of`
    table: Float32Array = NO_NUMBERS  # a `table_of`


def policy_arrays(
    checkpoint: Checkpoint | None,
    space: ActionSpace,
    *,
    given: bool,
    shared: Float32Array | None = None,
    bfloat16: bool = False,
    cells: int = 0,
    grid: Float32Array = _NO_GRID,
) -> PolicyArrays:
    """Return the policy of `checkpoint`; without one the uniform policy; if `given`, the caller's actions.

    shared: `tiled_numbers` of this policy, or later those of another of its kind, in memory that is shared;
    None makes a copy of the checkpoint's. bfloat16: products between hidden units are of bfloat16; the
    machine must have them (HAS_BFLOAT16). grid: of a table with so many `cells` each way, which then follows
    the other numbers in `shared`.
    """
    choices = space.n if isinstance(space, DiscreteAction) else 0
    low, high = action_bounds(space)
    acting = None if given else checkpoint
    layers = acting.actor.layers if acting else ()
    normalization = acting.obs_normalization if acting else None
    if shared is None:
        shared = tiled_numbers(acting, bfloat16=bfloat16) if acting else NO_NUMBERS
    kept = 0 if normalization is None else normalization.mean.size
    table = table_size(acting, cells) if acting else 0
    return PolicyArrays(
        kind=GIVEN if given else _HEADS[acting.actor_head] if acting else RANDOM,
        layers=layer_table(layers, bfloat16=bfloat16),
        clips=clips_of(layers),
        weights=shared[2 * kept : shared.size - table],
        mean=shared[:kept],
        std=shared[kept : 2 * kept],
        obs_clip=np.float32(math.inf if normalization is None else normalization.clip),
        low=low,
        high=high,
        choices=choices,
        code=network_code(layers, bfloat16=bfloat16),
        outputs=acting.actor.out_dim if acting and layers else 0,
        cells=cells if table else 0,
        grid=grid,
        table=shared[shared.size - table :],
    )


def network_width(policy: PolicyArrays, obs_dim: int) -> int:
    """Return the number of rows of TILE_AGENTS floats that the widest layer needs."""
    units = [padded(int(row[1])) for row in policy.layers]
    return max([obs_dim, TILE_UNITS, *units])


@compiled_inside
def forward_tile(policy: Any, block: Any, first_row: Any, obs_dim: Any, agent: Any, network: Any) -> Any:
    """Evaluate the network for TILE_AGENTS agents of a block; return the row of `network` with the outputs.

    block: [rows, BLOCK_AGENTS] float32, with observations from row `first_row` on; the agents are those from
    `agent` on. network: [3, width * TILE_AGENTS] float32: layers alternate between two rows, the third is
    scratch.
    """
    target = network.ctypes.data
    source = block.ctypes.data + first_row * block.strides[0] + FLOAT_BYTES * agent
    for _ in range(obs_dim):
        copy_bytes(target, source, FLOAT_BYTES * TILE_AGENTS)
        target += FLOAT_BYTES * TILE_AGENTS
        source += block.strides[0]
    if len(policy.mean) > 0:
        _normalize(policy, network[0], obs_dim)
    current = 0
    for index in range(len(policy.layers)):
        forward_layer(policy, index, network, current)
        current = 1 - current
    return current


@compiled_inside
def _normalize(policy: Any, values: Any, obs_dim: Any) -> None:
    bound = policy.obs_clip
    for row in range(obs_dim):
        mean, std = policy.mean[row], policy.std[row]
        for i in range(row * TILE_AGENTS, (row + 1) * TILE_AGENTS):
            x = (values[i] - mean) / std
            x = -bound if x < -bound else x
            values[i] = bound if x > bound else x


@compiled_inside
def forward_layer(policy: Any, index: Any, network: Any, current: Any) -> None:
    """Write a layer's outputs for the TILE_AGENTS agents in `network[current]` into the other of the two.

    Works with addresses: on a 2-64-64-1 network views of arrays, which numba counts, took 4 % of a tick.
    """
    inputs, units, first, start, kind, form = _row(policy.layers, index)
    bound, network_bytes = policy.clips[index], network.strides[0]
    source = network.ctypes.data + current * network_bytes
    target = network.ctypes.data + (1 - current) * network_bytes
    weights = policy.weights.ctypes.data + FLOAT_BYTES * first
    bias = policy.weights.ctypes.data + FLOAT_BYTES * start
    clipped = bound < np.inf
    at_once = IDENTITY if clipped else kind
    call_with(policy.code.layer, (source, target, weights, bias, inputs, units, at_once, form))
    if clipped or kind not in (IDENTITY, RELU, TANH):
        scratch = network.ctypes.data + 2 * network_bytes
        call_with(policy.code.activation, (target, scratch, units * TILE_AGENTS, kind, bound))


@compiled_inside
def _row(layers: Any, index: Any) -> Any:
    return (
        layers[index, 0],
        layers[index, 1],
        layers[index, 2],
        layers[index, 3],
        layers[index, 4],
        layers[index, 5],
    )
