"""The rules of rollouts and their results: where an episode stops, and what its return is."""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Self, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float64Array

NEGLIGIBLE_WEIGHT = 1e-3
"""A rollout stops where its next reward would count less than this share (gamma ** t)."""

LONGEST = 100_000
"""Steps of a rollout at most, where neither gamma nor a time limit ends it sooner."""


CHUNK = 4096
"""States of one piece of a thread's work: a tenth of a second at most for a 64-64 network, compiled."""


class RolloutEnd(IntEnum):
    """Why a rollout stopped."""

    TERMINATED = 1  # the world ended the episode
    TIME_LIMIT = 2  # the world's max_episode_steps, where the rules keep it
    CUT = 3  # what follows counts less than NEGLIGIBLE_WEIGHT, or the environment stopped by itself


class Others(TypedDict, total=False):
    """Rules that have nothing to do with how far a rollout goes."""

    exploration: float
    seed: int
    sampled: bool
    alpha: float


@dataclass(frozen=True, slots=True)
class RolloutRules:
    """The rules of rollouts: discount, length, and the choice of actions.

    gamma: discount a step, from 0 to 1. max_steps: steps of a rollout at most. limit_end: the end that a
    rollout of max_steps has, TIME_LIMIT or CUT. exploration: as `policy.exploration`. seed: of the random
    numbers, which depend on (seed, a state's number, the rollout's number, the step) alone. sampled: whether
    actions are drawn as in training (`policy.sampling`). alpha: SAC's entropy coefficient; returns are then
    soft: from the second step on -alpha log pi(a | s) is added to each reward, as its critics predict. Where
    critics score actions the first one is the deterministic one, which they are asked about.
    """

    gamma: float
    max_steps: int
    limit_end: RolloutEnd
    exploration: float = 0.0
    seed: int = 0
    sampled: bool = False
    alpha: float = 0.0

    @classmethod
    def of(
        cls, gamma: float, max_episode_steps: int, *, time_limit: bool = False, **others: Unpack[Others]
    ) -> Self:
        """Return the rules for a world whose time limit is `max_episode_steps`.

        time_limit: keep the world's limit. Without it a critic that was trained with bootstrapping at the
        limit is compared with what it predicts, the return without one. With gamma = 1 the limit always
        holds: without discount and limit a return need not be finite. others: the other rules, by name.
        Raises ValueError for gamma outside 0 to 1.
        """
        if not 0 <= gamma <= 1:
            raise ValueError(f"gamma = {gamma}, expected 0 to 1")
        keeps = time_limit or gamma == 1
        far = horizon(gamma)
        if keeps and max_episode_steps <= far:
            return cls(gamma, max_episode_steps, RolloutEnd.TIME_LIMIT, **others)
        return cls(gamma, far, RolloutEnd.CUT, **others)


def horizon(gamma: float) -> int:
    """Return the number of steps after which a reward counts less than NEGLIGIBLE_WEIGHT; at most LONGEST."""
    if gamma == 0:
        return 1
    if gamma == 1:
        return LONGEST
    return min(math.ceil(math.log(NEGLIGIBLE_WEIGHT) / math.log(gamma)), LONGEST)


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The rollouts from n states, arrays of [n]."""

    value: Float64Array
    """Discounted returns, in units of the world's rewards."""
    total: Float64Array
    """Undiscounted returns."""
    steps: NDArray[np.int32]
    end: NDArray[np.uint8]
    """`RolloutEnd`; 0 where a rollout was not made."""
    weight: Float64Array
    """gamma ** steps: what the first reward left out would have counted."""

    @classmethod
    def empty(cls, n: int) -> Self:
        """Return the place for `n` rollouts, none of them made: NaN, 0 steps."""
        nan = np.full((3, n), np.nan)
        return cls(nan[0], nan[1], np.zeros(n, np.int32), np.zeros(n, np.uint8), nan[2])
