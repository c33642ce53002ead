"""Observation statistics from the pickle in which Stable-Baselines3 keeps its VecNormalize."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UsageError
from sim.policy.checks import frozen
from sim.policy.network import ObsNormalization
from sim.policy.pickle_data import MAX_BYTES, ForbiddenPickleError, Name, Record, read_pickle

_MODULES = {
    "stable_baselines3.common.vec_env.vec_normalize": {"VecNormalize"},
    "stable_baselines3.common.running_mean_std": {"RunningMeanStd"},
    "numpy": {"ndarray", "dtype"},
    "numpy.dtypes": None,
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "collections": {"OrderedDict", "deque"},
}
_PACKAGES = ("gym.spaces.", "gymnasium.spaces.", "numpy.random.")  # what spaces are made of; never read
_HINT = "give the file that VecNormalize.save() wrote beside the model"


def read_vecnormalize(path: Path) -> ObsNormalization:
    """Return the observation statistics of a VecNormalize pickle; nothing in it is run or imported.

    Raises UsageError, naming file and what was found, if it holds anything but what VecNormalize saves, or
    if observations were not normalised.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        state = _state(read_pickle(content, _admit), "VecNormalize")
        if state.get("norm_obs") is not True:
            raise UsageError(f"{path}: norm_obs is {state.get('norm_obs')!r:.40}", "leave --vecnormalize out")
        return _normalization(path, state)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", "check the path") from error
    except ForbiddenPickleError as error:
        raise UsageError(
            f"{path}: {error}; no VecNormalize needs that. Nothing of it was run", _HINT
        ) from error
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{path}: is no VecNormalize of flat observations: {error}", _HINT) from error


def _admit(name: Name) -> bool:
    known = _MODULES.get(name.module, set())
    return known is None or name.name in known or f"{name.module}.".startswith(_PACKAGES)


def _normalization(path: Path, state: dict[str, Any]) -> ObsNormalization:
    statistics = _state(state["obs_rms"], "RunningMeanStd")
    mean, variance = _array(statistics["mean"]), _array(statistics["var"])
    if mean.ndim != 1 or mean.shape != variance.shape or not (variance >= 0).all():
        raise ValueError(f"mean has shape {mean.shape}, var {variance.shape}")
    clip, epsilon = float(state["clip_obs"]), float(state["epsilon"])
    if not (clip > 0 and epsilon >= 0):
        raise ValueError(f"clip_obs is {clip}, epsilon {epsilon}")
    std = frozen(path, "obs_rms.var", np.sqrt(variance + epsilon))
    return ObsNormalization(frozen(path, "obs_rms.mean", mean), std, clip)


def _state(value: Any, expected: str) -> dict[str, Any]:
    if not isinstance(value, Record) or value.name.name != expected or not isinstance(value.state, dict):
        raise TypeError(f"found {type(value).__name__}, expected {expected}")
    return value.state


def _array(value: Any) -> NDArray[np.float64]:
    """Make an array of the record of one: by protocols up to 4, or by protocol 5."""
    if isinstance(value, Record) and value.name.name == "_reconstruct":
        _version, shape, dtype, _is_fortran, content = value.state
    elif isinstance(value, Record) and value.name.name == "_frombuffer":
        content, dtype, shape, _order = value.args
    else:
        raise TypeError(f"found {type(value).__name__}, expected an array")
    flat = np.frombuffer(content, _float_dtype(dtype))
    return flat.reshape([int(size) for size in shape]).astype(np.float64)


def _float_dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, Record) or value.args[0] not in ("f4", "f8"):
        raise TypeError("found an array that is not of real numbers")
    order = value.state[1] if value.state else "<"
    return np.dtype(f"{'>' if order == '>' else '<'}{value.args[0]}")
