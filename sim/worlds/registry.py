"""Which worlds there are: those that come with the program, and those of files that the user named."""

import difflib

from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.acrobot import Acrobot
from valuescape.sim.worlds.base import World
from valuescape.sim.worlds.cartpole import CartPole
from valuescape.sim.worlds.differential_drive import DifferentialDrive
from valuescape.sim.worlds.flock.world import Flock
from valuescape.sim.worlds.mountain_car import MountainCar, MountainCarContinuous
from valuescape.sim.worlds.pendulum import Pendulum
from valuescape.sim.worlds.point_mass import PointMass

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
"""What is made without settings; worlds of the user's files are added."""

GYMNASIUM = "gymnasium:"
"""What the names of Gymnasium's environments begin with here."""


def world_names() -> list[str]:
    """Return the names that `make_world` knows, but for Gymnasium's."""
    return [*WORLDS, Flock.name]


def make_world(name: str, config: Config | None = None) -> World:
    """Return the world called `name`; worlds with settings of their own take them from `config`.

    `gymnasium:ID` is any environment of Gymnasium. Raises UsageError, with the nearest name, if there is
    none, or if it cannot be used.
    """
    if name.startswith(GYMNASIUM):
        from valuescape.sim.worlds.gymnasium_world import gymnasium_world

        return gymnasium_world(name.removeprefix(GYMNASIUM))
    if name == Flock.name:
        config = config or Config()
        return Flock(config.flock, config.agents.count)
    if name in WORLDS:
        return WORLDS[name]()
    known = world_names()
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known worlds: {', '.join(known)}"
    raise UsageError(f"world.name: {name!r} is unknown", hint)
