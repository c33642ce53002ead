"""The grid of states over which a critic's landscape is computed."""

import numpy as np

from sim.policy.inference import normalized_obs
from sim.policy.network import Checkpoint
from sim.worlds import World
from sim.worlds.base import Float32Array


def map_bounds(world: World) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the map's window in the units of the state: (x, y) of its low and of its high corner."""
    x, y = world.state[:2]
    return (x.low, y.low), (x.high, y.high)


def grid_states(world: World, edge: int) -> Float32Array:
    """Return the states at the centres of `edge` x `edge` texels over the map, [state_dim, edge * edge].

    Row by row from the low corner, the first state variable innermost.
    """
    (x_low, y_low), (x_high, y_high) = map_bounds(world)
    centres = (np.arange(edge, dtype=np.float64) + 0.5) / edge
    x, y = np.meshgrid(x_low + centres * (x_high - x_low), y_low + centres * (y_high - y_low))
    return np.stack([x.ravel(), y.ravel()]).astype(np.float32)


def grid_obs(world: World, edge: int) -> Float32Array:
    """Return the observations of `grid_states`, [obs_dim, edge * edge]."""
    states = grid_states(world, edge)
    obs = np.empty((len(world.obs), states.shape[1]), np.float32)
    world.observe(states, obs)
    return obs


def network_inputs(world: World, checkpoint: Checkpoint, edge: int) -> Float32Array:
    """Return `grid_obs` as the checkpoint's networks expect it: normalised if it was trained so."""
    return normalized_obs(checkpoint, grid_obs(world, edge))
