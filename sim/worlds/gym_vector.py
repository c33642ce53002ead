"""Vectorised environments: how they begin episodes again, and what their `step` returns, checked.

Gymnasium's `VectorEnv` states in `metadata["autoreset_mode"]` when an episode that has ended begins again: in
the next step (NEXT_STEP), in the same step, with the last observation in the infos (SAME_STEP), or when it is
asked to (DISABLED).
"""

from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.worlds.gym_actions import ActedSpace
from valuescape.sim.worlds.gym_results import (
    NotANumberError,
    ResultError,
    described,
    five,
    observed_at_reset,
)
from valuescape.sim.worlds.gym_spaces import ObservedSpace
from valuescape.sim.worlds.gym_trial import require_shapes


class Autoreset(StrEnum):
    """When a vectorised environment begins an episode again, by Gymnasium's names."""

    NEXT_STEP = "NextStep"
    SAME_STEP = "SameStep"
    DISABLED = "Disabled"


class BatchStep(NamedTuple):
    """The result of one step of n environments.

    state: what they observe, [state_dim, n] float32; of SAME_STEP the next start where an episode ended.
    last: the same, but the last state of an episode that ended. reward: [n] float32. terminated, truncated:
    [n] bool.
    """

    state: Float32Array
    last: Float32Array
    reward: Float32Array
    terminated: BoolArray
    truncated: BoolArray

    @property
    def over(self) -> BoolArray:
        """Which episodes have ended, [n] bool."""
        return self.terminated | self.truncated


def autoreset_of(env: Any) -> Autoreset:
    """Return when a vectorised environment begins episodes again. Raises ResultError if it does not say."""
    found = (getattr(env, "metadata", None) or {}).get("autoreset_mode")
    try:
        return Autoreset(str(getattr(found, "value", found)))
    except ValueError:
        raise ResultError(
            f'metadata["autoreset_mode"] is {found!r}, expected gymnasium.vector.AutoresetMode.NEXT_STEP, '
            "SAME_STEP or DISABLED"
        ) from None


def batch_stepped(result: Any, observed: ObservedSpace, count: int, mode: Autoreset) -> BatchStep:
    """Return the result of a vectorised environment's `step`. Raises ResultError, naming the environment."""
    obs, reward, terminated, truncated, infos = five(result)
    rewards = _row("reward", reward, count, "fiub").astype(np.float32)
    bad = np.flatnonzero(np.isnan(rewards))
    if len(bad):
        raise NotANumberError(f"step returns NaN as reward of environment {bad[0]}")
    over = [
        _row(name, each, count, "biu").astype(np.bool_)
        for name, each in (("terminated", terminated), ("truncated", truncated))
    ]
    state = observed.states("step", obs, count).copy()  # an environment may use its arrays again
    last = state
    ended = np.flatnonzero(over[0] | over[1]).tolist()
    if mode is Autoreset.SAME_STEP and ended:
        last = state.copy()
        for index in ended:
            last[:, [index]] = observed.states("step", _last_of(infos, index))
    return BatchStep(state, last, rewards, *over)


def try_vector(env: Any, observed: ObservedSpace, acted: ActedSpace) -> None:
    """Reset and step a vectorised environment once. Raises ResultError for what no such may return."""
    mode, count = autoreset_of(env), int(env.num_envs)
    result = env.reset(seed=0)
    observed_at_reset(result, lambda method, raw: observed.states(method, raw, count))
    require_shapes("reset", env.single_observation_space, result[0], count)
    action = np.zeros((acted.action.dim, count), np.float32)
    result = env.step(acted.batch(action))
    batch_stepped(result, observed, count, mode)
    require_shapes("step", env.single_observation_space, result[0], count)


def _row(name: str, value: Any, count: int, kinds: str) -> NDArray[Any]:
    array = np.asarray(value)
    if array.shape != (count,) or array.dtype.kind not in kinds:
        found = f"{array.dtype} of shape {array.shape}"
        raise ResultError(
            f"step returns {found} as {name}, expected {count} values, one for each environment"
        )
    return array


def _last_of(infos: Any, index: int) -> Any:
    """Return the last observation of an episode of environment `index`, from the infos of SAME_STEP."""
    for name in ("final_obs", "final_observation"):
        if isinstance(infos, dict) and name in infos:
            return _part_of(infos[name], index)
    raise ResultError('step ends an episode by SAME_STEP, and its infos have no "final_obs"')


def _part_of(values: Any, index: int) -> Any:
    """Return one environment's part of infos, which hold a Dict as arrays by its keys."""
    if isinstance(values, dict):
        return {key: _part_of(each, index) for key, each in values.items()}
    try:
        return values[index]
    except (TypeError, IndexError, KeyError):
        raise ResultError(f"step's final_obs is {described(values)}, without environment {index}") from None
