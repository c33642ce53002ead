"""What callers state about a checkpoint because its file does not say it."""

import os
from collections.abc import Mapping, Sequence
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
    stated = {name: _READERS.get(name, _same)(name, value) for name, value in options.items()}
    return Given(**{name: value for name, value in stated.items() if value is not None})


def _word(kind: type[Word]) -> Any:
    def read(name: str, value: Any) -> Word | None:
        return None if value is None else kind(one_of(value, list(kind), name))

    return read


def _activation(name: str, value: Any) -> Activation | None:
    word: Activation | None = _word(Activation)(
        name, activation_named(value) if isinstance(value, str) else value
    )
    return word


def _algorithm(_: str, value: Any) -> Any:
    return algorithm_named(value) if isinstance(value, str) else value


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} = {shown(value)}: expected a number") from None


def _numbers(name: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        return tuple(np.atleast_1d(np.asarray(value, np.float64)).tolist())
    except (TypeError, ValueError):
        raise UsageError(f"{name} = {shown(value)}: expected a number, or one for each action") from None


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


def _same(_: str, value: Any) -> Any:
    return value


_READERS = {
    "activation": _activation,
    "algorithm": _algorithm,
    "head": _word(ActorHead),
    "gamma": _number,
    "entropy_coefficient": _number,
    "reward_scale": _number,
    "choices": _sizes,
    "action_low": _numbers,
    "action_high": _numbers,
    "obs_normalization": _path,
    "names": _path,
}
