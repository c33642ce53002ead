"""Reads statistics of observations from files of any kind: VecNormalize's pickle, .npz, JSON, safetensors."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.formats.files import read_bounded, sound
from valuescape.sim.policy.formats.tensor_files import read_tensors
from valuescape.sim.policy.formats.vecnormalize import Statistics, read_statistics
from valuescape.sim.policy.network import ObsNormalization

_MAX_JSON = 2**22
_GYMNASIUM_EPSILON = 1e-8
_WORDS = {
    "mean": ("mean", "obs_mean", "running_mean", "_mean"),
    "var": ("var", "obs_var", "running_var", "variance", "_var"),
    "std": ("std", "obs_std", "_std"),
    "epsilon": ("epsilon", "eps"),
    "clip": ("clip", "clip_obs"),
}
_EXPECTED = "expected mean, var or std (one number for each observation), and perhaps epsilon and clip"


def read_normalization(path: Path) -> Statistics:
    """Return the statistics of observations in a file, read as data; VecNormalize's with those of rewards.

    Others have `mean`, and `std` or `var`, for which observations are divided by sqrt(var + epsilon), where
    epsilon is 1e-8 (Gymnasium's NormalizeObservation) if it is not there; and perhaps `clip`. The names may
    begin with a path, as in a state_dict (`obs_rms.mean`). Raises UsageError, naming the file.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", "name a file of statistics of observations")
    with sound(path), path.open("rb") as file:
        head = file.read(9)
    is_json = head.lstrip()[:1] in (b"{", b"[")
    if not (is_json or head.startswith(b"PK") or head[8:9] == b"{"):
        return read_statistics(path)
    with sound(path):
        values: dict[str, Any] = _json(path) if is_json else read_tensors(path)
        return Statistics(_normalization(path, values), reward=None, norm_reward=False, of_rewards=False)


def _json(path: Path) -> dict[str, Any]:
    values = json.loads(read_bounded(path, _MAX_JSON))
    if not isinstance(values, dict):
        raise UsageError(f"{path}: is a list", _EXPECTED)
    inner = [each for each in values.values() if isinstance(each, dict)]
    return inner[0] if len(inner) == 1 and "mean" not in values else values


def _normalization(path: Path, values: dict[str, Any]) -> ObsNormalization:
    found = {key: _named(path, values, words) for key, words in _WORDS.items()}
    mean, std = found["mean"], found["std"]
    epsilon = _GYMNASIUM_EPSILON if found["epsilon"] is None else found["epsilon"].item()
    _require_at_least_0(path, found)
    if std is None and found["var"] is not None:
        std = np.sqrt(found["var"] + epsilon)
    if mean is None or std is None:
        raise UsageError(f"{path}: has {', '.join(list(values)[:6]) or 'nothing'}", _EXPECTED)
    clip = np.inf if found["clip"] is None else found["clip"].item()
    return ObsNormalization(
        frozen(path, "mean", np.ravel(mean)), frozen(path, "std", np.ravel(std)), float(clip)
    )


def _require_at_least_0(path: Path, found: dict[str, Any]) -> None:
    for key in ("var", "std", "epsilon"):
        numbers = np.ravel([] if found[key] is None else found[key])
        bad = np.flatnonzero(numbers < 0)
        if len(bad):
            where = f"{key}[{bad[0]}]" if numbers.size > 1 else key
            raise UsageError(f"{path}: {where} is {numbers[bad[0]]:g}", "expected 0 or more")


def _named(path: Path, values: dict[str, Any], words: tuple[str, ...]) -> Any:
    """Return the array whose name, or the last part of it, is one of `words`; None without one."""
    names = [name for name in values if name in words] or [
        name for name in values if name.rpartition(".")[2] in words
    ]
    if len(names) > 1:
        raise UsageError(f"{path}: has {' and '.join(names[:3])}", f"{_EXPECTED}, once each")
    return np.asarray(values[names[0]], np.float64) if names else None
