"""The names that plug-ins and world files of your own import. Names and meanings here are stable.

`API_VERSION` (major, minor): the minor number goes up when names are added, the major one when a name that
was there changes its meaning or goes. A world as an example: a point that is pushed along a line and should
stay in the middle.

    import numpy as np

    from valuescape.api import ContinuousAction, ElementwiseWorld, Variable, absolute

    STEP, EDGE = np.float32(0.1), np.float32(1)


    class Line(ElementwiseWorld):
        name = "line"
        state = (Variable("position", "m", -1.0, 1.0), Variable("velocity", "m/s", -2.0, 2.0))
        obs = state
        action = ContinuousAction((Variable("force", "N", -1.0, 1.0),))
        step_s = 0.1
        max_episode_steps = 200
        reset_draws = 2

        @staticmethod
        def start(draws):
            return draws[0] - draws[1], draws[0] * np.float32(0)

        @staticmethod
        def dynamics(state, action):
            position, velocity = state
            velocity = velocity + STEP * action[0]
            position = position + STEP * velocity
            return (position, velocity), -absolute(position), absolute(position) > EDGE

`valuescape run demo --plugin line.py --set world.name=line --set policy.checkpoint=random` shows it;
`docs/worlds.md` says more. Plug-ins of other kinds are functions with a decorator of this module, which
`docs/plugins.md` describes. The names come in this order: worlds, systems in the workers, plug-ins of the
main process, checkpoint formats, and the functions that an ElementwiseWorld or a system may call. Classes
document their attributes and methods. All other modules of `valuescape` may change at any time. Importing
this one loads neither torch nor OpenGL.
"""

from valuescape.sim.elementwise import (
    Element,
    absolute,
    bits_float,
    clip,
    cos,
    float_bits,
    floor,
    log,
    maximum,
    minimum,
    sin,
    sqrt,
    symmetric,
    to_float,
    where,
    wrap_angle,
)
from valuescape.sim.insight.coloring import trail_coloring
from valuescape.sim.insight.map_states import MapStates
from valuescape.sim.insight.signals import SignalScale, SignalTick
from valuescape.sim.plugins.main_kinds import LayerLook, main_system, map_layer, panel, shader_layer
from valuescape.sim.plugins.run import Run, RunNumbers
from valuescape.sim.plugins.widgets import Panel
from valuescape.sim.policy.formats.plugged import checkpoint_format
from valuescape.sim.policy.network import (
    Activation,
    ActorHead,
    Checkpoint,
    CriticKind,
    Layer,
    Mlp,
    ObsNormalization,
)
from valuescape.sim.rng import normal_pair
from valuescape.sim.worlds.base import (
    ActionSpace,
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Termination,
    Variable,
    World,
)
from valuescape.sim.worlds.files import declare_world as world
from valuescape.sim.worlds.systems.declare import array_system, system
from valuescape.sim.worlds.systems.declared import AfterArrays, AfterStep, BeforeArrays, BeforeStep, Memory

API_VERSION = (1, 0)
"""Major and minor version of the names in this module."""

__all__ = [  # noqa: RUF022 (in the order in which a reader needs them)
    "API_VERSION",
    "ElementwiseWorld",
    "ArrayWorld",
    "World",
    "world",
    "Variable",
    "Parameter",
    "ContinuousAction",
    "DiscreteAction",
    "ActionSpace",
    "Termination",
    "system",
    "array_system",
    "BeforeStep",
    "AfterStep",
    "BeforeArrays",
    "AfterArrays",
    "Memory",
    "main_system",
    "Run",
    "RunNumbers",
    "panel",
    "Panel",
    "map_layer",
    "shader_layer",
    "LayerLook",
    "MapStates",
    "trail_coloring",
    "SignalScale",
    "SignalTick",
    "checkpoint_format",
    "Checkpoint",
    "Mlp",
    "Layer",
    "Activation",
    "ActorHead",
    "CriticKind",
    "ObsNormalization",
    "Element",
    "Elements",
    "where",
    "minimum",
    "maximum",
    "clip",
    "symmetric",
    "normal_pair",
    "absolute",
    "floor",
    "sqrt",
    "log",
    "sin",
    "cos",
    "wrap_angle",
    "to_float",
    "float_bits",
    "bits_float",
]
