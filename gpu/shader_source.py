"""Shader sources: files in `gpu/shaders`, with generated includes for all that Python defines."""

from enum import IntEnum
from pathlib import Path
from typing import Any

from valuescape.gpu.bindings import Block, Image, Slot, Texture
from valuescape.gpu.structs import DRAW_COMMAND, FRAME, RANGE, TRAIL_INSTANCE, members_glsl, struct_glsl
from valuescape.sim.config.picture_sections import PLAIN_COLORS, TRAIL_COLORS
from valuescape.sim.policy.network import Activation
from valuescape.sim.shared.layout import Ending

SHADERS = Path(__file__).parent / "shaders"

LAYERS = ("value", "density", "both")
"""What the surface can show; the shaders know them by index. The first two have a range each."""

_MARKS = ("AGENT", *(each.name for each in Ending if each), "HIGHLIGHTED", "SELECTED")
"""Kinds of marks; those of an episode's end have the number of their `Ending`."""

END_MARKS = ("NONE", "CROSS", "DIAMOND")
"""What marks where an episode terminated; a diamond if it reached its goal."""

MARK_COLORS = {
    "goal": (0.30, 0.90, 0.60, 1.0),
    "failure": (1.0, 0.55, 0.25, 1.0),
    "either": (1.0, 0.55, 0.25, 1.0),
    "truncated": (0.45, 0.8, 1.0, 1.0),
}
"""Of marks of episodes' ends: what a termination means (`sim.worlds.base.Termination`), and truncations."""

BACKGROUND = (0.055, 0.062, 0.078)
"""Behind everything, and what a surface fades to."""

MAX_LEVELS = 8
"""Most levels of detail that `lod.levels` may ask for."""

GROUP = 256
"""Work-group size of the passes over agents."""

STAMP_BITS = 12
"""Of a stamp in the crowd's map, for what its colour says; the others are the tick's."""

STAMP_TICKS = 2 ** (32 - STAMP_BITS) - 1
"""How many ticks stamps can tell apart."""

STEEPEST = 64.0
"""Slope of the value, in colour scales a map's width, that the shades' alpha can say; steeper ones count as
that."""

ENDING_SHIFT = 8
"""Of a strand's word on the GPU: below is the strand, from here on how the episode ended, 0 where it did not.
"""

GOLDEN = 0.61803399
"""Hues of agents are this far apart: neighbours in number are far apart in colour."""


def _defines(prefix: str, names: Any) -> str:
    return "".join(f"#define {prefix}{name} {value}\n" for name, value in names)


def _enum(prefix: str, enum: type[IntEnum]) -> str:
    return _defines(prefix, ((each.name, each.value) for each in enum))


def generated_includes() -> dict[str, str]:
    """Return the includes that derive from Python's definitions, by name."""
    constants = (
        _enum("SLOT_", Slot)
        + _enum("BLOCK_", Block)
        + _enum("TEXTURE_", Texture)
        + _enum("IMAGE_", Image)
        + _defines("LAYER_", ((name.upper(), f"{i}u") for i, name in enumerate(LAYERS)))
        + _defines("TRAIL_COLOR_", ((name.upper(), f"{i}u") for i, name in enumerate(TRAIL_COLORS)))
        + _defines("TRAIL_COLOR_", [("FIRST_SIGNAL", f"{len(PLAIN_COLORS)}u")])
        + _defines("MARK_", ((name, f"{i}u") for i, name in enumerate(_MARKS)))
        + _defines("END_MARKS_", ((name, f"{i}u") for i, name in enumerate(END_MARKS)))
        + _defines("COLOR_", ((name.upper(), f"vec3{color[:3]}") for name, color in MARK_COLORS.items()))
        + _defines("ACTIVATION_", ((each.name, i) for i, each in enumerate(Activation)))
        + _defines("", [("BACKGROUND", f"vec3{BACKGROUND}")])
        + _defines("", (("MAX_LEVELS", f"{MAX_LEVELS}u"), ("GROUP", GROUP)))
        + _defines(
            "",
            (
                ("STAMP_BITS", STAMP_BITS),
                ("GOLDEN", GOLDEN),
                ("ENDING_SHIFT", ENDING_SHIFT),
                ("STEEPEST", STEEPEST),
            ),
        )
    )
    structs = (
        f"layout(std140, binding = BLOCK_FRAME) uniform Frame {{\n{members_glsl(FRAME)}\n}} frame;\n"
        + struct_glsl("Range", RANGE)
        + struct_glsl("DrawCommand", DRAW_COMMAND)
        + struct_glsl("TrailInstance", TRAIL_INSTANCE)
    )
    return {"constants.glsl": constants, "structs.glsl": structs}


def install_includes(gl: Any) -> None:
    """Make every include, generated or from `shaders/include`, known to the context."""
    gl.includes.update(generated_includes())
    for path in sorted((SHADERS / "include").glob("*.glsl")):
        gl.includes[path.name] = path.read_text(encoding="utf-8")


def compute_program(gl: Any, name: str) -> Any:
    """Return the compute program of `shaders/{name}.comp`; errors name the file."""
    return _build(name, lambda: gl.compute_shader(_read(f"{name}.comp")))


def draw_program(gl: Any, vertex: str, fragment: str = "") -> Any:
    """Return the program of `shaders/{vertex}.vert` and `{fragment}.frag`, the same name if none is given."""
    fragment = fragment or vertex
    return _build(
        fragment,
        lambda: gl.program(vertex_shader=_read(f"{vertex}.vert"), fragment_shader=_read(f"{fragment}.frag")),
    )


def _read(name: str) -> str:
    return (SHADERS / name).read_text(encoding="utf-8")


def _build(name: str, build: Any) -> Any:
    try:
        return build()
    except Exception as error:
        raise RuntimeError(f"gpu/shaders/{name}: {error}") from error
