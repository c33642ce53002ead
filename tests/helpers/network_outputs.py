"""Outputs of compiled networks."""

import numpy as np

from valuescape.sim.codegen.compiler import compiled
from valuescape.sim.codegen.machine import BLOCK_AGENTS
from valuescape.sim.stepping.compiled.acting import _choose, network_actions
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.network import forward_tile, network_width, policy_arrays
from valuescape.sim.worlds import WORLDS


@compiled
def _outputs(policy, block, obs_dim, network, count, out):
    for first in range(0, count, TILE_AGENTS):
        values = network[forward_tile(policy, block, 0, obs_dim, first, network)]
        for row in range(len(out)):
            out[row, first : first + TILE_AGENTS] = values[row * TILE_AGENTS : (row + 1) * TILE_AGENTS]


@compiled
def act_by_network(policy, action, block, obs_row, obs_dim, network, n):
    """`network_actions`, callable from Python."""
    network_actions(policy, action, block, obs_row, obs_dim, network, n)


@compiled
def choose(scores, choices, out):
    """`acting._choose`, callable from Python."""
    _choose(scores, choices, out)


def outputs(checkpoint, obs, *, bfloat16=False):
    """The compiled network's outputs for `obs` [obs_dim, n], which fill whole tiles."""
    policy = policy_arrays(checkpoint, WORLDS["point_mass"].action, given=False, bfloat16=bfloat16)
    block = np.full((len(obs), BLOCK_AGENTS), np.nan, np.float32)
    block[:, : obs.shape[1]] = obs
    network = np.full((3, network_width(policy, len(obs)) * TILE_AGENTS), np.nan, np.float32)
    out = np.empty((checkpoint.actor.out_dim, obs.shape[1]), np.float32)
    _outputs(policy, block, len(obs), network, obs.shape[1], out)
    return out
