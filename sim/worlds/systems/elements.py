"""Composes element-wise systems into an ElementwiseWorld: one function for NumPy and for the compiler.

Each system is a closure around the dynamics before it. The compiler inlines the chain, so a tick is still one
loop. Keys of kept machine code contain closures, and so the systems' source.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from valuescape.sim.elementwise import Element, clip
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    full_dynamics,
)
from valuescape.sim.worlds.systems.declared import AfterStep, BeforeStep, System
from valuescape.sim.worlds.systems.places import Places, places_of

Dynamics = Callable[[Elements, Elements, Elements, Elements], Any]
"""The dynamics of a world: of state, action, parameters and draws."""


def composed_dynamics(world: ElementwiseWorld, systems: Sequence[System]) -> Dynamics:
    """Return the dynamics of `world` with `systems` around them, in their order.

    They take and return the state with all systems' memory behind the world's own variables.
    """
    own, *places = places_of(world, systems)
    placed = list(zip(systems, places, strict=True))
    dynamics = _alone(full_dynamics(world), own)
    for system, place in placed:
        if system.when == "after":
            dynamics = _with_after(dynamics, system, own.state.end, place)
    for system, place in reversed(placed):
        if system.when == "before":
            dynamics = _with_before(dynamics, system, clipping(world.action), own.state.end, place)
    return dynamics


def composed_start(world: ElementwiseWorld, systems: Sequence[System]) -> Callable[[Elements], Elements]:
    """Return the start of `world`, with the memory of `systems` at its start values behind it."""
    start = world.start
    memory = tuple(np.float32(each.start) for system in systems for each in system.memory)

    def start_with_memory(draws: Elements) -> Elements:
        return start(draws) + memory

    return start_with_memory


def composed_observation(world: ElementwiseWorld) -> Callable[[Elements], Elements]:
    """Return the observation of `world`, which sees its own variables alone."""
    observation, own = world.observation, len(world.state)

    def observe_own(state: Elements) -> Elements:
        return observation(state[:own])

    return observe_own


def clipping(space: ActionSpace) -> Callable[[Elements], Elements]:
    """Return the function that clips an action to the bounds of `space`; of a choice, to its indices."""
    if isinstance(space, ContinuousAction):
        bounds = list(zip(space.low, space.high, strict=True))
    else:
        assert isinstance(space, DiscreteAction)  # a world that is written element by element has no other
        bounds = [(np.float32(0), np.float32(space.n - 1))]
    clipped: Callable[[Elements], Elements] = _nothing
    for index, (low, high) in enumerate(bounds):
        clipped = _clipping_one_more(clipped, index, low, high)
    return clipped


def _nothing(action: Elements) -> Elements:
    return action[:0]


def _clipping_one_more(
    others: Callable[[Elements], Elements], index: int, low: np.float32, high: np.float32
) -> Callable[[Elements], Elements]:
    def clipped(action: Elements) -> Elements:
        return others(action) + (clip(action[index], low, high),)  # noqa: RUF005 (numba has no starred tuples)

    return clipped


def _alone(dynamics: Dynamics, own: Places) -> Dynamics:
    """Return `dynamics` of a state with memory, which passes through."""
    states, parameters_end, draws_end = own.state.end, own.parameters.end, own.draws.end

    def alone(state: Elements, action: Elements, parameters: Elements, draws: Elements) -> Any:
        following, reward, terminated = dynamics(
            state[:states], action, parameters[:parameters_end], draws[:draws_end]
        )
        return following + state[states:], reward, terminated

    return alone


def _with_before(
    dynamics: Dynamics, system: System, clipped: Callable[[Elements], Elements], own: int, at: Places
) -> Dynamics:
    change, cut = _remembering(system), _cutting(at)
    memory_at, memory_end = at.state.begin, at.state.end

    def with_before(state: Elements, action: Elements, parameters: Elements, draws: Elements) -> Any:
        given, remembered, drawn = cut(state, parameters, draws)
        changed, memory = change(BeforeStep(state[:own], action, given, remembered, drawn))
        state_after = state[:memory_at] + memory + state[memory_end:]
        return dynamics(state_after, clipped(changed), parameters, draws)

    return with_before


def _with_after(dynamics: Dynamics, system: System, own: int, at: Places) -> Dynamics:
    change, cut = _remembering(system), _cutting(at)
    memory_at, memory_end = at.state.begin, at.state.end

    def with_after(state: Elements, action: Elements, parameters: Elements, draws: Elements) -> Any:
        following, reward, terminated = dynamics(state, action, parameters, draws)
        given, remembered, drawn = cut(following, parameters, draws)
        changed, reward, terminated, memory = change(
            AfterStep(state[:own], action, following[:own], reward, terminated, given, remembered, drawn)
        )
        others, later = following[own:memory_at], following[memory_end:]
        return changed + others + memory + later, reward, terminated

    return with_after


def _cutting(at: Places) -> Callable[[Elements, Elements, Elements], tuple[Elements, Elements, Elements]]:
    """Return the function that cuts a system's parameters, memory and draws out of the world's rows."""
    memory_at, memory_end = at.state.begin, at.state.end
    parameters_at, parameters_end = at.parameters.begin, at.parameters.end
    draws_at, draws_end = at.draws.begin, at.draws.end

    def cut(state: Elements, parameters: Elements, draws: Elements) -> tuple[Elements, Elements, Elements]:
        return (
            parameters[parameters_at:parameters_end],
            state[memory_at:memory_end],
            draws[draws_at:draws_end],
        )

    return cut


def _remembering(system: System) -> Callable[[Any], Any]:
    """Return the function of a system, extended to return its memory, last, even if that is empty."""
    function = system.function
    if system.memory:
        return function

    def before(step: BeforeStep) -> tuple[Elements, Elements]:
        return function(step), ()

    def after(step: AfterStep) -> tuple[Elements, Element, Element, Elements]:
        following, reward, terminated = function(step)
        return following, reward, terminated, ()

    return before if system.when == "before" else after
