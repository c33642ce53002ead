"""The arguments of a crowd's `reset`, checked: seeds, the environments to reset, and bounds of starts."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, IndexArray
from valuescape.sim.stepping.stepper import Stepper

Seed = int | Sequence[int | None] | None


@dataclass(frozen=True, slots=True)
class Range:
    """The two options by which Gymnasium's environment of a world bounds its starts.

    start(draws, first, second): returns states [state_dim, n] from uniform draws [reset_draws, n].
    """

    names: tuple[str, str]
    defaults: tuple[float, float]
    start: Callable[[Float32Array, float, float], NDArray[Any]]


def _everywhere(draws: Float32Array, low: float, high: float) -> NDArray[Any]:
    return low + (high - low) * draws


def _at_rest(draws: Float32Array, low: float, high: float) -> NDArray[Any]:
    return np.stack([low + (high - low) * draws[0], np.zeros_like(draws[0])])


def _around_zero(draws: Float32Array, x: float, y: float) -> NDArray[Any]:
    return (2 * draws[:2] - 1) * np.array([[x], [y]], np.float32)


RANGES = {
    "cartpole": Range(("low", "high"), (-0.05, 0.05), _everywhere),
    "acrobot": Range(("low", "high"), (-0.1, 0.1), _everywhere),
    "mountain_car": Range(("low", "high"), (-0.6, -0.4), _at_rest),
    "mountain_car_continuous": Range(("low", "high"), (-0.6, -0.4), _at_rest),
    "pendulum": Range(("x_init", "y_init"), (math.pi, 1.0), _around_zero),
}
"""The options of each world, by its name; other worlds have none."""


@dataclass(frozen=True, slots=True)
class Starts:
    """One `reset`, checked.

    mask: [num_envs] bool, the environments that reset; None for all. seed: one for all, or a list of one for
    each environment, in which None keeps an environment's own. within: the options' bounds, if they name any.
    """

    mask: BoolArray | None
    seed: int | list[int | None] | None
    within: tuple[Range, float, float] | None

    @classmethod
    def of(cls, seed: Any, options: dict[str, Any] | None, num_envs: int, world: str) -> "Starts":
        """Return the checked arguments of a `reset`. Raises ValueError or TypeError, naming the fault."""
        known = RANGES.get(world)
        names = ("reset_mask", *(known.names if known else ()))
        if unknown := (options or {}).keys() - set(names):
            raise ValueError(f"options {sorted(unknown)} are unknown; {world} has {', '.join(names)}")
        mask = _mask((options or {}).get("reset_mask"), num_envs)
        return cls(mask, _seeds(seed, num_envs), _within(known, options or {}))

    @property
    def all_by_one_seed(self) -> bool:
        """Whether all environments start as in a new crowd."""
        return self.mask is None and isinstance(self.seed, int)

    def who(self, num_envs: int) -> IndexArray:
        """Return the indices of the environments that reset."""
        return np.arange(num_envs) if self.mask is None else np.flatnonzero(self.mask)

    def apply(self, stepper: Stepper, tick: int, *, new: bool) -> None:
        """Start episodes of `stepper`, which has all agents, at `tick`.

        new: the agents are still at the starts of their first episodes, which then serve.
        """
        if self.all_by_one_seed:
            assert isinstance(self.seed, int)
            stepper.seed = self.seed
            stepper.initialise(tick)
        else:
            self._start_some(stepper, tick, new=new)
        if self.within is not None:
            limits, first, second = self.within
            who = self.who(len(stepper.agent))
            states = limits.start(stepper.draws_of(who, tick), first, second)
            stepper.place(who, tick, states.astype(np.float32))

    def _start_some(self, stepper: Stepper, tick: int, *, new: bool) -> None:
        who = self.who(len(stepper.agent))
        if isinstance(self.seed, int):
            stepper.begin(who, tick, self.seed, who)
            return
        if self.seed is not None:
            given = np.array([self.seed[env] is not None for env in who], np.bool_)
            seeds = np.array([self.seed[env] for env in who[given]], np.uint64)
            stepper.begin(who[given], tick, seeds, np.zeros(len(seeds), np.intp))
            who = who[~given]
        if not new and len(who):
            stepper.restart(who, tick)


def _seeds(seed: Any, num_envs: int) -> int | list[int | None] | None:
    if seed is None:
        return None
    if not isinstance(seed, list | tuple | np.ndarray) or np.ndim(seed) == 0:
        return _one_seed(seed)
    if len(seed) != num_envs:
        raise ValueError(
            f"seed: {len(seed)} seeds for {num_envs} environments; expected one, or one for each"
        )
    return [None if each is None else _one_seed(each) for each in seed]


def _one_seed(seed: Any) -> int:
    try:
        number = -1 if isinstance(seed, bool | np.bool_) else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**64:
        raise ValueError(
            f"seed={seed!r}: expected one number from 0 to 2**64 - 1, or a list of one for each environment"
        )
    return number


def _mask(mask: Any, num_envs: int) -> BoolArray | None:
    if mask is None:
        return None
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"reset_mask: expected a NumPy array of bool, got {mask!r}")
    if mask.shape != (num_envs,) or not mask.any():
        raise ValueError(f"reset_mask: expected shape ({num_envs},) with a True in it, got {mask!r}")
    return mask


def _within(known: Range | None, options: dict[str, Any]) -> tuple[Range, float, float] | None:
    if known is None or not options.keys() & set(known.names):
        return None
    values = []
    for name, default in zip(known.names, known.defaults, strict=True):
        try:
            value = float(options.get(name, default))
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(f"options: {name}={options[name]!r} is no number")
        values.append(value)
    first, second = values
    if known.names[0] == "low" and first > second:
        raise ValueError(f"options: low={first:g} is above high={second:g}")
    return known, first, second
