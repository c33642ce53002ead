"""Dispatch of compute programs, without its two silent failures."""

from typing import Any

import moderngl

from valuescape.gpu.frame_meter import FrameMeter


def dispatch(gl: Any, program: Any, groups: tuple[int, int], meter: FrameMeter) -> None:
    """Run `program` on (x, y) work groups and make its writes visible to all later commands.

    Raises ValueError if there are more work groups than the driver allows: it would run none, without an
    error.
    """
    allowed = gl.info["GL_MAX_COMPUTE_WORK_GROUP_COUNT"]
    if any(count > limit for count, limit in zip(groups, allowed, strict=False)):
        raise ValueError(f"{groups} work groups, but the driver allows {allowed}")
    program.run(*groups)
    gl.memory_barrier(moderngl.ALL_BARRIER_BITS)
    meter.dispatches += 1


def groups_for(items: int, per_group: int) -> int:
    """Return the number of groups that cover `items`."""
    return -(-items // per_group)


def set_uniforms(program: Any, **values: Any) -> None:
    """Set uniforms by name; those that the compiler removed as unused are skipped."""
    for name, value in values.items():
        if name in program:
            program[name].value = value
