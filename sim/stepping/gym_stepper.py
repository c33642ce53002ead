"""Steps environments of Gymnasium: one object for each agent, restored after a worker died."""

import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.rng import Stream, philox4x32
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.episodes import episodes_at
from valuescape.sim.shared.layout import Ending
from valuescape.sim.stepping.stepper import Policy, Row, Rules, Stepper
from valuescape.sim.worlds import World
from valuescape.sim.worlds.gym_results import ResultError, Stepped, observed_at_reset, stepped
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld

_LOG_BYTES = 2**30
"""The most that the actions of all running episodes may take."""


def log_rows(world: World, agents: int) -> int:
    """Return how many ticks of actions the arena must keep: those of the longest episode, or 0.

    They restore environments, except vectorised ones. Raises UsageError if they would take more than a GiB.
    """
    if not isinstance(world, GymnasiumWorld) or world.making.is_vector:
        return 0
    size = 4 * world.max_episode_steps * world.action.dim * agents
    if size > _LOG_BYTES:
        raise UsageError(
            f"agents.count = {agents}: the actions of episodes of {world.max_episode_steps} steps "
            f"take {size / 2**30:.1f} GiB, expected 1 GiB at most",
            "lower agents.count",
        )
    return world.max_episode_steps


class GymStepper(Stepper):
    """Steps the environments of a slice, each seeded by (seed, agent, episode) at every start.

    An environment that is not at its agent's episode and step is brought there: reset from its seed and
    stepped with the episode's actions, which the arena keeps. So a new worker goes on where another died.
    """

    def __init__(self, arena: Arena, part: slice, world: World, policy: Policy | None, rules: Rules) -> None:
        super().__init__(arena, part, world, policy, rules)
        assert isinstance(world, GymnasiumWorld)
        self._gym = world
        self._log = arena["action_log"][..., part]
        count = len(self.agent)
        self._envs: list[Any] = [None] * count
        self._at = np.full((2, count), -1, np.int64)  # episode and step of each environment
        self._truncated = np.zeros(count, np.bool_)
        # A tick, or restoring all episodes, may take longer than a worker may go without a heartbeat.
        index = np.flatnonzero(arena["worker"]["pid"] == os.getpid())
        self._beat: Any = arena["worker"][index[0]] if len(index) else {}

    def _start_states(self, who: NDArray[np.intp], number: Any, out: Float32Array) -> None:
        """Reset the environments of agents `who`; write their states to `out`, [state_dim, len(who)]."""
        numbers = np.broadcast_to(np.asarray(number, np.int64), len(who))
        for column, (index, episode) in enumerate(zip(who, numbers, strict=True)):
            observed = self._reset(int(index), int(episode))
            out[:, column] = self._gym.state_in(self._envs[index], observed)

    def _advance(self, now: Row, following: Row, action: NDArray[Any], tick: int) -> None:
        """Step the environments whose episodes are running; the others keep their last state."""
        self._log[tick % len(self._log)] = action
        episodes = episodes_at(self.records, now.endings, tick)
        following.state[:] = now.state
        following.reward[:] = 0
        self.terminated[:] = self._truncated[:] = False
        for index in np.flatnonzero(now.ending == Ending.RUNNING).tolist():
            self._bring(index, int(episodes.number[index]), int(episodes.step[index]), tick)
            done = self._stepped(index, action[:, index], tick + 1)
            following.state[:, index] = self._gym.state_in(self._envs[index], done.state)
            following.reward[index] = done.reward
            self.terminated[index], self._truncated[index] = done.terminated, done.truncated

    def _count(self, now: Row, following: Row, tick: int) -> None:
        """Count as the base class does; an environment may also truncate an episode by itself."""
        super()._count(now, following, tick)
        following.ending[self._truncated & ~self.terminated] = Ending.TRUNCATED

    def _bring(self, index: int, episode: int, step: int, tick: int) -> None:
        """Bring environment `index` to `step` of `episode`, which is `tick`, if it is elsewhere."""
        if tuple(self._at[:, index]) == (episode, step):
            return
        self._reset(index, episode)
        for past in range(tick - step, tick):
            self._step(index, self._log[past % len(self._log), :, index])

    def _reset(self, index: int, episode: int) -> Float32Array:
        self._beat["heartbeat_ns"] = time.monotonic_ns()
        if self._envs[index] is None:
            self._envs[index] = self._gym.making.env()
        word = np.uint64(Stream.RESET) << np.uint64(16)
        words = philox4x32((self.agent[index], np.uint64(episode), 0, word), self.seed)
        result = self._envs[index].reset(seed=int(words[0, 0] >> 1))
        self._at[:, index] = episode, 0
        try:
            return observed_at_reset(result, self._gym.observed.states)
        except ResultError as error:
            raise self._named(error, index, f"start of episode {episode}") from None

    def _stepped(self, index: int, action: NDArray[Any], tick: int) -> Stepped:
        """Return the result of the step to `tick`. Raises ResultError, with agent and tick."""
        result = self._step(index, action)
        try:
            return stepped(result, self._gym.observed.states)
        except ResultError as error:
            raise self._named(error, index, f"tick {tick}") from None

    def _named(self, error: ResultError, index: int, when: str) -> ResultError:
        return ResultError(f"{self.world.name}: agent {self.agent[index]}, {when}: {error}")

    def _step(self, index: int, action: NDArray[Any]) -> Any:
        env = self._envs[index]
        self._beat["heartbeat_ns"] = time.monotonic_ns()
        self._at[1, index] += 1
        return env.step(self._gym.acted.one(action))
