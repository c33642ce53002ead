"""Tries an environment before a run: whether what it observes has the form that its space states.

Runs read numbers of any shape that has the right count, and of any size, since checks of each step would cost
more than small steps. So a wrong shape, and numbers outside a Box, are looked for here.
"""

import inspect
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.worlds.gym_actions import ActedSpace
from valuescape.sim.worlds.gym_results import ResultError, observed_at_reset, stepped
from valuescape.sim.worlds.gym_spaces import ObservedSpace, part_of, parts_of

_STEPS = 4
"""Steps at random, after one in the middle of the action space."""

_PATIENCE_S = 0.25
"""Seconds after which no further step is tried."""

_SLACK = 1e-5
"""The share of a bound by which a number may be beyond it, as after rounding."""


def try_single(env: Any, observed: ObservedSpace, acted: ActedSpace) -> tuple[str, ...]:
    """Reset an environment and make some steps; return remarks on numbers that are outside their Box.

    The steps are a few at random, fewer if they take long. Raises ResultError for a result that is not
    allowed, and whatever the environment raises.
    """
    space, give_up = env.observation_space, time.monotonic() + _PATIENCE_S
    result = env.reset(seed=0)
    observed_at_reset(result, observed.states)
    said = list(_beyond("reset", space, result[0]))
    env.action_space.seed(0)
    for trial in range(1 + _STEPS):
        result = env.step(env.action_space.sample() if trial else acted.middle())
        done = stepped(result, observed.states)
        said += _beyond("step", space, result[0])
        if done.terminated or done.truncated or time.monotonic() > give_up:
            break
    return tuple(said[:1])


def require_shapes(method: str, space: Any, obs: Any, count: int | None = None) -> None:
    """Raise ResultError unless all parts of an observation have their spaces' shapes.

    count: of a batch, whose parts have that many rows; None for one observation.
    """
    for path, name, part in parts_of(space):
        found = np.shape(part_of(method, obs, path))
        expected = tuple(part.shape or ()) if count is None else (count, *(part.shape or ()))
        if found != expected:
            where = "" if not path else f" as {name}"
            raise ResultError(
                f"{method} observes an array of shape {found}{where}, expected {expected}, as "
                "observation_space says"
            )


def _beyond(method: str, space: Any, obs: Any) -> Iterator[str]:
    """Yield a remark on the first number that is outside its Box; check the shapes before."""
    from gymnasium import spaces

    require_shapes(method, space, obs)
    for path, name, part in parts_of(space):
        if not isinstance(part, spaces.Box):
            continue
        numbers = np.asarray(part_of(method, obs, path), np.float64)
        slack = _SLACK * (1 + np.abs(np.nan_to_num(part.low, posinf=0, neginf=0)))
        bad = np.argwhere((numbers < part.low - slack) | (numbers > part.high + slack))
        if len(bad):
            at = tuple(bad[0])
            index = "" if numbers.size == 1 and path else "".join(f"[{each}]" for each in at)
            low, high = np.asarray(part.low)[at], np.asarray(part.high)[at]
            yield (
                f"{method} observes {name}{index} = {numbers[at]:.4g}, outside of {low:.4g} to {high:.4g} in "
                "observation_space: maps end there"
            )


def place_of_method(env: Any, name: str) -> str:
    """Return the file and line of an environment's own method: "my_env.py line 25"; "" if unknown."""
    try:
        code = inspect.unwrap(getattr(type(env.unwrapped), name)).__code__
    except AttributeError:
        return ""
    return f"{Path(code.co_filename).name} line {code.co_firstlineno}"
