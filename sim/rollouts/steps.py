"""What rollouts in Python share: the choice of actions, and the sums over steps."""

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.policy.inference import BLOCK, BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, sampling_of
from valuescape.sim.rng import Stream
from valuescape.sim.rollouts.rules import NEGLIGIBLE_WEIGHT, RolloutEnd, RolloutRules, Rollouts
from valuescape.sim.stepping.acting import clipped, explore, random_actions
from valuescape.sim.worlds.base import ActionSpace


class Actor:
    """Chooses the actions of up to `capacity` rollouts. Not for use by two threads at once.

    checkpoint: None for uniformly random actions. A state's action is the same, bit by bit, whichever states
    are asked about with it: each has its own place in the blocks that `inference` evaluates.
    """

    def __init__(
        self, space: ActionSpace, checkpoint: Checkpoint | None, rules: RolloutRules, capacity: int
    ) -> None:
        self._space, self._rules = space, rules
        self._policy: BatchPolicy | SampledPolicy | None = None
        if checkpoint is None:
            return
        if rules.sampled and sampling_of(checkpoint) is not Sampling.NONE:
            self._policy = SampledPolicy(checkpoint, space, rules.seed, rules.alpha)
        else:
            self._policy = BatchPolicy(checkpoint, space, -(-capacity // BLOCK) * BLOCK)

    def act(
        self, obs: Float32Array, which: NDArray[np.intp], number: int, step: int
    ) -> tuple[Float32Array, Float32Array | float]:
        """Return actions [action_dim, n] for `obs` [obs_dim, n], and what they add to the rewards.

        which, number: the states' numbers [n] and the rollout's, which key the random numbers with `step`.
        The numbers are among `capacity` ones that follow each other.
        """
        space, policy, agents = self._space, self._policy, which.astype(np.uint64)
        key = self._rules.seed, Stream.EXPLORATION, agents, number + 1, step
        if policy is None:
            action = np.zeros((space.dim, len(which)), np.float32)
            random_actions(space, key, action)
            return action, 0.0
        at, width = _places(which)
        padded = np.zeros((len(obs), width), np.float32)
        padded[:, at] = obs
        if isinstance(policy, SampledPolicy):
            mean, placed = step == 0 and policy.asks_of_actions, np.zeros(width, np.uint64)
            placed[at] = agents
            action, _, bonus = policy.act(padded, placed, number + 1, step, mean=mean)
            return action[:, at], bonus[at]
        action = np.zeros((space.dim, width), np.float32)
        policy.act(padded, action)
        action = action[:, at]
        if self._rules.exploration > 0:
            explore(space, np.float32(self._rules.exploration), key, action)
        return clipped(space, action), 0.0


def _places(which: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """Return the columns [n] of states that are evaluated together, and the number of columns.

    A state whose number is r modulo BLOCK has column r of some block, for BLAS rounds by the column.
    Performance: 0.1 ms for 4,096 states, which a 64-64 network takes 2 ms for.
    """
    column = which % BLOCK
    order, counts = np.argsort(column, kind="stable"), np.bincount(column, minlength=BLOCK)
    block = np.empty_like(which)
    block[order] = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    return block * BLOCK + column, int(counts.max()) * BLOCK


class Tally:
    """Adds up the rollouts from the states in `part`, and writes those that end to `out`."""

    def __init__(self, rules: RolloutRules, out: Rollouts, part: slice) -> None:
        self._rules, self._out = rules, out
        self.which = np.arange(part.start, part.stop)
        """The numbers of the states whose rollouts still run."""
        self.step = 0
        """Steps made."""
        self._weight = 1.0
        self._value, self._total = np.zeros(len(self.which)), np.zeros(len(self.which))

    def count(
        self,
        reward: Float64Array,
        bonus: Float32Array | float,
        terminated: BoolArray,
        truncated: BoolArray | None = None,
    ) -> BoolArray:
        """Count a step of those that run, arrays [n]; return which of them go on.

        truncated: those that the environment cuts off by itself.
        """
        rules, out = self._rules, self._out
        self.step += 1
        self._value += self._weight * (reward + bonus)
        self._total += reward
        self._weight *= rules.gamma
        ends = np.zeros(len(reward), np.uint8)
        if self._weight < NEGLIGIBLE_WEIGHT:
            ends[:] = RolloutEnd.CUT
        if truncated is not None:
            ends[truncated] = RolloutEnd.CUT
        if self.step == rules.max_steps:
            ends[:] = rules.limit_end
        ends[terminated] = RolloutEnd.TERMINATED
        over: BoolArray = ends != 0
        at = self.which[over]
        out.value[at], out.total[at], out.steps[at] = self._value[over], self._total[over], self.step
        out.end[at], out.weight[at] = ends[over], self._weight
        self.which, self._value, self._total = self.which[~over], self._value[~over], self._total[~over]
        return ~over
