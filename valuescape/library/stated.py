"""What callers state about a checkpoint because its file does not say it."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from valuescape.keywords import (
    GAMMA,
    Reader,
    activation,
    algorithm,
    number,
    numbers,
    path,
    read_stated,
    require_known,
    sizes,
    truth,
    word,
)
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.policy.formats.given import Given
from valuescape.sim.policy.network import ActorHead


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


class LoadOptions(GivenOptions, total=False):
    """What `load` can be told about a file, or about networks in memory."""

    critic_actions: str
    """The units of the actions that critics in memory take: "scaled" to [-1, 1], or "world"."""


def given_of(options: Mapping[str, Any]) -> Given:
    """Return what options state. Raises UsageError for an unknown one, or a value that does not fit."""
    require_known(options, GivenOptions, "load")
    stated = read_stated(options, _READERS)
    _require_bounds(stated.get("action_low"), stated.get("action_high"))
    return Given(**stated)


def _require_bounds(low: tuple[float, ...] | None, high: tuple[float, ...] | None) -> None:
    """Raise UsageError unless each lower bound is below its upper one, as far as both are stated."""
    if low is None or high is None:
        return
    one_each = len(low) == 1 or len(high) == 1 or len(low) == len(high)
    if not one_each or not bool((np.array(low) < np.array(high)).all()):
        said = f"action_low = {shown(low)}, action_high = {shown(high)}"
        raise UsageError(f"{said}: expected as many of both, each lower bound below its upper one")


_READERS: dict[str, Reader] = {
    "activation": activation,
    "head": word(ActorHead),
    "algorithm": algorithm,
    "gamma": GAMMA,
    "entropy_coefficient": number("a number, 0 or more", lambda it: it >= 0),
    "reward_scale": number("what rewards were multiplied by, 1e-9 to 1e6", lambda it: 1e-9 <= it <= 1e6),
    "max_action": number("a number above 0", lambda it: it > 0),
    "squash": truth,
    "choices": sizes,
    "action_low": numbers,
    "action_high": numbers,
    "obs_normalization": path,
    "names": path,
}
