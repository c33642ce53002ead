"""The parameters and the chance that rollouts in Python meet: keyed by state and number of the rollout."""

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds.base import ArrayWorld, World, full_step
from valuescape.sim.worlds.parameters import agents_values, middle_values, spread_bits


def is_random(world: World) -> bool:
    """Return whether rollouts from one state differ by the world alone: by chance or spread parameters."""
    return bool(world.step_draws or spread_bits(world.ranges))


class Conditions:
    """Steps rollout `number` from each of the states `which` [n], with parameters of its own where spread.

    Draws follow from (seed, a state's number, `number`, step) alone. Compiled twin: `sim.rollouts.compiled`.
    """

    def __init__(self, world: ArrayWorld, seed: int, which: NDArray[np.intp], number: int) -> None:
        self._world, self._seed, self._episode = world, seed, number + 1
        self._step = full_step(world)
        self._which = which.astype(np.uint64)
        self._spread = bool(spread_bits(world.ranges))
        self._parameters = middle_values(world.ranges)
        if self._spread:
            self._parameters = agents_values(world.ranges, seed, self._which, self._episode)

    def step(
        self, state: Float32Array, action: Float32Array, step: int
    ) -> tuple[Float32Array, Float32Array, BoolArray]:
        """Return the next states [state_dim, n], rewards [n] and terminations [n] of all that still run."""
        n = state.shape[1]
        following, reward, terminated = np.empty_like(state), np.empty(n, np.float32), np.zeros(n, np.bool_)
        count = self._world.step_draws
        draws = uniform(self._seed, Stream.DYNAMICS, self._which, self._episode, step, count)
        self._step(state, action, following, reward, terminated, self._parameters, draws)
        return following, reward, terminated

    def keep(self, on: BoolArray) -> None:
        """Go on with the rollouts that `on` [n] marks."""
        if not on.all():
            self._which = self._which[on]
            self._parameters = self._parameters[:, on] if self._spread else self._parameters
