"""Steps vectorised environments of Gymnasium: one object for all agents of a slice."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.rng import Stream, philox4x32
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import Ending
from valuescape.sim.stepping.stepper import Policy, Row, Rules, Stepper
from valuescape.sim.worlds import World
from valuescape.sim.worlds.gym_results import ResultError, observed_at_reset
from valuescape.sim.worlds.gym_vector import Autoreset, BatchStep, autoreset_of, batch_stepped
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld


class GymVectorStepper(Stepper):
    """Steps all agents of a slice by one object, which has as many environments.

    The object draws for all of them from generators of its own, seeded once by (seed, first agent), so a run
    depends on its division into slices. It cannot be brought to a state: after a worker died, or where ticks
    do not follow each other, the environments begin anew, and the episodes that were running are cut off.

    Rows are those of NEXT_STEP. An environment that begins again in the step in which its episode ended
    (SAME_STEP), or when it is asked to (DISABLED), has made its first step when the new episode is shown for
    the first time: that row has the state after the step, and its reward counts in the episode's return.
    """

    def __init__(self, arena: Arena, part: slice, world: World, policy: Policy | None, rules: Rules) -> None:
        super().__init__(arena, part, world, policy, rules)
        assert isinstance(world, GymnasiumWorld)
        self._gym = world
        count = len(self.agent)
        self._env: Any = None
        self._mode = Autoreset.NEXT_STEP
        self._tick = -1  # that the environments are at
        self._anew = False  # whether they have begun anew in this tick
        self._begun = np.zeros((len(world.state), count), np.float32)
        self._ahead = np.zeros(count, np.bool_)  # at a start, while the row shows the episode before
        self._result = BatchStep(
            self._begun, self._begun, np.zeros(count, np.float32), self._ahead, self._ahead
        )
        self._first_step: BoolArray = np.zeros(count, np.bool_)

    def initialise(self, tick: int = 0) -> None:
        """Write `tick` with every agent at the start of its episode 0."""
        if len(self.agent):
            self._begin(tick)
            self._ahead, self._first_step = np.zeros((2, len(self.agent)), np.bool_)
            self._anew = False
            self._tick = tick
        super().initialise(tick)

    def step(self, tick: int) -> None:
        """Make tick + 1 from `tick`."""
        if len(self.agent) and self._tick != tick:
            self._begin(tick)
            self._anew = True
        super().step(tick)
        self._tick = tick + 1

    def _begin(self, tick: int) -> None:
        """Reset all environments; their starts follow from seed, first agent and tick."""
        count = len(self.agent)
        if self._env is None:
            self._env = self._gym.making.vector_env(count)
            self._mode = autoreset_of(self._env)
        word = np.uint64(Stream.RESET) << np.uint64(16)
        words = philox4x32((self.agent[:1], np.uint64(tick), 0, word), self.seed)
        self._begun = observed_at_reset(self._env.reset(seed=int(words[0, 0] >> 2)), self._read).copy()

    def _read(self, method: str, raw: Any) -> Float32Array:
        return self._gym.observed.states(method, raw, len(self.agent))

    def _act(self, now: Row, action: NDArray[Any], tick: int) -> None:
        """Write the policy's actions, of agents that are ahead for the state in which they are."""
        if self._ahead.any():
            now = replace(now, state=np.where(self._ahead, self._begun, now.state))
        super()._act(now, action, tick)

    def _advance(self, now: Row, following: Row, action: NDArray[Any], tick: int) -> None:
        """Step the environments; where they have begun anew, cut off the episodes that are running."""
        ended = now.ending != Ending.RUNNING
        self._first_step = self._ahead & ended
        if self._anew:
            none, never = np.zeros(len(ended), np.float32), np.zeros(len(ended), np.bool_)
            result = BatchStep(self._begun, now.state.copy(), none, never, ~ended)
            self._ahead, self._first_step, self._anew = ~ended, never, False
        else:
            result = self._stepped(action, tick + 1)
            self._ahead = result.over if self._mode is not Autoreset.NEXT_STEP else np.zeros_like(ended)
            self._begun = self._starts(result)
        following.state[:], following.reward[:] = result.last, result.reward
        self.terminated[:] = result.terminated
        self._result = result

    def _stepped(self, action: NDArray[Any], tick: int) -> BatchStep:
        try:
            returned = self._env.step(self._gym.acted.batch(action))
            return batch_stepped(returned, self._gym.observed, len(self.agent), self._mode)
        except ResultError as error:
            first, last = self.agent[0], self.agent[-1]
            raise ResultError(f"{self.world.name}: agents {first} to {last}, tick {tick}: {error}") from None

    def _starts(self, result: BatchStep) -> Float32Array:
        """Return the states of all environments after a step; those that wait to be asked begin again."""
        if self._mode is not Autoreset.DISABLED or not result.over.any():
            return result.state
        asked = {"reset_mask": result.over.copy()}
        return np.where(
            result.over, observed_at_reset(self._env.reset(options=asked), self._read), result.state
        )

    def _count(self, now: Row, following: Row, tick: int) -> None:
        """Add up the rewards, and write how the environments say that episodes end."""
        np.add(now.episode_return, following.reward, out=following.episode_return)
        cut = self._result.truncated * Ending.TRUNCATED
        following.ending[:] = np.where(self.terminated, Ending.TERMINATED, cut)
        step = np.uint32((tick + 1) & 0xFFFFFFFF) - self.episode_start
        on = (now.ending == Ending.RUNNING) & (following.ending == Ending.RUNNING)
        late = np.flatnonzero(on & (step >= self.world.max_episode_steps + 1))
        if len(late):
            raise ResultError(
                f"{self.world.name}: agent {self.agent[late[0]]}, tick {tick + 1}: its episode goes on after "
                f"{self.world.max_episode_steps} steps; a vectorised environment cuts episodes off by itself"
            )

    def _start_states(self, who: NDArray[np.intp], number: Any, out: Float32Array) -> None:
        """Write the states in which episodes are shown for the first time, [state_dim, len(who)]."""
        del number
        shown = np.where(self._first_step, self._result.last, self._begun)
        out[:] = shown[:, who]

    def _start_again(self, who: NDArray[np.intp], ended: int, began: int) -> None:
        """Start the next episodes; the first step of those that were ahead counts, and may be the last."""
        super()._start_again(who, ended, began)
        ahead = who[self._first_step[who]]
        row, result = self.row(began), self._result
        row.episode_return[ahead] = result.reward[ahead]
        cut = result.truncated[ahead] * Ending.TRUNCATED
        row.ending[ahead] = np.where(result.terminated[ahead], Ending.TERMINATED, cut)
