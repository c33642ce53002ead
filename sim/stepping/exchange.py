"""Takes a caller's actions, and returns observations, rewards and endings: the plain path."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import Ending
from valuescape.sim.worlds.base import DiscreteAction, World


class Exchange:
    """Reads and writes the arena of an engine with `given_actions`, between two ticks.

    given: the arena's actions, [action_dim, agents] float32. obs: observations, [rows, obs_dim, agents]
    float32. flags: [rows, 2, agents] bool, private to this process: which episodes terminated, and which were
    truncated.
    """

    def __init__(self, arena: Arena, world: World) -> None:
        self.arena = arena
        self.given: Float32Array = arena["given_action"]
        self.obs: Float32Array = arena["obs" if arena.layout.kept_obs_dim else "state"]
        self.flags = np.zeros((len(self.obs), 2, arena.layout.agents), np.bool_)
        self.choices = world.action.n if isinstance(world.action, DiscreteAction) else 0
        self.limit = np.uint32(world.max_episode_steps)

    def take(self, actions: NDArray[Any]) -> bool:
        """Copy `actions`, [agents, action_dim], or [agents] indices of a choice; return `valid()`."""
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float32 is beyond all bounds
            self.given[:] = actions.T
        return self.valid()

    def valid(self) -> bool:
        """Return whether every action in `given` is valid: not NaN, and of a choice an index."""
        return not self.wrong().any()

    def wrong(self) -> BoolArray:
        """Return which agents' actions are not valid, [agents] bool."""
        if not self.choices:
            return np.asarray(np.isnan(self.given).any(axis=0))
        index = self.given[0]
        return np.asarray(~((index >= 0) & (index < self.choices) & (index == np.floor(index))))

    def endings(self, tick: int) -> bool:
        """Write which episodes ended in `tick` to its row of `flags`; return whether any did.

        An episode that terminates in its last possible step counts as truncated, too.
        """
        return self._split(tick, *self.flags[tick % len(self.flags)])

    def _split(self, tick: int, terminated: BoolArray, truncated: BoolArray) -> bool:
        ending = self._row("ending", tick)
        np.equal(ending, np.uint8(Ending.TERMINATED), terminated)
        np.equal(ending, np.uint8(Ending.TRUNCATED), truncated)
        both = np.flatnonzero(terminated)
        truncated[both] = self._steps(tick, both) >= self.limit
        return bool(terminated.any() or truncated.any())

    def outcome(
        self,
        tick: int,
        obs: Float32Array,
        reward: Float64Array,
        terminated: BoolArray,
        truncated: BoolArray,
    ) -> bool:
        """Write the result of `tick`; return whether an episode ended.

        obs: [agents, obs_dim] float32. reward: [agents] float64. terminated, truncated: [agents] bool.
        """
        self.observations(tick, obs)
        reward[:] = self._row("reward", tick)
        return self._split(tick, terminated, truncated)

    def observations(self, tick: int, obs: Float32Array) -> None:
        """Write the observations at `tick` to `obs`, [agents, obs_dim] float32."""
        for variable, row in enumerate(self.obs[tick % len(self.obs)]):
            obs[:, variable] = row  # five times faster than letting NumPy transpose

    def _row(self, name: str, tick: int) -> NDArray[Any]:
        rows = self.arena[name]
        row: NDArray[Any] = rows[tick % len(rows)]
        return row

    def _steps(self, tick: int, who: NDArray[np.intp]) -> NDArray[np.uint32]:
        return np.uint32(tick & 0xFFFFFFFF) - self.arena["episode_start"][who]
