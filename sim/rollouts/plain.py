"""Rollouts in NumPy, of any world whose step is array code: the plain path beside `compiled`."""

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.conditions import Conditions, is_random
from valuescape.sim.rollouts.rules import CHUNK, RolloutRules, Rollouts
from valuescape.sim.rollouts.steps import Actor, Tally
from valuescape.sim.worlds.base import ArrayWorld


class PlainRollouts:
    """Makes rollouts in NumPy, a step of all that still run at a time."""

    most = CHUNK

    def __init__(self, world: ArrayWorld, checkpoint: Checkpoint | None, rules: RolloutRules) -> None:
        self._world, self._checkpoint, self._rules = world, checkpoint, rules
        self.random = is_random(world)

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`.

        number: which one of several from the same state; it keys the random numbers. A state's result is
        the same for any `part` that it is in.
        """
        tally = Tally(self._rules, out, part)
        actor = Actor(self._world.action, self._checkpoint, self._rules, len(tally.which))
        conditions = Conditions(self._world, self._rules.seed, tally.which, number)
        state = states[:, part].astype(np.float32)
        while len(tally.which):
            obs = np.empty((len(self._world.obs), len(tally.which)), np.float32)
            self._world.observe(state, obs)
            action, bonus = actor.act(obs, tally.which, number, tally.step)
            state, reward, terminated = conditions.step(state, action, tally.step)
            on = tally.count(reward.astype(np.float64), bonus, terminated)
            conditions.keep(on)
            state = state[:, on]

    def close(self) -> None:
        """Do nothing: nothing but memory is held."""
