"""Rollouts in NumPy, of any world whose step is array code: the plain path beside `compiled`."""

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, sampling_of
from valuescape.sim.rng import Stream
from valuescape.sim.rollouts.rules import (
    NEGLIGIBLE_WEIGHT,
    RolloutEnd,
    RolloutRules,
    Rollouts,
)
from valuescape.sim.stepping.acting import clipped, explore, random_actions
from valuescape.sim.worlds.base import ArrayWorld


class PlainRollouts:
    """Makes rollouts in NumPy, a step of all that still run at a time."""

    def __init__(self, world: ArrayWorld, checkpoint: Checkpoint | None, rules: RolloutRules) -> None:
        self._world, self._checkpoint, self._rules = world, checkpoint, rules

    def run(self, states: Float32Array, out: Rollouts, part: slice, number: int = 0) -> None:
        """Make rollout `number` from each of `states` [state_dim, n] in `part`; write to those of `out`.

        number: which one of several from the same state; it keys the random numbers. A state's result is
        the same for any `part` that it is in.
        """
        rules, which = self._rules, np.arange(part.start, part.stop)
        policy = self._policy(len(which))
        state = states[:, part].astype(np.float32)
        value, total, weight = np.zeros(len(which)), np.zeros(len(which)), 1.0
        for step in range(1, rules.max_steps + 1):
            action, bonus = self._act(policy, state, which, number, step - 1)
            state, reward, terminated = self._step(state, action)
            value += weight * (reward + bonus)
            total += reward
            weight *= rules.gamma
            ends = np.where(terminated, RolloutEnd.TERMINATED, 0).astype(np.uint8)
            if step == rules.max_steps:
                ends[~terminated] = rules.limit_end
            elif weight < NEGLIGIBLE_WEIGHT:
                ends[~terminated] = RolloutEnd.CUT
            over = ends != 0
            at = which[over]
            out.value[at], out.total[at], out.steps[at] = value[over], total[over], step
            out.end[at], out.weight[at] = ends[over], weight
            which, state, value, total = which[~over], state[:, ~over], value[~over], total[~over]
            if not len(which):
                return

    def _policy(self, capacity: int) -> BatchPolicy | SampledPolicy | None:
        checkpoint, rules, space = self._checkpoint, self._rules, self._world.action
        if checkpoint is None:
            return None
        if rules.sampled and sampling_of(checkpoint) is not Sampling.NONE:
            return SampledPolicy(checkpoint, space, rules.seed, rules.alpha)
        return BatchPolicy(checkpoint, space, capacity)

    def _act(
        self,
        policy: BatchPolicy | SampledPolicy | None,
        state: Float32Array,
        which: NDArray[np.intp],
        number: int,
        step: int,
    ) -> tuple[Float32Array, Float32Array | float]:
        """Return actions [action_dim, n] and what they add to the rewards."""
        space, agents = self._world.action, which.astype(np.uint64)
        action = np.zeros((space.dim, len(which)), np.float32)
        key = self._rules.seed, Stream.EXPLORATION, agents, number + 1, step
        if policy is None:
            random_actions(space, key, action)
            return action, 0.0
        obs = np.empty((len(self._world.obs), len(which)), np.float32)
        self._world.observe(state, obs)
        if isinstance(policy, SampledPolicy):
            mean = step == 0 and policy.asks_of_actions
            action, _, bonus = policy.act(obs, agents, number + 1, step, mean=mean)
            return action, bonus
        policy.act(obs, action)
        if self._rules.exploration > 0:
            explore(space, self._rules.exploration, key, action)
        return clipped(space, action), 0.0

    def _step(
        self, state: Float32Array, action: Float32Array
    ) -> tuple[Float32Array, Float64Array, NDArray[np.bool_]]:
        n = state.shape[1]
        following, reward = np.empty_like(state), np.empty(n, np.float32)
        terminated = np.zeros(n, np.bool_)
        self._world.step(state, action, following, reward, terminated)
        return following, reward.astype(np.float64), terminated
