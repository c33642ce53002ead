"""Reads the statistics of observations and rewards in the pickle of Stable-Baselines3's VecNormalize."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.pickle_data import (
    MAX_BYTES,
    ForbiddenPickleError,
    Name,
    Record,
    read_pickle,
)
from valuescape.sim.policy.formats.pickled_numbers import array_of, is_numpy, number_of
from valuescape.sim.policy.network import ObsNormalization, RewardNormalization

_MODULES = {
    "stable_baselines3.common.vec_env.vec_normalize": {"VecNormalize"},
    "stable_baselines3.common.running_mean_std": {"RunningMeanStd"},
    "collections": {"OrderedDict", "deque"},
}
_PACKAGES = ("gym.spaces.", "gymnasium.spaces.", "numpy.random.")  # parts of spaces, which are not read
_HINT = "give the file that VecNormalize.save() wrote beside the model"


@dataclass(frozen=True, slots=True)
class Statistics:
    """The normalisation of observations and rewards by a VecNormalize."""

    obs: ObsNormalization | None
    """None if observations were not normalised."""
    reward: RewardNormalization | None
    """The normalisation of rewards with `norm_reward`; None if the file has no statistics of returns."""
    norm_reward: bool
    """As in the file. Training may have differed, since it is switched off for evaluation."""
    of_rewards: bool = True
    """Whether the file is of a kind that says how rewards were normalised."""


def read_statistics(path: Path) -> Statistics:
    """Return the statistics in a VecNormalize pickle; nothing in it is run or imported.

    Raises UsageError, naming the file and what it contains, if it has anything that VecNormalize does not
    save, or if neither observations nor rewards were normalised.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", _HINT)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return _statistics(path, _state(read_pickle(content, _admit), "VecNormalize"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check the path") from error
    except ForbiddenPickleError as error:
        raise UsageError(
            f"{path}: {error}; no VecNormalize needs that. Nothing of it was run", _HINT
        ) from error
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UsageError(f"{path}: is no VecNormalize of flat observations: {error}", _HINT) from error


def _admit(name: Name) -> bool:
    known = name.name in _MODULES.get(name.module, set())
    return known or is_numpy(name) or f"{name.module}.".startswith(_PACKAGES)


def _statistics(path: Path, state: dict[str, Any]) -> Statistics:
    keys = state.get("norm_obs_keys")
    if keys is not None:
        raise UsageError(
            f"{path}: normalises the observations' keys {keys!r:.60}; Valuescape reads flat observations",
            "a world of keyed observations is not supported",
        )
    obs = _obs_normalization(path, state) if state.get("norm_obs") is True else None
    reward = _reward_normalization(state) if "ret_rms" in state else None
    on = state.get("norm_reward") is True
    if obs is None and not on and reward is None:
        raise UsageError(
            f"{path}: norm_obs is {state.get('norm_obs')!r:.40}, and no rewards were normalised",
            "leave --vecnormalize out",
        )
    return Statistics(obs, reward, on)


def _obs_normalization(path: Path, state: dict[str, Any]) -> ObsNormalization:
    statistics = _state(state["obs_rms"], "RunningMeanStd")
    mean, variance = array_of(statistics["mean"]), array_of(statistics["var"])
    if mean.ndim != 1 or mean.shape != variance.shape or not (variance >= 0).all():
        raise ValueError(f"mean has shape {mean.shape}, var {variance.shape}")
    clip, epsilon = number_of(state["clip_obs"]), number_of(state["epsilon"])
    if not (clip > 0 and epsilon >= 0):
        raise ValueError(f"clip_obs is {clip}, epsilon {epsilon}")
    std = frozen(path, "obs_rms.var", np.sqrt(variance + epsilon))
    return ObsNormalization(frozen(path, "obs_rms.mean", mean), std, clip)


def _reward_normalization(state: dict[str, Any]) -> RewardNormalization:
    variance = number_of(_state(state["ret_rms"], "RunningMeanStd")["var"])
    epsilon, clip, gamma = (number_of(state[key]) for key in ("epsilon", "clip_reward", "gamma"))
    if not (0 <= variance < np.inf and epsilon >= 0 and clip > 0 and 0 <= gamma <= 1):
        raise ValueError(f"ret_rms.var is {variance}, epsilon {epsilon}, clip_reward {clip}, gamma {gamma}")
    return RewardNormalization(variance, epsilon, clip, gamma)


def _state(value: Any, expected: str) -> dict[str, Any]:
    if not isinstance(value, Record) or value.name.name != expected or not isinstance(value.state, dict):
        raise TypeError(f"found {type(value).__name__}, expected {expected}")
    return value.state
