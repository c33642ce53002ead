"""Checks the results of an environment's `reset` and `step`: users' own may return anything."""

from typing import Any, NamedTuple

import numpy as np

from valuescape.sim.arrays import Float32Array


class Stepped(NamedTuple):
    """The result of one step; obs is [obs_dim] float32."""

    obs: Float32Array
    reward: float
    terminated: bool
    truncated: bool


class ResultError(ValueError):
    """An environment returns something that Gymnasium does not allow."""


class NotANumberError(ResultError):
    """An environment returns NaN."""


def observed_at_reset(result: Any, size: int) -> Float32Array:
    """Return the observation in `reset`'s (obs, info), [size] float32. Raises ResultError."""
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
        found = _described(result)
        raise ResultError(f"reset returns {found}, expected (obs, info) with a dict of infos")
    return _observation("reset", result[0], size)


def stepped(result: Any, size: int) -> Stepped:
    """Return `step`'s result, with an observation of `size` numbers. Raises ResultError."""
    if not isinstance(result, tuple) or len(result) != 5:
        raise ResultError(
            f"step returns {_described(result)}, expected (obs, reward, terminated, truncated, info)"
        )
    obs, reward, terminated, truncated, _ = result
    number = float(_scalar("reward", reward, "fiub", "a number"))
    if np.isnan(number):
        raise NotANumberError("step returns NaN as reward")
    ends = (("terminated", terminated), ("truncated", truncated))
    over = (bool(_scalar(*each, "biu", "True or False")) for each in ends)
    return Stepped(_observation("step", obs, size), number, *over)


def _observation(method: str, obs: Any, size: int) -> Float32Array:
    try:
        with np.errstate(over="ignore"):
            flat: Float32Array = np.ravel(np.asarray(obs, np.float32))
    except (TypeError, ValueError):
        raise ResultError(f"{method} observes {_described(obs)}, expected {size} numbers") from None
    if len(flat) != size:
        raise ResultError(
            f"{method} observes {np.shape(obs)}, {len(flat)} numbers; observation_space has {size}"
        )
    bad = np.flatnonzero(np.isnan(flat))
    if len(bad):
        raise NotANumberError(f"{method} observes NaN: obs[{bad[0]}]")
    given = np.ravel(obs)
    bad = np.flatnonzero(np.isinf(flat) & np.isfinite(given))
    if len(bad):
        raise ResultError(f"{method} observes obs[{bad[0]}] = {given[bad[0]]}, too large for float32")
    return flat


def _scalar(name: str, value: Any, kinds: str, expected: str) -> Any:
    array = np.asarray(value)
    if array.shape or array.dtype.kind not in kinds:
        raise ResultError(f"step returns {_described(value)} as {name}, expected {expected}")
    return value


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"a {type(value).__name__}"
