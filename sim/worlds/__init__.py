"""The worlds that agents live in. Files of users' own import from `valuescape.api`."""

from valuescape.sim.worlds.base import (
    ActionSpace,
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    ElementwiseWorld,
    Variable,
    World,
)
from valuescape.sim.worlds.files import load_world_file
from valuescape.sim.worlds.own_environments import declare_environment, load_env_file, load_named
from valuescape.sim.worlds.registry import WORLDS, make_world, with_parameters

__all__ = [
    "WORLDS",
    "ActionSpace",
    "ArrayWorld",
    "ContinuousAction",
    "DiscreteAction",
    "ElementwiseWorld",
    "Variable",
    "World",
    "declare_environment",
    "load_env_file",
    "load_named",
    "load_world_file",
    "make_world",
    "with_parameters",
]
