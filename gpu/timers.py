"""Time that the GPU works on a frame's sections, by its own clock, where that clock is right."""

import time
from collections import deque
from typing import Any

from valuescape.sim.measuring.profiler import SpanRing

_LATE = 256
"""Queries under way before the oldest is read: those of many frames, so that reading never waits."""

_SHADER = """
#version 430
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer Numbers { float numbers[]; };
uniform int steps;
void main() {
    float x = float(gl_GlobalInvocationID.x);
    for (int step = 0; step < steps; ++step) x = x * 1.0001 + 0.5;
    numbers[gl_GlobalInvocationID.x] = x;
}"""
_GROUPS, _STEPS = 64, (500, 4_000)


def can_be_trusted(gl: Any) -> bool:
    """Whether the driver's timers are right.

    Some are not: Mesa's llvmpipe reports 1 ns for any work. So the same work is timed by them and by the
    processor's clock: more work has to take longer, and not longer than the wait for it.
    """
    shader = gl.compute_shader(_SHADER)
    numbers = gl.buffer(reserve=_GROUPS * 64 * 4)
    numbers.bind_to_storage_buffer(0)
    try:
        _timed(gl, shader, _STEPS[0])  # the first run of a shader is longer: the driver makes it ready
        said, waited = zip(*(_timed(gl, shader, steps) for steps in _STEPS), strict=True)
    finally:
        numbers.release()
        shader.release()
    return plausible(said, waited)


def plausible(said_s: tuple[float, ...], waited_s: tuple[float, ...]) -> bool:
    """Whether a timer's seconds for little and for more work agree with the seconds waited for each."""
    return said_s[1] > 2 * said_s[0] > 0 and all(
        0.05 * waited < said < 1.05 * waited for said, waited in list(zip(said_s, waited_s, strict=True))[1:]
    )


def _timed(gl: Any, shader: Any, steps: int) -> tuple[float, float]:
    """Return the seconds for `steps` of work by the timer, and by the processor's clock."""
    shader["steps"].value = steps
    query = gl.query(time=True)
    gl.finish()
    began = time.perf_counter()
    with query:
        shader.run(_GROUPS)
    gl.finish()
    return query.elapsed * 1e-9, time.perf_counter() - began


class GpuTimers:
    """Spans of the GPU's work, in `ring`, each with the processor's time at which it was asked for.

    A span is there some frames later: reading it at once would hold the frame up. Spans are not nested:
    OpenGL has no timers within timers.
    """

    def __init__(self, gl: Any) -> None:
        self.ring = SpanRing()
        self._gl = gl
        self._free: list[Any] = []
        self._under_way: deque[tuple[int, int, Any]] = deque()

    def begin(self, section: int) -> None:
        """Begin a span of a section, by its index."""
        query = self._free.pop() if self._free else self._gl.query(time=True)
        self._under_way.append((section, time.perf_counter_ns(), query))
        query.__enter__()

    def end(self) -> None:
        """End the span, and read one that is ready."""
        self._under_way[-1][2].__exit__(None, None, None)
        if len(self._under_way) > _LATE:
            self._read()

    def read_all(self) -> None:
        """Read all spans under way; waits for the GPU."""
        while self._under_way:
            self._read()

    def _read(self) -> None:
        section, began, query = self._under_way.popleft()
        self.ring.add(section, 0, began, query.elapsed)
        self._free.append(query)
