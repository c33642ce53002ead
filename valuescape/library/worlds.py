"""Worlds, as callers name them: by name, by Gymnasium's id, or by a class or function of their own."""

from collections.abc import Callable
from typing import Any, TypeAlias

from valuescape.envs.ids import WORLD_OF_ID
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.worlds import WORLDS, World, declare_environment, load_named
from valuescape.sim.worlds.files import declare_world
from valuescape.sim.worlds.gym_making import GYMNASIUM, is_environment
from valuescape.sim.worlds.own_environments import is_code

WorldSource: TypeAlias = str | World | type[World] | Callable[..., Any]
"""A world: its name, Gymnasium's id of it, a world's class or object, or what makes an environment."""


def world_name(world: WorldSource) -> str:
    """Return the name of a world; one of the caller's own is made known by it.

    "pendulum" and "Pendulum-v1" are this program's; "LunarLander-v3" and "gymnasium:LunarLander-v3" are
    Gymnasium's; "module:Class" imports the module. A class derived from `gymnasium.Env`, or a function that
    returns an environment, is a world, too. Raises UsageError if it is none of these.
    """
    if isinstance(world, str):
        return _named(world)
    if isinstance(world, World):
        return world.name
    if isinstance(world, type) and issubclass(world, World):
        if WORLDS.get(getattr(world, "name", "")) is not world:
            declare_world(world)
        return world.name
    if spec := getattr(world, "spec", None):
        return _of_spec(spec)
    if callable(world):
        return declare_environment(world)
    raise UsageError(
        f"world = {shown(world)}: expected a name, a class of valuescape.api's worlds, or of an environment"
    )


def _named(name: str) -> str:
    if name in WORLD_OF_ID:
        return WORLD_OF_ID[name]
    if is_environment(name) or name in WORLDS:
        return name
    if is_code(name):
        return load_named(name)
    _, version, number = name.rpartition("-v")
    return f"{GYMNASIUM}{name}" if version and number.isdigit() else name


def _of_spec(spec: Any) -> str:
    """Return the name of the world of an environment object, by what Gymnasium has registered it as."""
    if spec.kwargs or spec.additional_wrappers:
        raise UsageError(
            f"world: the environment {spec.id} was made with arguments or wrappers of its own",
            "pass a function that makes it: world=lambda: gymnasium.make(…)",
        )
    return _named(str(spec.id))
