"""Running a compute program without the two silent failures of a dispatch."""

from typing import Any

import moderngl

from valuescape.gpu.frame_meter import FrameMeter


def dispatch(gl: Any, program: Any, groups: tuple[int, int], meter: FrameMeter) -> None:
    """Run `program` and make its writes visible to whatever comes next.

    Raises ValueError if there are more work groups than the driver allows: it would run none and say nothing.
    """
    allowed = gl.info["GL_MAX_COMPUTE_WORK_GROUP_COUNT"]
    if any(count > limit for count, limit in zip(groups, allowed, strict=False)):
        raise ValueError(f"{groups} work groups, but the driver allows {allowed}")
    program.run(*groups)
    gl.memory_barrier(moderngl.ALL_BARRIER_BITS)
    meter.dispatches += 1


def groups_for(items: int, per_group: int) -> int:
    """Return how many groups cover `items`."""
    return -(-items // per_group)


def set_uniforms(program: Any, **values: Any) -> None:
    """Set uniforms by name. Those that the compiler found unused, and so removed, are passed over."""
    for name, value in values.items():
        if name in program:
            program[name].value = value
