"""One agent of a world as a Gymnasium environment, to train in."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from valuescape.sim.arrays import Float32Array
from valuescape.sim.stepping.acting import action_bounds
from valuescape.sim.worlds import ActionSpace, ArrayWorld, ContinuousAction, DiscreteAction
from valuescape.sim.worlds.base import full_step
from valuescape.sim.worlds.parameters import agents_values, middle_values, spread_bits


class WorldEnv(gymnasium.Env):  # type: ignore[misc]  # gymnasium is optional, so mypy does not follow it
    """One agent of `world`, in plain NumPy; it truncates after `max_episode_steps` by itself.

    The observation space is unbounded: a world's bounds are the window of its map, which an agent may leave.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (Gymnasium's own declaration)

    def __init__(self, world: ArrayWorld) -> None:
        self.world = world
        self.observation_space = spaces.Box(-np.inf, np.inf, (len(world.obs),), np.float32)
        self.action_space = gym_action_space(world.action)
        self._state = np.zeros((len(world.state), 1), np.float32)
        self._action = np.zeros((world.action.dim, 1), np.float32)
        self._reward = np.zeros(1, np.float32)
        self._terminated = np.zeros(1, np.bool_)
        self._step, self._parameters = full_step(world), middle_values(world.ranges)
        self._steps, self._bounds = 0, action_bounds(world.action)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Start an episode from draws of `np_random`; return obs, [obs_dim] float32, and no info.

        Parameters that are spread get new values, too, which stay for the episode.
        """
        super().reset(seed=seed)
        self._steps = 0
        draws = self.np_random.random((self.world.reset_draws, 1), dtype=np.float32)
        self.world.reset(draws, self._state)
        if spread_bits(self.world.ranges):
            seed = int(self.np_random.integers(2**63))
            self._parameters = agents_values(self.world.ranges, seed, [0])
        return self._observe(), {}

    def step(self, action: Float32Array | np.int64) -> tuple[Float32Array, float, bool, bool, dict[str, Any]]:
        """Advance one step by `action`, [action_dim] in the world's units, or the index of a discrete one."""
        self._action[:, 0] = np.clip(action, *self._bounds)
        following = np.empty_like(self._state)
        draws = self.np_random.random((self.world.step_draws, 1), dtype=np.float32)
        results = following, self._reward, self._terminated
        self._step(self._state, self._action, *results, self._parameters, draws)
        self._state = following
        self._steps += 1
        truncated = self._steps >= self.world.max_episode_steps
        return self._observe(), float(self._reward[0]), bool(self._terminated[0]), truncated, {}

    def _observe(self) -> Float32Array:
        obs = np.empty((len(self.world.obs), 1), np.float32)
        self.world.observe(self._state, obs)
        return obs[:, 0]


def gym_action_space(action: ActionSpace) -> spaces.Space:
    """Return Gymnasium's Box or Discrete for this action space."""
    if isinstance(action, ContinuousAction):
        return spaces.Box(action.low, action.high, dtype=np.float32)
    assert isinstance(action, DiscreteAction)  # no world that steps arrays has another
    return spaces.Discrete(action.n)
