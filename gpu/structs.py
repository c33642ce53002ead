"""Layouts that Python and GLSL share: NumPy dtypes; shaders get them from the generated `structs.glsl`."""

from typing import Any

import numpy as np

FRAME = np.dtype(
    [
        ("view_projection", "f4", (4, 4)),  # column-major: store the transpose
        ("viewport_px", "f4", 2),
        ("height_scale", "f4"),  # 0 draws the flat map
        ("height_layer", "u4"),  # index into the ranges: the map that lifts the surface
        ("newest", "i4"),  # newest and oldest tick of the trails
        ("oldest", "i4"),
        ("trail_rows", "i4"),
        ("trail_slots", "i4"),  # agents that the trails have room for
        ("trail_width_px", "f4"),
        ("trail_opacity", "f4"),
        ("trail_color_by", "u4"),  # index into PLAIN_COLORS, or that beyond them for a signal
        ("agent_size_px", "f4"),
        ("base_layer", "u4"),  # index into the ranges: the map that is drawn, below another if two are
        ("contours", "f4"),  # lines over that map's colour scale; 0: none
        ("mesh_edge", "u4"),  # vertices along one edge of the surface's mesh
        ("individuals", "u4"),  # number of agents drawn one by one
        ("crowd", "u4"),  # 1: there are agents that are not drawn one by one
        ("signal_low", "f4"),  # ends of the trails' colour scale
        ("signal_high", "f4"),
        ("trail_row", "u4"),  # row of the trails' colour map
        ("end_marks", "u4"),  # index into END_MARKS
        ("highlighting", "u4"),  # 1: agents that are not highlighted are faint
        ("selected", "i4"),  # agent with the selection's mark; -1: none
        ("surface_opacity", "f4"),
        ("agent_opacity", "f4"),
        ("lift", "f4"),  # share of its height that the surface is raised by, 0 to 1
        ("pixel_scale", "f4"),  # pixels per logical pixel
        ("uv_px", "f4"),  # extent of a pixel on the flat map, in widths of the map
        ("tone_mapping", "u4"),
    ]
)
"""Uniform block of a frame (std140)."""

RANGE = np.dtype(
    [
        ("shown_low", "f4"),  # ends of the colour scale
        ("shown_high", "f4"),
        ("least", "u4"),  # accumulators of the reduction, as in `ordered.glsl`
        ("greatest", "u4"),
    ]
)
"""Value range of one map layer (std430)."""

DRAW_COMMAND = np.dtype(
    [("vertices", "u4"), ("instances", "u4"), ("first", "u4"), ("base_instance", "u4"), ("pad", "u4")]
)
"""OpenGL's DrawArraysIndirectCommand, at the stride that moderngl reads commands with: 20 bytes."""

TRAIL_INSTANCE = np.dtype([("slot", "u4"), ("level", "u4")])
"""One trail to draw, at one level of detail."""

_GLSL_TYPES: dict[tuple[str, tuple[int, ...]], tuple[str, int]] = {
    ("f4", ()): ("float", 4),
    ("i4", ()): ("int", 4),
    ("u4", ()): ("uint", 4),
    ("f4", (2,)): ("vec2", 8),
    ("u4", (2,)): ("uvec2", 8),
    ("f4", (4,)): ("vec4", 16),
    ("f4", (4, 4)): ("mat4", 16),
}


def structs_glsl() -> str:
    """Return `structs.glsl`: the frame block and the structs of every shared array."""
    return (
        f"layout(std140, binding = BLOCK_FRAME) uniform Frame {{\n{members_glsl(FRAME)}\n}} frame;\n"
        + struct_glsl("Range", RANGE)
        + struct_glsl("DrawCommand", DRAW_COMMAND)
        + struct_glsl("TrailInstance", TRAIL_INSTANCE)
    )


def members_glsl(dtype: np.dtype[Any]) -> str:
    """Return the GLSL member declarations of a dtype whose offsets are the same under std140 and std430.

    Raises ValueError naming a field that OpenGL would place at another offset, or whose type GLSL lacks.
    """
    lines, end = [], 0
    assert dtype.fields is not None
    for name, (field, offset, *_) in dtype.fields.items():
        base = field.base.str.lstrip("<|=")
        if (base, field.shape) not in _GLSL_TYPES:
            raise ValueError(f"{name}: GLSL has no type for {field}")
        glsl, alignment = _GLSL_TYPES[base, field.shape]
        if offset % alignment or offset != -(-end // alignment) * alignment:
            raise ValueError(f"{name}: offset {offset}, but {glsl} is aligned to {alignment} after {end}")
        lines.append(f"    {glsl} {name};")
        end = offset + field.itemsize
    return "\n".join(lines)


def struct_glsl(name: str, dtype: np.dtype[Any]) -> str:
    """Return `struct name {…};` for an array element (std430).

    Raises ValueError if the stride of an array would differ.
    """
    assert dtype.fields is not None
    alignment = max(
        _GLSL_TYPES[field.base.str.lstrip("<|="), field.shape][1] for field, *_ in dtype.fields.values()
    )
    if dtype.itemsize % alignment:
        raise ValueError(f"{name}: size {dtype.itemsize} is no multiple of its alignment {alignment}")
    return f"struct {name} {{\n{members_glsl(dtype)}\n}};\n"
