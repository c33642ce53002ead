"""What callers state about a checkpoint because its file does not say it."""

import contextlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np

from valuescape.library.arguments import one_of, require_known
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.policy.formats.algorithms import algorithm_named
from valuescape.sim.policy.formats.given import Given, activation_named
from valuescape.sim.policy.network import Activation, ActorHead

Word = TypeVar("Word", bound=StrEnum)


class GivenOptions(TypedDict, total=False):
    """What `load` can be told about a file: what it lacks, as `valuescape inspect` says."""

    algorithm: str
    """"sac", "ppo", …"""
    activation: str
    """Between the layers of all networks: "tanh", "relu", …"""
    gamma: float
    """The discount of a step."""
    obs_normalization: str | os.PathLike[str]
    """A file with mean and var or std of observations: .pkl of VecNormalize, .npz, .json, .safetensors."""
    head: str
    """The meaning of the actor's outputs: "squashed", "clipped", "argmax", "multi_argmax"."""
    squash: bool
    """Whether the actor's means go through tanh, where a training script chooses that (Tianshou)."""
    max_action: float
    """The factor behind that tanh, where a training script chooses it (Tianshou)."""
    action_low: float | Sequence[float]
    """The actions' lower bounds in training; one number stands for all."""
    action_high: float | Sequence[float]
    """The upper bounds."""
    entropy_coefficient: float
    """The alpha of SAC and TQC."""
    choices: Sequence[int]
    """How many of the actor's scores are of each of several choices, one after the other."""
    reward_scale: float
    """What rewards were multiplied by in training."""
    names: str | os.PathLike[str]
    """A TOML file with the table `[map]`: which tensors are the actor, which the critic."""


def given_of(options: Mapping[str, Any]) -> Given:
    """Return what options state. Raises UsageError for an unknown one, or a value that does not fit."""
    require_known(options, GivenOptions, "load")
    stated = {name: _READERS[name](name, value) for name, value in options.items()}
    _require_bounds(stated.get("action_low"), stated.get("action_high"))
    return Given(**{name: value for name, value in stated.items() if value is not None})


def _word(kind: type[Word]) -> Any:
    def read(name: str, value: Any) -> Word | None:
        return None if value is None else kind(one_of(value, list(kind), name))

    return read


def _number(expected: str, fits: Callable[[float], bool]) -> Any:
    """Return a reader of finite numbers that `fits` accepts; expected: these numbers, in words."""

    def read(name: str, value: Any) -> float | None:
        if value is None:
            return None
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several numbers
            number = math.nan
        if not (math.isfinite(number) and fits(number)):
            raise UsageError(f"{name} = {shown(value)}: expected {expected}")
        return number

    return read


def _activation(name: str, value: Any) -> Activation | None:
    word: Activation | None = _word(Activation)(
        name, activation_named(value) if isinstance(value, str) else value
    )
    return word


def _numbers(name: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    with contextlib.suppress(TypeError, ValueError):
        numbers = np.atleast_1d(np.asarray(value, np.float64))
        if numbers.ndim == 1 and numbers.size and np.isfinite(numbers).all():
            return tuple(numbers.tolist())
    raise UsageError(f"{name} = {shown(value)}: expected a number, or one for each action")


def _sizes(name: str, value: Any) -> tuple[int, ...] | None:
    sizes = _numbers(name, value)
    if sizes is not None and not all(each >= 1 and each == int(each) for each in sizes):
        raise UsageError(f"{name} = {shown(value)}: expected a whole number above 0 for each choice")
    return None if sizes is None else tuple(int(each) for each in sizes)


def _path(name: str, value: Any) -> Path | None:
    if value is None:
        return None
    try:
        return Path(value).expanduser()
    except (TypeError, RuntimeError):
        raise UsageError(f"{name} = {shown(value)}: expected the name of a file") from None


def _algorithm(name: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value and algorithm_named(value)
    raise UsageError(f'{name} = {shown(value)}: expected a name, such as "ppo"')


def _truth(name: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise UsageError(f"{name} = {shown(value)}: expected True or False")


def _require_bounds(low: tuple[float, ...] | None, high: tuple[float, ...] | None) -> None:
    """Raise UsageError unless each lower bound is below its upper one, as far as both are stated."""
    if low is None or high is None:
        return
    one_each = len(low) == 1 or len(high) == 1 or len(low) == len(high)
    if not one_each or not bool((np.array(low) < np.array(high)).all()):
        said = f"action_low = {shown(low)}, action_high = {shown(high)}"
        raise UsageError(f"{said}: expected as many of both, each lower bound below its upper one")


_READERS = {
    "activation": _activation,
    "head": _word(ActorHead),
    "algorithm": _algorithm,
    "gamma": _number("a number from 0 to 1", lambda it: 0 <= it <= 1),
    "entropy_coefficient": _number("a number, 0 or more", lambda it: it >= 0),
    "reward_scale": _number("what rewards were multiplied by, 1e-9 to 1e6", lambda it: 1e-9 <= it <= 1e6),
    "max_action": _number("a number above 0", lambda it: it > 0),
    "squash": _truth,
    "choices": _sizes,
    "action_low": _numbers,
    "action_high": _numbers,
    "obs_normalization": _path,
    "names": _path,
}
