"""Gymnasium's action spaces: what agents of a world do, and the way to what an environment is given."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.worlds.base import (
    ActionSpace,
    Choices,
    ContinuousAction,
    DiscreteAction,
    MultiDiscreteAction,
    Variable,
)
from valuescape.sim.worlds.gym_spaces import OLD_GYM, UnfitSpaceError


class ActedSpace:
    """An action space as rows of numbers, and the way from those to what an environment's `step` takes.

    Raises UnfitSpaceError, with its name, for a space that agents cannot act in.
    """

    def __init__(self, space: Any) -> None:
        from gymnasium import spaces

        self._shape, self._dtype = space.shape or (), space.dtype
        self._single = False
        if isinstance(space, spaces.Discrete):
            self.action: ActionSpace = DiscreteAction(_counted(int(space.start), int(space.n)))
            self._made: Callable[[Float32Array], NDArray[Any]] = _shifted(np.array(int(space.start)))
            self._dtype, self._single = np.dtype(np.int64), True
        elif isinstance(space, spaces.MultiDiscrete):
            start = getattr(space, "start", np.zeros_like(space.nvec)).ravel()
            self.action = _choices(space.shape, start.tolist(), space.nvec.ravel().tolist())
            self._made = _shifted(start)
        elif isinstance(space, spaces.MultiBinary):
            count = int(np.prod(space.shape))
            self.action = _choices(space.shape, [0] * count, [2] * count)
            self._made = _shifted(np.zeros(count, np.int64))
        elif isinstance(space, spaces.Box):
            self.action = _continuous(space)
            self._made = _within(space)
        else:
            raise UnfitSpaceError(f"acts in {_shown(space)}", _expected(space))

    def one(self, action: Float32Array) -> Any:
        """Return an action [action_dim] as an environment takes it. Performance: 1 to 4 us."""
        if self._single:
            return int(self._made(action)[0])
        made = self._made(action).astype(self._dtype)
        return made if len(self._shape) == 1 else made.reshape(self._shape)

    def batch(self, action: Float32Array) -> NDArray[Any]:
        """Return actions [action_dim, n] as a vectorised environment takes them, [n, …]."""
        made = self._made(action.T).astype(self._dtype)
        return made[:, 0] if self._single else made.reshape(len(made), *self._shape)

    def rows(self, actions: Any) -> Any:
        """Return one action or several, [n, …], as one row or rows [n, action_dim]; others as they are."""
        shape = np.shape(actions)
        first = len(shape) - len(self._shape)
        fits = first in (0, 1) and shape[first:] == self._shape
        return np.reshape(actions, (*shape[:first], self.action.dim)) if fits else actions

    def middle(self) -> Any:
        """Return an action in the middle of the space, as an environment takes it."""
        if isinstance(self.action, ContinuousAction):
            return self.one(((self.action.low + self.action.high) / 2).astype(np.float32))
        return self.one(np.zeros(self.action.dim, np.float32))


def _shifted(start: NDArray[Any]) -> Callable[[Float32Array], NDArray[Any]]:
    """Return what makes the values of choices, counted from `start`, of their indices."""

    def made(index: Float32Array) -> NDArray[Any]:
        value: NDArray[Any] = index.astype(np.int64) + start
        return value

    return made


def _within(space: Any) -> Callable[[Float32Array], NDArray[Any]]:
    """Return what makes numbers of a Box of float32 numbers within its bounds, which may be finer."""
    low, high = space.low.ravel(), space.high.ravel()
    if space.dtype == np.float32:
        return lambda numbers: numbers
    rounds = space.dtype.kind in "iu"

    def made(numbers: Float32Array) -> NDArray[Any]:
        exact = numbers.astype(np.float64)
        return np.clip(np.rint(exact) if rounds else exact, low, high)

    return made


def _continuous(space: Any) -> ContinuousAction:
    if not space.is_bounded() or not (space.low < space.high).all():
        raise UnfitSpaceError(
            f"acts in a Box of shape {space.shape} without finite bounds",
            "low and high of every number, which random actions and exploration need: "
            "gymnasium.spaces.Box(-1, 1, …)",
        )
    bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
    named = zip(_names(space.shape), bounds, strict=True)
    return ContinuousAction(tuple(Variable(name, "", *ends) for name, ends in named))


def _choices(shape: tuple[int, ...], start: list[int], sizes: list[int]) -> MultiDiscreteAction:
    parts = zip(_names(shape), start, sizes, strict=True)
    return MultiDiscreteAction(tuple(Choices(name, _counted(first, size)) for name, first, size in parts))


def _counted(first: int, size: int) -> tuple[str, ...]:
    return tuple(str(first + index) for index in range(size))


def _names(shape: tuple[int, ...]) -> list[str]:
    return ["action" + "".join(f"[{i}]" for i in at) for at in np.ndindex(shape or (1,))]


def _shown(space: Any) -> str:
    return f"a {type(space).__name__}"


def _expected(space: Any) -> str:
    if any(each.__module__.partition(".")[0] == "gym" for each in type(space).__mro__):
        return f"gymnasium.spaces; {OLD_GYM}"
    return (
        "a bounded Box, Discrete, MultiDiscrete or MultiBinary; a gymnasium.ActionWrapper can flatten a Dict"
    )
