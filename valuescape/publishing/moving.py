"""What moves in training beside the weights: normalisation of observations and rewards, alpha, log std.

They come as arrays and numbers, or as the objects that training keeps them in.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.network import ObsNormalization, RewardNormalization, multiplied_rewards

_DEEPEST = 64
"""The most wrappers around an environment that are looked through."""


@dataclass(frozen=True, slots=True)
class Moving:
    """What `Publisher.update` was given beside the networks."""

    obs_normalization: Any = None
    reward_scale: Any = None
    log_std: Any = None
    alpha: Any = None

    @property
    def names(self) -> frozenset[str]:
        """The names of what was given."""
        return frozenset(each.name for each in fields(self) if getattr(self, each.name) is not None)


def host_array(values: Any) -> Float32Array:
    """Return numbers of any library as a float32 array on the host; aliases them where it can."""
    if hasattr(values, "detach"):
        values = values.detach()
        if values.device.type != "cpu":
            values = values.cpu()
        if values.dtype.itemsize < 4:  # NumPy has no bfloat16
            values = values.float()
        values = values.numpy()
    return np.asarray(values, np.float32)


def number_of(value: Any) -> float:
    """Return a number of any library as a float, as a tensor of one element."""
    return float(value.detach()) if hasattr(value, "detach") else float(value)


def numbers_of(given: Mapping[str, Any]) -> dict[str, float]:
    """Return numbers of any library as floats, without those that are None, such as a mean of no episodes."""
    return {name: number_of(value) for name, value in given.items() if value is not None}


def host_arrays(tensors: Sequence[Any]) -> list[Float32Array | None]:
    """Return `host_array` of each; None stays None. Tensors on other devices come over in one copy.

    That copy waits for the device, as every read of a device's numbers does.
    """
    away = [each for each in tensors if each is not None and _is_away(each)]
    if not away:
        return [None if each is None else host_array(each) for each in tensors]
    import torch

    flat = torch.cat([each.detach().reshape(-1).float() for each in away]).cpu().numpy()
    ends = np.cumsum([each.numel() for each in away])
    parts = iter(np.split(flat, ends[:-1]))
    return [
        None if each is None else next(parts).reshape(each.shape) if _is_away(each) else host_array(each)
        for each in tensors
    ]


def _is_away(value: Any) -> bool:
    return hasattr(value, "detach") and value.device.type != "cpu"


def obs_normalization(given: Any) -> ObsNormalization | None:
    """Return the normalisation of observations that was given.

    given: (mean, std) or (mean, std, clip), arrays [obs_dim]; an object with `obs_rms`, such as VecNormalize,
    Gymnasium's NormalizeObservation or an environment that wraps one; or (object, clip). None stays None.
    Raises UsageError for anything else.
    """
    if given is None:
        return None
    parts = list(given) if isinstance(given, tuple | list) else [given]
    clip = float(parts.pop()) if len(parts) > 1 and _is_number(parts[-1]) else math.inf
    if len(parts) == 2:
        mean, std = (np.array(host_array(each)).reshape(-1) for each in parts)
        return ObsNormalization(mean, std, clip)
    keeper = _keeper(parts[0], ("obs_rms",), "norm_obs")  # without norm_obs, VecNormalize has no obs_rms
    if getattr(keeper, "norm_obs", True) is False:
        return None
    mean, variance = keeper.obs_rms.mean, keeper.obs_rms.var
    std = np.sqrt(np.asarray(variance, np.float64).reshape(-1) + keeper.epsilon).astype(np.float32)
    return ObsNormalization(
        np.array(mean, np.float32).reshape(-1), std, min(clip, float(getattr(keeper, "clip_obs", math.inf)))
    )


def reward_normalization(given: Any, gamma: float) -> RewardNormalization | None:
    """Return the normalisation of rewards that was given.

    given: the number that rewards are multiplied by; or an object with statistics of returns: VecNormalize,
    Gymnasium's NormalizeReward, or an environment that wraps one. None stays None. Raises UsageError.
    """
    if given is None:
        return None
    if _is_number(given):
        return multiplied_rewards(float(given), gamma)
    keeper = _keeper(given, ("ret_rms", "return_rms"), "norm_reward")
    if getattr(keeper, "norm_reward", True) is False:
        return None
    statistics = getattr(keeper, "ret_rms", None) or keeper.return_rms
    clip = float(getattr(keeper, "clip_reward", math.inf))
    return RewardNormalization(float(statistics.var), float(keeper.epsilon), clip, float(keeper.gamma))


def _keeper(given: Any, names: tuple[str, ...], switch: str) -> Any:
    """Return the object that has one of the attributes, or a switch: `given`, or an environment inside it."""
    found = given
    for _ in range(_DEEPEST):
        own = getattr(found, "__dict__", {})  # not getattr: some wrappers pass names on to what they wrap
        if any(own.get(name) is not None for name in (*names, switch)):
            return found
        several = own.get("envs")
        if isinstance(several, list | tuple) and len(several) > 1:
            raise UsageError(
                f"each of {len(several)} environments keeps statistics of its own, and they differ",
                "normalise around the vector environment (gymnasium.wrappers.vector, VecNormalize)",
            )
        found = several[0] if several else own.get("env") or own.get("venv")
        if found is None:
            break
    raise UsageError(
        f"{type(given).__name__} has no {' or '.join(names)}, nor has an environment in it",
        "expected (mean, std), VecNormalize, or Gymnasium's NormalizeObservation; of rewards, their divisor",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number)
