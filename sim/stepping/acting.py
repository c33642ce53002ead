"""Random, exploring and clipped actions: the plain path. Compiled twin: `sim.stepping.compiled.acting`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.elementwise import clip
from valuescape.sim.rng import Stream, normal, uniform
from valuescape.sim.worlds.base import ActionSpace, ContinuousAction, DiscreteAction, MultiDiscreteAction

Key = tuple[int, Stream, NDArray[np.uint64], int, int]
"""The seed, stream, agents [n], episode and tick that random numbers are drawn for."""


def random_actions(space: ActionSpace, key: Key, out: Float32Array) -> None:
    """Write actions drawn uniformly from `space` to `out`, [action_dim, n] float32."""
    draws = uniform(*key, len(out))
    if isinstance(space, ContinuousAction):
        low, high = space.low[:, None], space.high[:, None]
        out[:] = clip(low + draws * (high - low), low, high)
    else:
        out[:] = _choice(draws, _sizes(space))


def explore(space: ActionSpace, exploration: np.float32, key: Key, action: Float32Array) -> None:
    """Change actions [action_dim, n] float32 in place, as much as `exploration` says.

    Continuous ones get Gaussian noise, whose standard deviation is that share of half their range; that share
    of the discrete ones is replaced by uniform choices, of several choices all at once.
    """
    if isinstance(space, ContinuousAction):
        low, high = space.low[:, None], space.high[:, None]
        action += normal(*key, space.dim) * (exploration * (high - low) / 2)
        action[:] = clip(action, low, high)
    else:
        draws = uniform(*key, 1 + space.dim)
        np.copyto(action, _choice(draws[1:], _sizes(space)), where=draws[0] < exploration)


def action_bounds(space: ActionSpace) -> tuple[Float32Array, Float32Array]:
    """Return the lowest and the highest action, [action_dim] float32 each; of a choice its end indices."""
    if isinstance(space, ContinuousAction):
        return space.low, space.high
    return np.zeros(space.dim, np.float32), _sizes(space)[:, 0] - 1


def clipped(space: ActionSpace, action: NDArray[Any]) -> Float32Array:
    """Return `action`, [action_dim, n], clipped to its bounds: a new array, float32; NaN stays NaN."""
    low, high = action_bounds(space)
    inside: Float32Array = clip(action, low[:, None], high[:, None])
    return inside


def _sizes(space: DiscreteAction | MultiDiscreteAction) -> Float32Array:
    """Return how many things each choice is among, [action_dim, 1] float32."""
    sizes = space.sizes if isinstance(space, MultiDiscreteAction) else np.array([space.n], np.float32)
    return sizes[:, None]


def _choice(draws: Float32Array, sizes: Float32Array) -> Float32Array:
    """Return the indices, [choices, n] float32, that uniform draws [choices, n] in [0, 1) mean."""
    index: Float32Array = np.floor(draws * sizes)
    return index
