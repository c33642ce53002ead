"""The front door for files of your own: everything that a world file needs, under names that stay.

    from valuescape.api import ContinuousAction, ElementwiseWorld, Variable, cos, sin

`docs/worlds.md` builds a world step by step. Light to import: no torch, no OpenGL.
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
from valuescape.sim.worlds.base import (
    ActionSpace,
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    Termination,
    Variable,
    World,
)

__all__ = [
    "ActionSpace",
    "ArrayWorld",
    "ContinuousAction",
    "DiscreteAction",
    "Element",
    "Elements",
    "ElementwiseWorld",
    "Termination",
    "Variable",
    "World",
    "absolute",
    "bits_float",
    "clip",
    "cos",
    "float_bits",
    "floor",
    "log",
    "maximum",
    "minimum",
    "sin",
    "sqrt",
    "symmetric",
    "to_float",
    "where",
    "wrap_angle",
]
