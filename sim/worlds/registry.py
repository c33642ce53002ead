"""The worlds by name: those that come with the program, and those of files that the user named."""

import copy
import difflib
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.declarations import Declaration, Kind
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds.acrobot import Acrobot
from valuescape.sim.worlds.base import World
from valuescape.sim.worlds.cartpole import CartPole
from valuescape.sim.worlds.differential_drive import DifferentialDrive
from valuescape.sim.worlds.flock.world import Flock
from valuescape.sim.worlds.gym_making import Making, is_environment
from valuescape.sim.worlds.mountain_car import MountainCar, MountainCarContinuous
from valuescape.sim.worlds.parameters import given_ranges
from valuescape.sim.worlds.pendulum import Pendulum
from valuescape.sim.worlds.point_mass import PointMass
from valuescape.sim.worlds.systems.compose import with_systems
from valuescape.sim.worlds.systems.declare import declared_systems

WORLDS: dict[str, type[World]] = {}
"""The registered worlds by name, all of which are made without settings."""


def register(worlds: Iterable[type[World]], where: str) -> None:
    """Let `make_world` make `worlds`: all of them, or none if it raises.

    Raises UsageError, beginning with `where`, if one has the name of another; it names both classes.
    """
    known: dict[str, type[World]] = {Flock.name: Flock, **WORLDS}
    for world in worlds:
        if world.name in known:
            other = known[world.name]
            raise UsageError(
                f"{where}: class {world.__name__}: name = {world.name!r} is taken by {_described(other)}",
                "expected a name of its own",
            )
        known[world.name] = world
    WORLDS.update({name: world for name, world in known.items() if world is not Flock})


def _described(world: type[World]) -> str:
    return f"class {world.__name__} of {Path(file_of(world)).name}"


def file_of(world: type[World]) -> str:
    """Return the path of the file that defines a world; else, as in a notebook, its module's name."""
    try:
        return inspect.getfile(world)
    except (TypeError, OSError):
        return world.__module__


def _added(world: Declaration) -> None:
    """Register the world of a plug-in, unless its file did."""
    if WORLDS.get(world.name) is not world.function:
        register((cast(type[World], world.function),), world.where)


def _removed(world: Declaration) -> None:
    WORLDS.pop(world.name, None)


PLUGINS.hook(Kind.WORLD, _added, _removed)


register(
    (PointMass, MountainCar, MountainCarContinuous, Pendulum, CartPole, Acrobot, DifferentialDrive), __name__
)


def world_names() -> list[str]:
    """Return the names that `make_world` knows, except Gymnasium's."""
    return [*WORLDS, Flock.name]


def make_world(name: str, config: Config | None = None) -> World:
    """Return the world called `name`, with the systems of plug-ins around its steps.

    The flock takes its settings from `config`, and the others the values of their parameters. `gymnasium:ID`
    is any environment of Gymnasium; `module:Class` and classes of env files are those that were loaded
    (`sim.worlds.own_environments`). They take `world.env`, `world.max_episode_steps` and `world.vector`.
    Raises UsageError if there is no such world, with the nearest name, if it cannot be used, if a system does
    not fit it, or if it has no such parameters.
    """
    world = with_systems(_world_called(name, config), declared_systems())
    return with_parameters(world, config) if config and config.world.name == name else world


def with_parameters(world: World, config: Config) -> World:
    """Return another `world`, which is the same but for the values that `config` gives its parameters.

    Raises UsageError, as `make_world` does, if it has no such parameters.
    """
    other = copy.copy(world)
    other.values = given_ranges(world.parameters, config.world.parameters, config.world.name)
    return other


def _making(name: str, config: Config | None) -> Making:
    """Return how the environments of a world are made. config: says so if it has this world."""
    if config is None or config.world.name != name:
        return Making(name)
    world = config.world
    return Making(name, world.env, world.max_episode_steps, world.vector)


def is_vectorised(config: Config) -> bool:
    """Return whether one object steps all agents of a worker, so that runs depend on the number of workers.

    Raises UsageError if the world is code that the command line does not name.
    """
    name = config.world.name
    return (is_environment(name) or ":" in name) and _making(name, config).is_vector


def _require_plain(name: str, config: Config | None) -> None:
    """Raise UsageError if a configuration states about `name` what only environments have."""
    if config is None or config.world.name != name:
        return
    for key in ("env", "max_episode_steps", "vector"):
        if value := getattr(config.world, key):
            raise UsageError(
                f"world.{key} = {value!r}: is for environments of Gymnasium, and world {name} is none",
                "leave it out, or choose one: --world gymnasium:ID, --world module:Class, --env-file FILE.py",
            )


def _world_called(name: str, config: Config | None) -> World:
    if is_environment(name) or ":" in name:
        from valuescape.sim.worlds.gymnasium_world import gymnasium_world

        return gymnasium_world(_making(name, config))
    _require_plain(name, config)
    if name == Flock.name:
        config = config or Config()
        return Flock(config.flock, config.agents.count)
    if name in WORLDS:
        return WORLDS[name]()
    known = world_names()
    near = difflib.get_close_matches(name, known, n=1)
    known_here = f"known worlds: {', '.join(known)}; of your own: --env-file FILE.py or --world-file FILE.py"
    hint = f"did you mean {near[0]}?" if near else known_here
    raise UsageError(f"world.name: {name!r} is unknown", hint)
