"""Derives a class from a world whose steps are those of the world with systems around them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import ArrayWorld, ElementwiseWorld, World
from valuescape.sim.worlds.interacting import InteractingWorld
from valuescape.sim.worlds.systems.arrays import SystemsWorld
from valuescape.sim.worlds.systems.declared import System
from valuescape.sim.worlds.systems.elements import composed_dynamics, composed_observation, composed_start
from valuescape.sim.worlds.systems.trial import check_names, try_systems

_KEPT = (
    *("name", "source", "obs", "action", "step_s", "max_episode_steps", "reset_draws"),
    *("map_axes", "goal", "termination"),
)
"""Attributes of a world that systems leave as they are."""


def with_systems(world: World, systems: Sequence[System]) -> World:
    """Return `world` with those of `systems` that are for it, in their order; `world` itself if none is.

    An ElementwiseWorld with element-wise systems alone stays one, with the same bits in NumPy and compiled;
    any other world with systems steps in NumPy. Raises UsageError, with the system, file and line, if a
    system does not fit the world or fails its trial, or if the world's steps cannot be changed.
    """
    fitting = tuple(each for each in systems if not each.worlds or world.name in each.worlds)
    if not fitting:
        return world
    if not isinstance(world, ArrayWorld):
        raise UsageError(
            f"{fitting[0]} cannot work in world {world.name}: {_why_not(world)}",
            'name the worlds that the system is for: worlds=("point_mass",); or choose another world',
        )
    return _composed(type(world), fitting)()


def systems_of(world: World) -> tuple[System, ...]:
    """Return the systems that a world was made with, in their order."""
    systems: tuple[System, ...] = getattr(world, "systems", ())
    return systems


def _why_not(world: World) -> str:
    if isinstance(world, InteractingWorld):
        return "its agents see each other, and its step is one rule for all of them"
    return (
        "an environment of Gymnasium steps by itself, from a state of its own; "
        "change it with a gymnasium.Wrapper, and register that in a --world-file"
    )


@lru_cache(32)
def _composed(kind: type[ArrayWorld], systems: tuple[System, ...]) -> type[ArrayWorld]:
    """Return the class of worlds of `kind` with `systems`, which are tried once in each process."""
    world = kind()
    check_names(world, systems)
    try_systems(world, systems)
    memory = tuple(each for system in systems for each in system.memory)
    longer = {
        "state": world.state + memory,
        "parameters": world.parameters + tuple(each for system in systems for each in system.parameters),
        "step_draws": world.step_draws + sum(system.draws for system in systems),
        "map_slice": {**world.map_slice, **{each.name: each.start for each in memory}},
        "inner": world,
        "systems": systems,
        "__module__": kind.__module__,
        "__doc__": f"{kind.__name__} with {', '.join(system.name for system in systems)}.",
    }
    if isinstance(world, ElementwiseWorld) and not any(system.arrays for system in systems):
        return _of_elements(world, systems, longer)
    return _of_arrays(kind, systems, longer)


def _of_elements(
    world: ElementwiseWorld, systems: tuple[System, ...], attributes: dict[str, Any]
) -> type[ElementwiseWorld]:
    methods = {
        "start": staticmethod(composed_start(world, systems)),
        "dynamics": staticmethod(composed_dynamics(world, systems)),
        "observation": staticmethod(composed_observation(world)),
    }
    if len(attributes["state"]) == len(world.state):  # observes its state itself if the world does
        del methods["start"], methods["observation"]
    kind = type(world)
    return type(kind.__name__, (kind,), attributes | methods)


def _of_arrays(
    kind: type[ArrayWorld], systems: tuple[System, ...], attributes: dict[str, Any]
) -> type[SystemsWorld]:
    kept = {name: getattr(kind, name) for name in _KEPT if hasattr(kind, name)}

    def make(self: SystemsWorld) -> None:
        SystemsWorld.__init__(self, kind(), systems)

    return type(kind.__name__, (SystemsWorld,), attributes | kept | {"__init__": make})
