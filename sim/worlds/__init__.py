"""The worlds that agents live in, by name."""

import difflib

from sim.config import Config
from sim.errors import UsageError
from sim.worlds.acrobot import Acrobot
from sim.worlds.base import ActionSpace, ContinuousAction, DiscreteAction, ElementwiseWorld, Variable, World
from sim.worlds.cartpole import CartPole
from sim.worlds.differential_drive import DifferentialDrive
from sim.worlds.flock import Flock
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
    world.name: world
    for world in (
        PointMass,
        MountainCar,
        MountainCarContinuous,
        Pendulum,
        CartPole,
        Acrobot,
        DifferentialDrive,
    )
}


def make_world(name: str, config: Config | None = None) -> World:
    """Return the world called `name`; worlds with settings of their own take them from `config`.

    Raises UsageError, with the nearest name, if there is none.
    """
    if name == Flock.name:
        config = config or Config()
        return Flock(config.flock, config.agents.count)
    if name in WORLDS:
        return WORLDS[name]()
    known = [*WORLDS, Flock.name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known worlds: {', '.join(known)}"
    raise UsageError(f"world.name: {name!r} is unknown", hint)
