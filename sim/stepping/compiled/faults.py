"""Finds the system for which the compiler refuses a composed world, after it has refused the whole."""

from typing import Any

from numba import types
from numba.core.errors import NumbaError

from valuescape.sim.codegen.compiler import compiled_whole
from valuescape.sim.worlds.base import ElementwiseWorld
from valuescape.sim.worlds.systems.compose import systems_of
from valuescape.sim.worlds.systems.declared import System
from valuescape.sim.worlds.systems.elements import composed_dynamics


def faulty_system(world: ElementwiseWorld) -> System | None:
    """Return the first system of `world` with which it cannot be compiled; None if it is the world itself."""
    systems = systems_of(world)
    if not systems or not _compiles(world, ()):
        return None
    for count, system in enumerate(systems, 1):
        if not _compiles(world, systems[:count]):
            return system
    return None


def _compiles(world: Any, systems: tuple[System, ...]) -> bool:
    """Return whether the dynamics with `systems` compile, and return float32 numbers and a bool."""
    alone = world.inner
    memory = sum(len(each.memory) for each in systems)
    sizes = (
        len(alone.state) + memory,
        alone.action.dim,
        len(alone.parameters) + sum(len(each.parameters) for each in systems),
        alone.step_draws + sum(each.draws for each in systems),
    )
    signature = tuple(types.BaseTuple.from_types((types.float32,) * size) for size in sizes)
    dynamics: Any = compiled_whole(composed_dynamics(alone, systems))
    try:
        dynamics.compile(signature)
    except (NumbaError, TypeError):
        return False
    following, reward, terminated = dynamics.overloads[signature].signature.return_type
    return all(each == types.float32 for each in (*following, reward)) and terminated == types.boolean
