"""Worlds, as callers name them: by name, by Gymnasium's id, or by a class or function of their own."""

from collections.abc import Callable
from typing import Any, TypeAlias

from valuescape.publishing.worlds import changing_wrappers, world_of
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.worlds import WORLDS, World
from valuescape.sim.worlds.files import declare_world

WorldSource: TypeAlias = str | World | type[World] | Callable[..., Any]
"""A world: its name, Gymnasium's id of it, a world's class or object, or what makes an environment."""


def require_as_registered(spec: Any) -> None:
    """Raise UsageError if an environment steps otherwise than the one that its id alone makes.

    spec: its `gymnasium.envs.registration.EnvSpec`, which lists arguments and wrappers.
    """
    import gymnasium

    registered = gymnasium.registry.get(spec.id)
    before = registered.kwargs if registered else {}
    differs = {key for key in spec.kwargs.keys() | before.keys() if spec.kwargs.get(key) != before.get(key)}
    own = [*sorted(differs - {"render_mode"}), *changing_wrappers(spec)]
    if registered and spec.max_episode_steps != registered.max_episode_steps:
        own.append("max_episode_steps")
    if own:
        raise UsageError(
            f"world: the environment {spec.id} was made with its own {', '.join(own)}",
            "pass a function that makes it: world=lambda: gymnasium.make(…)",
        )


def world_name(world: WorldSource) -> str:
    """Return the name of a world; one of the caller's own is made known by it.

    "pendulum" and "Pendulum-v1" are this program's; "LunarLander-v3" and "gymnasium:LunarLander-v3" are
    Gymnasium's; "module:Class" imports the module. A class derived from `gymnasium.Env`, or a function that
    returns an environment, is a world, too, and so is an environment as Gymnasium made it. Raises UsageError
    if it is none of these.
    """
    if isinstance(world, type) and issubclass(world, World):
        if WORLDS.get(getattr(world, "name", "")) is not world:
            declare_world(world)
        return world.name
    spec = getattr(world, "spec", None)
    if spec is not None and not isinstance(world, type):
        require_as_registered(spec)
    known: object = world
    if not (isinstance(known, str | World) or callable(known) or hasattr(known, "step")):
        raise UsageError(f"world = {shown(world)}: expected a name, or a class of a world or an environment")
    return world_of(world).name
