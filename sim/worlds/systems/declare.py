"""The decorators that declare systems in the workers."""

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeVar

from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import PLUGINS, declare
from valuescape.sim.worlds.base import Parameter
from valuescape.sim.worlds.systems.declared import Memory, System, When

F = TypeVar("F", bound=Callable[[Any], Any])


def system(
    *,
    when: When,
    name: str = "",
    parameters: tuple[Parameter, ...] = (),
    memory: tuple[Memory, ...] = (),
    draws: int = 0,
    needs: Iterable[str] | str = (),
    worlds: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Declare a system that is written for one agent, like the dynamics of an ElementwiseWorld.

    It becomes a part of the world: compiled into the same loop, with the same bits in NumPy. The rules for
    its code are those of an ElementwiseWorld.

    when="before": the function takes a BeforeStep and returns the action that the world is given, a tuple of
    elements, which is clipped to the action's bounds; with `memory` it returns (action, memory).
    when="after": it takes an AfterStep and returns (next_state, reward, terminated); with `memory`
    (next_state, reward, terminated, memory). Every element is float32, `terminated` bool.

    name: by default the function's own. needs: names of plug-ins that come before it; without needs, systems
    run in the order of loading. worlds: names of the worlds that it works in; elsewhere it does nothing.
    Raises UsageError for values that `System` refuses, and for a name that is taken.
    """

    def declared(function: F) -> F:
        _require_function(function)
        made = System(name or function.__name__, when, function, False, parameters, memory, draws, worlds)
        declare(Kind.WORKER_SYSTEM, made.name, function, needs, made)
        return function

    return declared


def array_system(
    *,
    when: When,
    name: str = "",
    parameters: tuple[Parameter, ...] = (),
    memory: tuple[Memory, ...] = (),
    draws: int = 0,
    needs: Iterable[str] | str = (),
    worlds: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Declare a system in plain Python, which is called once a tick for all agents of a worker.

    The function takes a BeforeArrays or an AfterArrays, writes into those of its arrays that may be written,
    and returns nothing. The result for one agent must not depend on which other agents are in the call. The
    world then steps in NumPy, even if it could be compiled; docs/plugins.md has the figures.

    If the function raises, `plugins.on_error` decides whether the run ends or goes on without it. Everything
    else is as in `system`.
    """

    def declared(function: F) -> F:
        _require_function(function)
        made = System(name or function.__name__, when, function, True, parameters, memory, draws, worlds)
        declare(Kind.WORKER_SYSTEM, made.name, function, needs, made)
        return function

    return declared


def declared_systems() -> tuple[System, ...]:
    """Return the systems of this process's plug-ins, each after those that it needs."""
    return tuple(each.options for each in PLUGINS.of(Kind.WORKER_SYSTEM))


def _require_function(function: object) -> None:
    """Raise UsageError for anything but a function of one argument."""
    if not isinstance(function, FunctionType):
        raise UsageError(f"a system is declared by {function!r}", "expected a function: def wind(step): …")
    if function.__code__.co_argcount != 1:
        code = function.__code__
        raise UsageError(
            f"system {function.__name__} (line {code.co_firstlineno}): takes {code.co_argcount} arguments",
            f"expected one: def {function.__name__}(step): …",
        )
