"""Actions that are drawn or clipped; `sim.stepping.compiled.acting` does the same in machine code."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.elementwise import clip
from valuescape.sim.rng import Stream, normal, uniform
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction, DiscreteAction

Key = tuple[int, Stream, NDArray[np.uint64], int, int]
"""Seed, stream, agents, episode and tick, for which numbers are drawn."""


def random_actions(space: ActionSpace, key: Key, out: Float32Array) -> None:
    """Write actions from all over `space`, [action_dim, agents]."""
    draws = uniform(*key, len(out))
    if isinstance(space, ContinuousAction):
        low, high = space.low[:, None], space.high[:, None]
        out[:] = clip(low + draws * (high - low), low, high)
    else:
        out[:] = _choice(draws, space)


def explore(space: ActionSpace, exploration: float, key: Key, action: Float32Array) -> None:
    """Add Gaussian noise to continuous actions, replace a share of discrete ones."""
    share = np.float32(exploration)
    if isinstance(space, ContinuousAction):
        low, high = space.low[:, None], space.high[:, None]
        action += normal(*key, space.dim) * (share * (high - low) / 2)
        action[:] = clip(action, low, high)
    else:
        draws = uniform(*key, 2)
        np.copyto(action[0], _choice(draws[1], space), where=draws[0] < share)


def action_bounds(space: ActionSpace) -> tuple[Float32Array, Float32Array]:
    """Return the least and the greatest action, [action_dim] each; of a choice the first and last index."""
    if isinstance(space, ContinuousAction):
        return space.low, space.high
    return np.zeros(1, np.float32), np.array([space.n - 1], np.float32)


def clipped(space: ActionSpace, action: NDArray[Any]) -> Float32Array:
    """Return actions [action_dim, agents] within their bounds, a new array; NaN stays NaN."""
    low, high = action_bounds(space)
    inside: Float32Array = clip(action, low[:, None], high[:, None])
    return inside


def _choice(draws: Float32Array, space: DiscreteAction) -> Float32Array:
    """Turn uniform draws into action indices."""
    index: Float32Array = np.floor(draws * np.float32(space.n))
    return index
