"""The scalers of observations, actions and rewards in a configuration of d3rlpy."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.checks import frozen
from valuescape.sim.policy.network import ObsNormalization, RewardNormalization

_STANDARD_EPSILON = 1e-3  # the default of d3rlpy's standard scalers
_NONE: dict[str, Any] = {"type": "none", "params": {}}


def obs_normalization(path: Path, params: Mapping[str, Any], size: int) -> ObsNormalization | None:
    """Return the scaler of `size` observations as a normalisation without a clip; None if there is none."""
    kind, values = _scaler(params, "observation_scaler")
    if kind == "none":
        return None
    if kind == "standard":
        mean, std = _vector(values["mean"]), _vector(values["std"]) + values.get("eps", _STANDARD_EPSILON)
    elif kind == "min_max":
        low, high = _vector(values["minimum"]), _vector(values["maximum"])
        mean, std = (high + low) / 2, (high - low) / 2
    elif kind == "pixel":
        mean, std = np.zeros(size), np.full(size, 255.0)
    else:
        raise _unknown(path, "observation_scaler", kind)
    return ObsNormalization(
        mean=frozen(path, "observation_scaler", mean),
        std=frozen(path, "observation_scaler", std),
        clip=math.inf,
    )


def action_bounds(
    path: Path, params: Mapping[str, Any], size: int
) -> tuple[Float32Array | None, Float32Array | None]:
    """Return the bounds that -1 and 1 of `size` actions stand for; None if actions are used as they are."""
    kind, values = _scaler(params, "action_scaler")
    if kind == "none":
        return None, None
    if kind != "min_max":
        raise _unknown(path, "action_scaler", kind)
    low, high = (_vector(values[end]) for end in ("minimum", "maximum"))
    if low.size != size or high.size != size:
        raise UsageError(f"{path}: has a scaler of {low.size} actions, expected {size}", "it is damaged")
    return frozen(path, "action_scaler.minimum", low), frozen(path, "action_scaler.maximum", high)


def reward_normalization(
    path: Path, params: Mapping[str, Any]
) -> tuple[RewardNormalization | None, tuple[str, ...]]:
    """Return the scaler of rewards as a division, and a remark if it also shifts them."""
    kind, values = _scaler(params, "reward_scaler")
    if kind == "none":
        return None, ()
    scale, shift, clip = _reward_scale(path, kind, values)
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"{path}: divides rewards by {scale}, expected more than 0", "it is damaged")
    gamma = float(params.get("gamma", 0.99))
    remarks: tuple[str, ...] = ()
    if shift:
        most = f", by up to {abs(shift) / (1 - gamma):.4g}" if gamma < 1 else ""
        remarks = (
            f"rewards were also shifted by {shift:.4g} in training (reward scaler {kind}): V(s) lies "
            f"{'above' if shift > 0 else 'below'} the returns{most}",
        )
    if clip == math.inf and scale == 1:
        return None, remarks
    return RewardNormalization(variance=scale**2, epsilon=0.0, clip=clip, gamma=gamma), remarks


def _reward_scale(path: Path, kind: str, values: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return (divisor, shift in the world's units, clip of divided rewards)."""
    factor = float(values.get("multiplier", 1.0))
    if kind == "multiply":
        return 1 / factor, 0.0, math.inf
    if kind == "clip":
        low, high = float(values["low"]), float(values["high"])
        return 1 / factor, 0.0, max(abs(low), abs(high)) * factor
    if kind == "return":
        return (float(values["return_max"]) - float(values["return_min"])) / factor, 0.0, math.inf
    if kind == "min_max":
        low, high = float(values["minimum"]), float(values["maximum"])
        return (high - low) / factor, -low, math.inf
    if kind == "standard":
        std = float(values["std"]) + float(values.get("eps", _STANDARD_EPSILON))
        return std / factor, -float(values["mean"]), math.inf
    if kind == "shift":
        before = not values.get("multiply_first", False)
        return 1 / factor, float(values["shift"]) / (1 if before else factor), math.inf
    raise _unknown(path, "reward_scaler", kind)


def _scaler(params: Mapping[str, Any], name: str) -> tuple[str, Mapping[str, Any]]:
    stated = params.get(name) or _NONE
    return str(stated["type"]), stated.get("params", {})


def _vector(values: Any) -> np.ndarray[Any, Any]:
    return np.atleast_1d(np.asarray(values, np.float64))


def _unknown(path: Path, name: str, kind: str) -> UsageError:
    return UsageError(f"{path}: has a {name} of type {kind!r}, which is not read", "read are those of d3rlpy")
