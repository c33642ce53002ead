"""Numbers and names that Python and GLSL share; shaders get them from the generated `constants.glsl`."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from valuescape.gpu.bindings import Block, Image, Slot, Texture
from valuescape.sim.cells.grid import GOLDEN, STAMP_BITS
from valuescape.sim.cells.plain import LONGEST
from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.policy.network import Activation, CriticKind
from valuescape.sim.shared.layout import Ending

_MARKS = ("AGENT", *(each.name for each in Ending if each), "HIGHLIGHTED", "SELECTED")
"""Kinds of marks; the mark of an episode's end has the number of its `Ending`."""

END_MARKS = ("NONE", "CROSS", "DIAMOND")
"""Marks where an episode terminated: a diamond if it reached its goal, else a cross."""

MARK_COLORS = {
    "goal": (0.30, 0.90, 0.60, 1.0),
    "failure": (1.0, 0.55, 0.25, 1.0),
    "either": (1.0, 0.55, 0.25, 1.0),
    "truncated": (0.45, 0.8, 1.0, 1.0),
}
"""RGBA of the marks of episodes' ends, by the meaning of a termination (`sim.worlds.base.Termination`)."""

BACKGROUND = (0.055, 0.062, 0.078)
"""RGB behind everything; a transparent surface fades to it."""

AGENT_GROUP = 256
"""Work-group size of passes over agents, and of the range's reduction."""

TEXEL_GROUP = 64
"""Work-group size of passes over texels."""

RANGE_TEXELS = 16
"""Texels that an invocation of `range/reduce.comp` looks at."""

OCTET = 8
"""Units, and texels, that an invocation of `critic/dense.comp` makes."""

COLORMAP_WIDTH = 256
"""Colours in a colour map."""

MAX_LEVELS = 8
"""Most levels of detail that `lod.levels` may ask for."""

STEEPEST = 64.0
"""Greatest slope of a field that the shades' alpha holds, in colour scales a map's width."""

MAP_END = 1 - 1e-6
"""Place of the flat map's upper and right edge on it: a pixel whose centre lies on the edge is outside, whole
rows of them, where rounding would decide about each."""

ENDING_SHIFT = 8
"""Bits of a strand word below its `Ending`; they hold the strand, the bits above are 0 in mid-episode."""

GLOW_SHRINK = 8
"""Pixels of the picture along a texel of the glow."""

GLOW_TILE = 8
"""Texels of the glow along a tile, which is drawn or left out as one."""


class Quad(IntEnum):
    """Kinds of parallelograms in the overlay; a colour map's row is added to COLORMAP."""

    PLAIN = 0
    GLYPH = 1
    COLORMAP = 2


def constants_glsl() -> str:
    """Return `constants.glsl`: a `#define` for every constant above and every binding."""
    return "".join(
        (
            *(_enum(f"{each.__name__.upper()}_", each) for each in (Slot, Block, Texture, Image, Quad)),
            _numbered("TRAIL_COLOR_", PLAIN_COLORS),
            _defines("TRAIL_COLOR_", [("FIRST_SIGNAL", f"{len(PLAIN_COLORS)}u")]),
            _numbered("MARK_", _MARKS),
            _numbered("END_MARKS_", END_MARKS),
            _defines("COLOR_", ((name.upper(), f"vec3{color[:3]}") for name, color in MARK_COLORS.items())),
            _defines("ACTIVATION_", ((each.name, index) for index, each in enumerate(Activation))),
            _defines("CRITIC_", ((each.name, index) for index, each in enumerate(CriticKind))),
            _defines("", _numbers()),
        )
    )


def _numbers() -> Iterable[tuple[str, Any]]:
    return (
        ("BACKGROUND", f"vec3{BACKGROUND}"),
        ("AGENT_GROUP", AGENT_GROUP),
        ("TEXEL_GROUP", TEXEL_GROUP),
        ("RANGE_TEXELS", f"{RANGE_TEXELS}u"),
        ("OCTET", f"{OCTET}u"),
        ("COLORMAP_WIDTH", f"{COLORMAP_WIDTH}.0"),
        ("MAX_LEVELS", f"{MAX_LEVELS}u"),
        ("STAMP_BITS", STAMP_BITS),
        ("STEEPEST", STEEPEST),
        ("MAP_END", MAP_END),
        ("ENDING_SHIFT", ENDING_SHIFT),
        ("GOLDEN", f"{GOLDEN}u"),
        ("LONGEST", float(LONGEST)),
        ("GLOW_SHRINK", GLOW_SHRINK),
        ("GLOW_TILE", GLOW_TILE),
    )


def _numbered(prefix: str, names: Iterable[str]) -> str:
    return _defines(prefix, ((name.upper(), f"{index}u") for index, name in enumerate(names)))


def _enum(prefix: str, enum: type[IntEnum]) -> str:
    return _defines(prefix, ((each.name, each.value) for each in enum))


def _defines(prefix: str, names: Iterable[tuple[str, Any]]) -> str:
    return "".join(f"#define {prefix}{name} {value}\n" for name, value in names)
