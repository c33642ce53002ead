"""Checks the results of an environment's `reset` and `step`: users' own may return anything."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from valuescape.sim.arrays import Float32Array


class Stepped(NamedTuple):
    """The result of one step; state is [state_dim, 1] float32."""

    state: Float32Array
    reward: float
    terminated: bool
    truncated: bool


class ResultError(ValueError):
    """An environment returns something that Gymnasium does not allow."""


class NotANumberError(ResultError):
    """An environment returns NaN."""


Read = Callable[[str, Any], Float32Array]
"""Reads what a method, which it names in errors, observes: states [state_dim, n]. Raises ResultError."""


def observed_at_reset(result: Any, read: Read) -> Float32Array:
    """Return the state in `reset`'s (obs, info), [state_dim, n] float32. Raises ResultError."""
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        found = described(result)
        raise ResultError(f"reset returns {found}, expected (obs, info) with a dict of infos")
    return read("reset", result[0])


def stepped(result: Any, read: Read) -> Stepped:
    """Return `step`'s result, with the state [state_dim, 1] that it observes. Raises ResultError."""
    obs, reward, terminated, truncated, _ = five(result)
    number = float(_scalar("reward", reward, "fiub", "a number"))
    if np.isnan(number):
        raise NotANumberError("step returns NaN as reward")
    ends = (("terminated", terminated), ("truncated", truncated))
    over = (bool(_scalar(*each, "biu", "True or False")) for each in ends)
    return Stepped(read("step", obs), number, *over)


def five(result: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return what `step` returned if that is a tuple of five. Raises ResultError."""
    if not isinstance(result, tuple) or len(result) != 5:
        old = ": the old gym's way" if isinstance(result, tuple) and len(result) == 4 else ""
        raise ResultError(
            f"step returns {described(result)}{old}, expected (obs, reward, terminated, truncated, info)"
        )
    return result


def _scalar(name: str, value: Any, kinds: str, expected: str) -> Any:
    array = np.asarray(value)
    if array.shape or array.dtype.kind not in kinds:
        raise ResultError(f"step returns {described(value)} as {name}, expected {expected}")
    return value


def described(value: Any) -> str:
    """Return a value's kind in words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
