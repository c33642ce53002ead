"""The worlds that agents live in, by name."""

import difflib

from sim.errors import UsageError
from sim.worlds.base import ActionSpace, ContinuousAction, DiscreteAction, ElementwiseWorld, Variable, World
from sim.worlds.mountain_car import MountainCar, MountainCarContinuous
from sim.worlds.pendulum import Pendulum
from sim.worlds.point_mass import PointMass

__all__ = [
    "WORLDS",
    "ActionSpace",
    "ContinuousAction",
    "DiscreteAction",
    "ElementwiseWorld",
    "Variable",
    "World",
    "make_world",
]

WORLDS: dict[str, type[World]] = {
    world.name: world for world in (PointMass, MountainCar, MountainCarContinuous, Pendulum)
}


def make_world(name: str) -> World:
    """Return the world called `name`. Raises UsageError, with the nearest name, if there is none."""
    if name in WORLDS:
        return WORLDS[name]()
    near = difflib.get_close_matches(name, WORLDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known worlds: {', '.join(WORLDS)}"
    raise UsageError(f"world.name: {name!r} is unknown", hint)
