"""The world that a training run names: by this program's name, by Gymnasium's id, or by an environment."""

from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, World, make_world
from valuescape.sim.worlds.gymnasium_ids import WORLD_OF_ID
from valuescape.sim.worlds.registry import GYMNASIUM

_DEEPEST = 64
"""The most wrappers around an environment that are looked through."""


def world_of(given: Any) -> World:
    """Return the world that is meant.

    given: the name of a world, the id of an environment of Gymnasium's, or an environment, also a vector of
    environments. Raises UsageError if it is not known, or cannot be shown.
    """
    name = given if isinstance(given, str) else id_of(given)
    name = WORLD_OF_ID.get(name, name)
    if name in WORLDS or name.startswith(GYMNASIUM):
        return make_world(name)
    return make_world(f"{GYMNASIUM}{name}" if _is_id(name) else name)


def id_of(env: Any) -> str:
    """Return Gymnasium's id of an environment, or of the first in a vector. Raises UsageError without one."""
    found = env
    for _ in range(_DEEPEST):
        spec = getattr(found, "spec", None)
        name = getattr(spec, "id", None)
        if name:
            return str(name)
        own = getattr(found, "__dict__", {})
        several = own.get("envs")
        found = several[0] if several else own.get("venv") or own.get("env")
        if found is None:
            break
    raise UsageError(
        f"publish: {type(env).__name__} does not say which environment it is", 'state it: world="Pendulum-v1"'
    )


def _is_id(name: str) -> bool:
    """Return whether a name has the form of Gymnasium's: with a version, or in a namespace."""
    stem, _, version = name.rpartition("-v")
    return bool(stem) and version.isdecimal()
