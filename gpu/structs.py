"""Layouts that Python and GLSL share: NumPy dtypes, from which the GLSL declarations are generated."""

from typing import Any

import numpy as np

FRAME = np.dtype(
    [
        ("view_projection", "f4", (4, 4)),  # column-major: store the transpose
        ("map_low", "f4", 2),
        ("map_high", "f4", 2),
        ("viewport_px", "f4", 2),
        ("height_scale", "f4"),  # 0 draws the flat map
        ("height_layer", "u4"),  # which of RANGE's layers is the height
        ("newest", "i4"),  # ticks of the trail's two ends
        ("oldest", "i4"),
        ("trail_rows", "i4"),
        ("agents", "i4"),
        ("trail_width_px", "f4"),
        ("trail_opacity", "f4"),
        ("trail_color_by", "u4"),  # index into TRAIL_COLORS
        ("agent_size_px", "f4"),
        ("layer", "u4"),  # index into LAYERS: what the surface shows
        ("contours", "f4"),
        ("mesh_edge", "u4"),  # vertices along one edge of the surface's mesh
        ("individuals", "u4"),  # agents drawn one by one
        ("crowd_width", "u4"),  # cells of the crowd's map; 0 where there is no crowd
        ("crowd_height", "u4"),
        ("crowd_first_tick", "i4"),  # whose stamp is 1
        ("crowd_ticks", "f4"),  # how far back the crowd's trails reach
        ("signal_low", "f4"),  # ends of the scale that trails are coloured on
        ("signal_high", "f4"),
        ("trail_row", "u4"),  # the colour map's row for trails
        ("end_marks", "u4"),  # index into END_MARKS: what is where an episode terminated
        ("highlighting", "u4"),  # 1: agents that are not highlighted step back
        ("selected", "i4"),  # the agent with a mark of its own; -1: none
        ("surface_opacity", "f4"),
        ("agent_opacity", "f4"),
        ("lift", "f4"),  # how far the height field is raised, 0 to 1
        ("pixel_scale", "f4"),  # pixels a logical pixel
        ("uv_px", "f4"),  # how much of the flat map a pixel spans
        ("tone_mapping", "u4"),
    ]
)
"""What every shader of a frame knows (uniform block, std140)."""

RANGE = np.dtype(
    [
        ("shown_low", "f4"),  # the colour scale's ends
        ("shown_high", "f4"),
        ("least", "u4"),  # accumulators of the running reduction, ordered as unsigned integers
        ("greatest", "u4"),
    ]
)
"""The value range of one layer (std430)."""

DRAW_COMMAND = np.dtype(
    [("vertices", "u4"), ("instances", "u4"), ("first", "u4"), ("base_instance", "u4"), ("pad", "u4")]
)
"""OpenGL's DrawArraysIndirectCommand, at the stride that moderngl reads commands with: 20 bytes."""

TRAIL_INSTANCE = np.dtype([("agent", "u4"), ("level", "u4")])
"""One trail to be drawn, at one level of detail."""

_GLSL_TYPES: dict[tuple[str, tuple[int, ...]], tuple[str, int]] = {
    ("f4", ()): ("float", 4),
    ("i4", ()): ("int", 4),
    ("u4", ()): ("uint", 4),
    ("f4", (2,)): ("vec2", 8),
    ("u4", (2,)): ("uvec2", 8),
    ("f4", (4,)): ("vec4", 16),
    ("f4", (4, 4)): ("mat4", 16),
}


def members_glsl(dtype: np.dtype[Any]) -> str:
    """Return the GLSL member declarations of a dtype whose offsets are the same under std140 and std430.

    Raises ValueError naming the field that OpenGL would put elsewhere, or whose type it does not have.
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
