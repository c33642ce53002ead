"""Everything that a world file of your own imports. Names, parameters and meanings here are stable.

A point that is pushed along a line, and is to stay in the middle:

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

`valuescape run demo --world-file line.py --set world.name=line --set policy.checkpoint=random` shows it;
`docs/worlds.md` says more. In their order, the names are the base classes of worlds, what describes them, and
the functions that an ElementwiseWorld may call. `ElementwiseWorld` and `World` document the attributes and
methods. Modules below `valuescape` other than this one may change at any time. Importing this one loads
neither torch nor OpenGL.
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

__all__ = [  # noqa: RUF022 (in the order in which a reader needs them)
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
