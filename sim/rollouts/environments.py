"""Rollouts of Gymnasium's environments whose state can be set: one environment for each rollout that runs."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.rollouts.steps import Actor, Tally
from valuescape.sim.worlds.gym_making import closed
from valuescape.sim.worlds.gym_state import seed_chance
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld

_MOST, _FEWEST = 256, 16
_STEPS_AT_ONCE = 40_000
"""Steps of one piece of work: about half a second, for which Ctrl-C and a changing picture wait."""

_SWITCH_S = 0.0005
"""Seconds after which a thread that steps environments hands Python's lock over to one that waits. With the
usual 5 ms a loop that draws 120 to 180 frames a second alone came to 55 to 110, with these to 110 to 130."""

_place = threading.Lock()


class EnvironmentRollouts:
    """Makes rollouts by stepping environments in Python, without their time limit; one thread at a time.

    Performance (one core of a busy AMD EPYC, BLAS limited to one thread, CPU time): MountainCar-v0 makes
    85,000 steps a second under a 256-256 network, of which the network takes a seventh.
    """

    def __init__(
        self, world: GymnasiumWorld, checkpoint: Checkpoint | None, rules: RolloutRules, *, random: bool
    ) -> None:
        """Take a world whose environment can be put into states; `random` as `try_states_of` found it."""
        self._world, self._checkpoint, self._rules = world, checkpoint, rules
        self.random = random
        self.most = min(max(_STEPS_AT_ONCE // rules.max_steps, _FEWEST), _MOST)
        self._envs: list[Any] = []

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`.

        As `PlainRollouts.run`. An episode that the environment truncates by itself counts as cut.
        """
        with _one_at_a_time():
            for first in range(part.start, part.stop, self.most):
                self._run(states, out, slice(first, min(first + self.most, part.stop)), number)

    def close(self) -> None:
        """Close the environments, while no `run` is under way; a later one makes new ones."""
        left, self._envs = self._envs, []
        for env in left:
            closed(env)

    def _run(self, states: Float32Array, out: Rollouts, part: slice, number: int) -> None:
        tally = Tally(self._rules, out, part)
        actor = Actor(self._world.action, self._checkpoint, self._rules, len(tally.which))
        envs = self._put(states, tally.which, number)
        obs = np.empty((len(self._world.obs), len(envs)), np.float32)
        self._world.observe(states[:, part], obs)
        while envs:
            action, bonus = actor.act(obs, tally.which, number, tally.step)
            reward, terminated, truncated = self._step(envs, action, obs)
            on = tally.count(reward, bonus, terminated, truncated)
            if not on.all():
                envs, obs = [env for env, runs in zip(envs, on, strict=True) if runs], obs[:, on]

    def _put(self, states: Float32Array, which: NDArray[np.intp], number: int) -> list[Any]:
        """Return environments in the states that `which` counts."""
        while len(self._envs) < len(which):
            self._envs.append(self._world.making.env(time_limit=False))
            self._envs[-1].reset(seed=0)
        way = self._world.way
        for env, index in zip(self._envs, which.tolist(), strict=False):
            env.reset()
            way.write(env, states[:, index].astype(np.float64))
            if self.random:
                seed_chance(env, [self._rules.seed, index, number])
        return self._envs[: len(which)]

    def _step(
        self, envs: list[Any], action: Float32Array, obs: Float32Array
    ) -> tuple[Float64Array, BoolArray, BoolArray]:
        """Step environments by `action` [action_dim, n]; write what they observe to `obs` [obs_dim, n].

        Returns rewards, terminations and truncations, [n] each. One whose action is NaN ends with NaN.
        """
        reward = np.full(len(envs), np.nan)
        terminated = np.zeros(len(envs), np.bool_)
        truncated: BoolArray = np.any(np.isnan(action), axis=0, out=np.zeros(len(envs), np.bool_))
        chosen = self._world.acted.batch(np.nan_to_num(action))
        for index in np.flatnonzero(~truncated).tolist():
            seen, reward[index], terminated[index], truncated[index], _ = envs[index].step(chosen[index])
            obs[:, index] = self._world.obs_in(self._world.observed.states("step", seen))
        return reward, terminated, truncated


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for the one place in this process: threads that step Python's environments share one lock anyway.

    While it is held, threads that draw get Python's lock sooner.
    """
    with _place:
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            yield
        finally:
            sys.setswitchinterval(before)
