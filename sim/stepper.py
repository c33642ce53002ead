"""One tick of one slice of agents: observe, act, step, and start again whoever is done."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.arena import Arena
from sim.layout import Ending
from sim.rng import Stream, normal, uniform
from sim.worlds import ContinuousAction, DiscreteAction, World
from sim.worlds.base import Float32Array

ROW_ARRAYS = (
    "state",
    "action",
    "reward",
    "ending",
    "episode",
    "episode_step",
    "episode_return",
    "finished_return",
    "finished_length",
    "finished_count",
    "terminated_count",
)


class Policy(Protocol):
    """Whatever turns observations into actions, in the world's units."""

    def act(self, obs: Float32Array, out: Float32Array) -> None:
        """Write actions [action_dim, n] for observations [obs_dim, n]."""


@dataclass(frozen=True, slots=True)
class Row:
    """Views of one slice at one tick; names and dtypes as in `ArenaLayout.fields`, agents last."""

    state: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[Any]
    ending: NDArray[Any]
    episode: NDArray[Any]
    episode_step: NDArray[Any]
    episode_return: NDArray[Any]
    finished_return: NDArray[Any]
    finished_length: NDArray[Any]
    finished_count: NDArray[Any]
    terminated_count: NDArray[Any]


class Stepper:
    """Steps the agents of `part` from any complete tick to the next, in the arena, for one seed.

    Tick k+1 is computed from tick k and the counter-based random numbers alone, and written to other rows;
    so a step that was cut off can be made again, by another process, with the same result.
    The episode that ends in tick k shows its last state there; its agent starts again in tick k+1
    (Gymnasium's NEXT_STEP autoreset).
    """

    def __init__(
        self, arena: Arena, part: slice, world: World, policy: Policy | None, seed: int, exploration: float
    ) -> None:
        self.world = world
        self.policy = policy
        self.seed = seed
        self.exploration = np.float32(exploration)
        count = part.stop - part.start
        self.agent = np.arange(part.start, part.stop, dtype=np.uint64)
        self.rows = [
            Row(*(arena[name][index, ..., part] for name in ROW_ARRAYS))
            for index in range(arena.layout.state_rows)
        ]
        self.trail_position = arena["trail_position"][:, part]
        self.trail_strand = arena["trail_strand"][:, part]
        self.obs = np.empty((len(world.obs), count), np.float32)
        self.terminated = np.empty(count, np.bool_)

    def initialise(self) -> None:
        """Write tick 0: every agent at the start of its episode 0."""
        row = self.rows[0]
        for name in ROW_ARRAYS:
            getattr(row, name)[:] = 0
        draws = uniform(self.seed, Stream.RESET, self.agent, 0, 0, self.world.reset_draws)
        self.world.reset(draws, row.state)
        self._leave_trail(0, row, None)

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        now, following = (self.rows[(tick + ahead) % len(self.rows)] for ahead in (0, 1))
        self.world.observe(now.state, self.obs)
        self._act(now, following, tick)
        self.world.step(now.state, following.action, following.state, following.reward, self.terminated)
        self._count(now, following)
        ended = now.ending != Ending.RUNNING
        if ended.any():
            self._start_again(np.flatnonzero(ended), now, following)
        self._leave_trail(tick + 1, following, ended)

    def _act(self, now: Row, following: Row, tick: int) -> None:
        action = following.action
        if self.policy is None:
            self._random_action(now, tick, action)
            return
        self.policy.act(self.obs, action)
        if self.exploration > 0:
            self._explore(now, tick, action)

    def _random_action(self, now: Row, tick: int, action: NDArray[Any]) -> None:
        draws = uniform(self.seed, Stream.EXPLORATION, self.agent, now.episode, tick, action.shape[0])
        space = self.world.action
        if isinstance(space, ContinuousAction):
            low, high = space.low[:, None], space.high[:, None]
            action[:] = low + draws * (high - low)
        else:
            action[:] = _choice(draws, space)

    def _explore(self, now: Row, tick: int, action: NDArray[Any]) -> None:
        """Gaussian noise on continuous actions, epsilon-greedy on discrete ones."""
        key = (self.seed, Stream.EXPLORATION, self.agent, now.episode, tick)
        space = self.world.action
        if isinstance(space, ContinuousAction):
            low, high = space.low[:, None], space.high[:, None]
            action += normal(*key, space.dim) * (self.exploration * (high - low) / 2)
            np.clip(action, low, high, out=action)
        else:
            draws = uniform(*key, 2)
            np.copyto(action[0], _choice(draws[1], space), where=draws[0] < self.exploration)

    def _count(self, now: Row, following: Row) -> None:
        """Advance the episode's step and return, decide how it ends, and sum up those that did."""
        np.add(now.episode_step, 1, out=following.episode_step)
        np.add(now.episode_return, following.reward, out=following.episode_return)
        following.episode[:] = now.episode
        truncated = following.episode_step >= self.world.max_episode_steps
        following.ending[:] = np.where(self.terminated, Ending.TERMINATED, truncated * Ending.TRUNCATED)
        following.ending[now.ending != Ending.RUNNING] = Ending.RUNNING
        ends = following.ending != Ending.RUNNING
        np.add(now.finished_return, following.episode_return * ends, out=following.finished_return)
        np.add(now.finished_length, following.episode_step * ends, out=following.finished_length)
        np.add(now.finished_count, ends, out=following.finished_count, casting="unsafe")
        terminated = following.ending == Ending.TERMINATED
        np.add(now.terminated_count, terminated, out=following.terminated_count, casting="unsafe")

    def _start_again(self, who: NDArray[np.intp], now: Row, following: Row) -> None:
        """Put the agents `who` (indices into the slice) at the start of their next episode."""
        episode = now.episode[who] + np.uint32(1)
        draws = uniform(self.seed, Stream.RESET, self.agent[who], episode, 0, self.world.reset_draws)
        start = np.empty((len(self.world.state), len(who)), np.float32)
        self.world.reset(draws, start)
        following.state[:, who] = start
        following.episode[who] = episode
        following.episode_step[who] = 0
        for values in (following.episode_return, following.reward):
            values[who] = 0
        following.action[:, who] = 0

    def _leave_trail(self, tick: int, row: Row, ended: NDArray[np.bool_] | None) -> None:
        """Write the map position, and begin a new strand where an agent started again or crossed an edge."""
        rows = len(self.trail_position)
        position = self.trail_position[tick % rows]
        crossed = np.zeros(len(position), np.bool_)
        for axis in range(2):
            variable = self.world.state[axis]
            position[:, axis] = row.state[axis]
            if variable.periodic:
                span = np.float32(variable.high - variable.low)
                position[:, axis] -= np.floor((row.state[axis] - np.float32(variable.low)) / span) * span
                if ended is not None:
                    before = self.trail_position[(tick - 1) % rows, :, axis]
                    crossed |= np.abs(position[:, axis] - before) > span / 2
        if ended is None:
            self.trail_strand[tick % rows] = 0
        else:
            np.add(
                self.trail_strand[(tick - 1) % rows],
                ended | crossed,
                out=self.trail_strand[tick % rows],
                casting="unsafe",
            )


def _choice(draws: Float32Array, space: DiscreteAction) -> Float32Array:
    """Turn uniform draws into action indices."""
    index: Float32Array = np.floor(draws * np.float32(space.n))
    return index
