"""Tries a world with a few agents in NumPy, before anything is compiled, and refuses faults.

Some faults would pass in silence, and mean different things to the plain path and to machine code.
"""

import dis
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim import elementwise
from valuescape.sim.arrays import Float32Array
from valuescape.sim.worlds import base
from valuescape.sim.worlds.base import (
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    ElementwiseWorld,
    Parameter,
    World,
    full_dynamics,
    full_step,
)

AGENTS = 8
"""Agents in a trial."""

SPLIT = 3
"""Size of the first of two parts, which are tried by themselves, too: the other part must not matter."""

_ELEMENTWISE = {"reset": "start", "step": "dynamics", "observe": "observation"}
"""The methods of an ElementwiseWorld in place of those of an ArrayWorld."""

_NO_BRANCHES = (
    "on an agent's numbers no if, and, or, not, max, min or a < b < c: use where(condition, a, b), &, | and "
    "maximum, minimum"
)
_HINTS = (
    (ValueError, "truth value of an array", _NO_BRANCHES),
    (ValueError, "read-only", "write x = x + y, not x += y: what a method is given must not change"),
    (IndexError, "out of", "is reset_draws, state or action too short for it?"),
    (ValueError, "values to unpack", "how many variables do reset_draws, state and action have?"),
    (
        TypeError,
        "scalar",
        "a number stands for many agents: take the functions of valuescape.api",
    ),
    (TypeError, "0-dimensional", "a number stands for many agents: take the functions of valuescape.api"),
)
"""Hints for common errors: the kind of exception, a part of its message, and the hint."""


class UnfitError(Exception):
    """A world fails its trial. The message says what is wrong, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class TrialError(Exception):
    """The method `name` of a world raises `error`; `hint` says what to do."""

    def __init__(self, name: str, error: Exception) -> None:
        super().__init__(name)
        self.name = name
        self.error = error
        self.hint = hint_for(error)


def try_world(world: World) -> None:
    """Try start, observation and one step with AGENTS agents. Raises UnfitError or TrialError."""
    if not isinstance(world, ArrayWorld):
        return
    draws = np.random.default_rng(12).random((world.reset_draws, AGENTS), np.float32)
    if isinstance(world, ElementwiseWorld):
        check_functions([world.start, world.dynamics, world.observation])
        _try_elements(world, draws)
    state = _frozen(_try_start(world, draws))
    _try_observing(world, state)
    _try_step(world, state, trial_actions(world), trial_parameters(world.parameters), _step_draws(world))


def _try_elements(world: ElementwiseWorld, draws: Float32Array) -> None:
    """Check the number, types and shapes of the elements that the static methods return."""
    names = [each.name for each in world.state]
    start = _call("start", world.start, tuple(_frozen(draws)))
    check_elements("start", start, names, "state")
    state = tuple(np.broadcast_to(each, AGENTS) for each in start)
    seen = _call("observation", world.observation, state)
    if seen is state and len(world.obs) != len(world.state):
        raise UnfitError(
            f"obs has {len(world.obs)} variables and state {len(world.state)}, but there is no observation",
            "write a static method observation(state), or obs = state",
        )
    check_elements("observation", seen, [each.name for each in world.obs], "obs")
    given = (
        tuple(_frozen(each))
        for each in (trial_actions(world), trial_parameters(world.parameters), _step_draws(world))
    )
    result = _call("dynamics", full_dynamics(world), state, *given)
    if not isinstance(result, tuple) or len(result) != 3:
        raise UnfitError(
            f"dynamics returns {described(result)}", "expected (state, reward, terminated), state a tuple"
        )
    following, reward, terminated = result
    check_elements("dynamics", following, names, "state")
    check_element("dynamics", "reward", reward, np.float32)
    check_element("dynamics", "terminated", terminated, np.bool_)


def check_elements(method: str, elements: Any, names: list[str], attribute: str) -> None:
    """Raise UnfitError unless `elements` has a float32 element for each of `names`, as `attribute` says."""
    if not isinstance(elements, tuple) or len(elements) != len(names):
        wanted = f"{len(names)} ({', '.join(names)}), as {attribute} says"
        raise UnfitError(f"{method} returns {described(elements)}", f"expected a tuple of {wanted}")
    for name, element in zip(names, elements, strict=True):
        check_element(method, name, element, np.float32)


def check_element(method: str, name: str, element: Any, kind: type) -> None:
    """Raise UnfitError unless `element` is of `kind`, and one number or AGENTS of them."""
    try:
        array = np.asarray(element)
    except ValueError:  # of unequal parts
        array = np.zeros(0, object)
    if array.dtype != kind:
        plain = isinstance(element, int | float) and not isinstance(element, np.generic)
        found = f"the Python number {element!r}" if plain else f"{array.dtype}"
        hint = "are all constants np.float32?" if kind is np.float32 else "expected what a comparison gives"
        raise UnfitError(f"{method} returns {name} as {found}, expected {np.dtype(kind)}", hint)
    if array.shape not in ((), (AGENTS,)):
        raise UnfitError(
            f"{method} returns {name} of shape {array.shape} for {AGENTS} agents",
            "expected one number for each: what is it made of?",
        )


def _try_start(world: ArrayWorld, draws: Float32Array) -> Float32Array:
    def start(draws: Float32Array) -> dict[str, NDArray[Any]]:
        out = np.full((len(world.state), draws.shape[1]), np.nan, np.float32)
        _call("reset", world.reset, draws, out)
        return {"state": out}

    return _try_call("reset", world, start, draws)["state"]


def _try_observing(world: ArrayWorld, state: Float32Array) -> None:
    if type(world).observe is World.observe and len(world.obs) != len(world.state):
        raise UnfitError(
            f"obs has {len(world.obs)} variables and state {len(world.state)}, but there is no observe",
            "write a method observe(self, state, out), or obs = state",
        )

    def observe(state: Float32Array) -> dict[str, NDArray[Any]]:
        out = np.full((len(world.obs), state.shape[1]), np.nan, np.float32)
        _call("observe", world.observe, state, out)
        return {"obs": out}

    _try_call("observe", world, observe, state)


def _try_step(world: ArrayWorld, *given: Float32Array) -> None:
    """given: state, action, parameters and draws."""

    def step(state: Float32Array, action: Float32Array, *more: Float32Array) -> dict[str, NDArray[Any]]:
        count = state.shape[1]
        found: list[NDArray[np.bool_]] = []
        for before in (False, True):  # a flag that keeps both is not written
            out, reward = np.full_like(state, np.nan), np.full(count, np.nan, np.float32)
            terminated = np.full(count, before)
            _call("step", full_step(world), state, action, out, reward, terminated, *more)
            found.append(terminated)
        if (found[0] != found[1]).any():
            raise UnfitError("step does not write terminated", "write terminated[:] = …, whether it is over")
        return {"state": out, "reward": reward[None], "terminated": terminated[None]}

    _try_call("step", world, step, *given)


def _try_call(
    method: str, world: ArrayWorld, call: Callable[..., dict[str, NDArray[Any]]], *arrays: Float32Array
) -> dict[str, NDArray[Any]]:
    """Return what `call` writes. It must be finite, and the same if the agents come in two parts."""
    method = _ELEMENTWISE[method] if isinstance(world, ElementwiseWorld) else method
    whole = call(*map(_frozen, arrays))
    halves = (slice(SPLIT), slice(SPLIT, None))
    parts = [call(*(_frozen(array[:, half].copy()) for array in arrays)) for half in halves]
    for name, array in whole.items():
        _check_finite(method, world, name, array)
        split = np.concatenate([part[name] for part in parts], axis=1)
        if not np.allclose(array, split, rtol=1e-4, atol=1e-6):
            raise UnfitError(
                f"{method}: what becomes of an agent depends on which others are in the call",
                "expected each agent's numbers to be made of its own alone",
            )
    return whole


def _check_finite(method: str, world: ArrayWorld, name: str, array: NDArray[Any]) -> None:
    variables = getattr(world, name, ())
    for row, values in enumerate(array):
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            shown = variables[row].name if variables else name
            raise UnfitError(
                f"{method} makes {shown} {values[bad[0]]} from finite numbers, or does not write it",
                "expected finite numbers for every agent",
            )


def _call(method: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    except Exception as error:
        raise TrialError(method, error) from error


def trial_actions(world: World) -> Float32Array:
    """Return actions from one end of the space to the other, [action_dim, AGENTS] float32."""
    space = world.action
    if isinstance(space, ContinuousAction):
        share = np.linspace(0, 1, AGENTS, dtype=np.float32)
        low, high = space.low[:, None], space.high[:, None]
        return np.clip(low + share * (high - low), low, high).astype(np.float32)
    assert isinstance(space, DiscreteAction)  # worlds of files have no other
    return (np.arange(AGENTS) % space.n).astype(np.float32)[None]


def trial_parameters(declared: Sequence[Parameter]) -> Float32Array:
    """Return parameters from the lowest that settings allow to the highest, [parameters, AGENTS] float32."""
    values = [np.linspace(each.low, each.high, AGENTS) for each in declared]
    return np.array(values, np.float32).reshape(len(values), AGENTS)


def _step_draws(world: World) -> Float32Array:
    return np.random.default_rng(13).random((world.step_draws, AGENTS), np.float32)


def _frozen(array: Float32Array) -> Float32Array:
    """Return a read-only view: a world that changes its arguments would change the tick before."""
    view = array.view()
    view.flags.writeable = False
    return view


def described(value: Any) -> str:
    """Return a few words on what a function returned."""
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"a {type(value).__name__}"


def hint_for(error: Exception) -> str:
    """Return what to do about a common error; "" for others."""
    said = str(error)
    for kind, part, hint in _HINTS:
        if isinstance(error, kind) and part in said:
            return hint
    return ""


def check_functions(functions: Sequence[Callable[..., Any]]) -> None:
    """Refuse the functions of NumPy that `sim.elementwise` has, too: compiled they differ, or fail."""
    pending: list[Any] = list(functions)
    for function in pending:  # the list grows
        if function.__module__ in (elementwise.__name__, base.__name__):
            continue
        names = function.__globals__
        line = 0
        for step, following in pairwise(dis.get_instructions(function)):
            line = step.starts_line or line
            value = names.get(step.argval) if step.opname == "LOAD_GLOBAL" else None
            if isinstance(value, FunctionType) and value not in pending:
                pending.append(value)
            name = str(following.argval)
            if value is np and hasattr(elementwise, name):
                raise UnfitError(
                    f"line {line}: np.{name} gives other bits compiled, or none",
                    f"use {name} of valuescape.api",
                )
