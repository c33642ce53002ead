"""The world that a training run names: by name, Gymnasium's id, an environment, or what makes one."""

from collections.abc import Mapping
from typing import Any

from valuescape.envs.ids import WORLD_OF_ID
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.worlds import World, declare_environment, load_named, make_world
from valuescape.sim.worlds.gym_making import GYMNASIUM, RESERVED, Making, is_environment
from valuescape.sim.worlds.own_environments import is_code

_DEEPEST = 64
"""The most wrappers around an environment that are looked through."""

_ONLY_WATCH = (
    *("HumanRendering", "Monitor", "RecordEpisodeStatistics", "RecordVideo", "RenderCollection"),
    *("Autoreset", "OrderEnforcing", "PassiveEnvChecker", "TimeLimit"),
    *("ClipAction", "DtypeObservation"),
)
"""Wrappers of Gymnasium's and Stable-Baselines3's that leave steps as they are, or as worlds make them."""

_VECTORS = ("DummyVecEnv", "SubprocVecEnv", "VecCheckNan", "VecMonitor", "VecNormalize", "VecVideoRecorder")
"""Vectors of Stable-Baselines3's that leave steps as they are; updates have what VecNormalize changes."""


def world_of(given: Any) -> World:
    """Return the world that is meant.

    given: the name of a world, the id of an environment of Gymnasium's, "module:Class"; an environment, also
    a vector of environments, or its `EnvSpec`, of which the world keeps the arguments and the time limit; or
    a class or function that makes one. Raises UsageError if it is not known, cannot be shown, or was made
    with arguments that no configuration can state.
    """
    if isinstance(given, World):
        return given
    if isinstance(given, str):
        return make_world(_name_of(given))
    if isinstance(given, type) or not (hasattr(given, "step") or _is_spec(given)):
        return make_world(declare_environment(given))
    spec = _spec_of(given)
    own = {} if isinstance(spec, World) else _own_settings(spec)
    if not own:
        return make_world(_name_of(id_of(given)))
    name = f"{GYMNASIUM}{spec.id}"  # a world of this program has no such arguments
    return make_world(name, changed(load_config(None), {"world.name": name, **own}))


def settings_of(world: World) -> dict[str, Any]:
    """Return the settings of the section `world` that an environment was made with, beside its name."""
    making: Making | None = getattr(world, "making", None)
    made = {"env": dict(making.kwargs), "max_episode_steps": making.limit} if making else {}
    return {key: value for key, value in made.items() if value}


def changing_wrappers(spec: Any) -> list[str]:
    """Return the names of an environment's wrappers that the one which its id alone makes does not have.

    spec: its `EnvSpec`. Those that leave observations, actions and rewards as they are do not count.
    """
    return [each.name for each in spec.additional_wrappers if each.name not in _ONLY_WATCH]


def changing_vectors(env: Any) -> list[str]:
    """Return the names of the wrappers around a VecEnv that change steps, as VecFrameStack does."""
    found = []
    for _ in range(_DEEPEST):
        if env is None:
            break
        found.append(type(env).__name__)
        env = getattr(env, "__dict__", {}).get("venv")
    return [each for each in found if each not in _VECTORS]


def id_of(env: Any) -> str:
    """Return Gymnasium's id of an environment, or of the first in a vector. Raises UsageError without one."""
    spec = _spec_of(env)
    return str(spec.name if isinstance(spec, World) else spec.id)


def _is_spec(given: Any) -> bool:
    return bool(getattr(given, "id", None)) and hasattr(given, "entry_point") and hasattr(given, "kwargs")


def _spec_of(env: Any) -> Any:
    """Return Gymnasium's `EnvSpec` of an environment, or the world of one of this program's.

    Of a vector that of its first environment. Raises UsageError if it has none.
    """
    found = env
    for _ in range(_DEEPEST):
        spec = found if _is_spec(found) else getattr(found, "spec", None)
        if getattr(spec, "id", None):
            return spec
        own = getattr(found, "__dict__", {})
        if isinstance(own.get("world"), World):  # an environment of this program's
            return own["world"]
        several = own.get("envs")
        found = several[0] if several else own.get("venv") or own.get("env")
        if found is None:
            break
    raise UsageError(
        f"world: {type(env).__name__} does not say which environment it is",
        'state it, world="Pendulum-v1", or a class or function that makes one',
    )


def _own_settings(spec: Any) -> dict[str, Any]:
    """Return the settings that make an environment as `spec` does, where its id alone makes another one."""
    import gymnasium

    registered = gymnasium.registry.get(spec.id)
    if registered is None:
        return {}
    before, passing = registered.kwargs, {*RESERVED, "render_mode"}
    own = {
        key: _plain(value, f"{spec.id} was made with {key}")
        for key, value in spec.kwargs.items()
        if key not in passing and not (key in before and _same(value, before[key]))
    }
    found: dict[str, Any] = {"world.env": own} if own else {}
    if spec.max_episode_steps and spec.max_episode_steps != registered.max_episode_steps:
        found["world.max_episode_steps"] = int(spec.max_episode_steps)
    return found


def _same(value: Any, other: Any) -> bool:
    try:
        return bool(value == other)
    except (TypeError, ValueError):  # arrays
        return False


def _plain(value: Any, where: str) -> Any:
    """Return a value as a configuration can have it. Raises UsageError, with `where`, if it cannot."""
    if hasattr(value, "tolist"):  # NumPy's
        value = value.tolist()
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each, where) for each in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(each, where) for key, each in value.items()}
    raise UsageError(
        f"world: {where} = {shown(value)}, which a viewer in another process cannot be told",
        'name a function of a module that makes it: world="my_module:make", or its id: the viewer makes that',
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
