"""The world that a training run names: by name, Gymnasium's id, an environment, or what makes one."""

from typing import Any

from valuescape.envs.ids import WORLD_OF_ID
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import World, declare_environment, load_named, make_world
from valuescape.sim.worlds.gym_making import GYMNASIUM, is_environment
from valuescape.sim.worlds.own_environments import is_code

_DEEPEST = 64
"""The most wrappers around an environment that are looked through."""


def world_of(given: Any) -> World:
    """Return the world that is meant.

    given: the name of a world, the id of an environment of Gymnasium's, "module:Class"; an environment, also
    a vector of environments; or a class or function that makes one. Raises UsageError if it is not known, or
    cannot be shown.
    """
    if isinstance(given, World):
        return given
    if isinstance(given, str):
        return make_world(_name_of(given))
    if isinstance(given, type) or not hasattr(given, "step"):
        return make_world(declare_environment(given))
    return make_world(_name_of(id_of(given)))


def id_of(env: Any) -> str:
    """Return Gymnasium's id of an environment, or of the first in a vector. Raises UsageError without one."""
    found = env
    for _ in range(_DEEPEST):
        spec = getattr(found, "spec", None)
        name = getattr(spec, "id", None)
        if name:
            return str(name)
        own = getattr(found, "__dict__", {})
        if isinstance(own.get("world"), World):  # an environment of this program's
            return str(own["world"].name)
        several = own.get("envs")
        found = several[0] if several else own.get("venv") or own.get("env")
        if found is None:
            break
    raise UsageError(
        f"world: {type(env).__name__} does not say which environment it is",
        'state it, world="Pendulum-v1", or a class or function that makes one',
    )


def _name_of(given: str) -> str:
    if given in WORLD_OF_ID:
        return WORLD_OF_ID[given]
    if is_environment(given):
        return given
    if is_code(given):
        name: str = load_named(given)
        return name
    stem, _, version = given.rpartition("-v")
    return f"{GYMNASIUM}{given}" if stem and version.isdecimal() else given
