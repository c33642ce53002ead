"""Cells in machine code: the twin of `sim.cells.plain`, bit by bit."""

from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells.grid import (
    GOLDEN,
    STAMP_BITS,
    CrowdGrid,
    TrailStep,
    VisitGrid,
    per_signal,
    places,
    read_only,
)
from valuescape.sim.cells.plain import LONGEST
from valuescape.sim.codegen.compiler import compiled, compiled_and_kept, source_key

_NOTHING = read_only(np.zeros(0), np.float32)
_NONE = places(np.zeros((0, 2)), np.zeros(0))
_ZERO, _ONE, _HUE, _HUE_SHIFT = np.float32(0), np.float32(1), np.uint32(GOLDEN), np.uint32(32 - STAMP_BITS)
_COLORS = np.float32(2**STAMP_BITS - 2)
_KEY = source_key(constants=(STAMP_BITS, GOLDEN, float(LONGEST)))


def add_stamps(step: TrailStep, grid: CrowdGrid, stamps: Uint32Array) -> None:
    """Stamp the new segments as `plain.add_stamps` does. Releases the interpreter's lock.

    Performance: reads 18 bytes an agent, and writes a cell or a few; `make bench-cells` measures it.
    """
    signal = _NOTHING
    if grid.signal_range is not None and step.signal is not None:
        signal = read_only(step.signal, np.float32)
    ends = grid.signal_range or (0.0, 1.0)
    before = step.before or _NONE
    _stamp(
        (step.now.position, step.now.strand),
        (before.position, before.strand),
        signal,
        np.uint32(step.first_agent),
        (np.float32(grid.low[0]), np.float32(grid.low[1]), *grid.per_unit),
        (np.float32(ends[0]), per_signal(ends)),
        np.uint32(grid.tick_bits(step.tick)),
        stamps,
    )


def add_visits(position: Float32Array, grid: VisitGrid, visits: Uint32Array) -> None:
    """Count visits as `plain.add_visits` does. Releases the interpreter's lock."""
    window = (*(np.float32(each) for each in (*grid.low, *grid.high)), *grid.per_unit)
    _count(read_only(position, np.float32), window, visits)


def _kept(function: Any) -> Any:
    return compiled_and_kept(function, _KEY)


@compiled
def _color(signal: Any, i: Any, first: Any, scale: Any) -> Any:
    """Return the colour of agent `i` of the slice."""
    if len(signal) == 0:
        return np.uint32(np.uint32((i + first) * _HUE) >> _HUE_SHIFT)
    share = (signal[i] - scale[0]) * scale[1]
    if share != share:
        return np.uint32(0)
    return np.uint32(np.uint32(min(max(share, _ZERO), _ONE) * _COLORS) + 1)


@_kept
def _stamp(
    now: Any, before: Any, signal: Any, first: Any, window: Any, scale: Any, tick_bits: Any, stamps: Any
) -> None:
    """Stamp every agent's segment; `window`: low x, low y, cells per unit of x and of y."""
    low_x, low_y, per_x, per_y = window
    columns, rows = np.float32(stamps.shape[1]), np.float32(stamps.shape[0])
    last_x, last_y = np.int32(stamps.shape[1] - 1), np.int32(stamps.shape[0] - 1)
    far_x, far_y = LONGEST * columns, LONGEST * rows
    (position, strand), (position_before, strand_before) = now, before
    joined = len(position_before) > 0
    for i in range(len(position)):
        x, y = (position[i, 0] - low_x) * per_x, (position[i, 1] - low_y) * per_y
        from_x, from_y = x, y
        if joined and strand[i] == strand_before[i]:
            old_x = (position_before[i, 0] - low_x) * per_x
            old_y = (position_before[i, 1] - low_y) * per_y
            if old_x == old_x and old_y == old_y:
                from_x, from_y = old_x, old_y
        way_x, way_y = x - from_x, y - from_y
        far = max(abs(way_x), abs(way_y))
        if not (abs(way_x) <= far_x and abs(way_y) <= far_y):
            continue
        stamp = np.uint32(tick_bits | _color(signal, i, first, scale))
        steps = max(np.ceil(far), _ONE)
        k = _ONE
        while k <= steps:
            share = k / steps
            at_x, at_y = from_x + way_x * share, from_y + way_y * share
            if at_x >= _ZERO and at_y >= _ZERO and at_x <= columns and at_y <= rows:
                column, row = min(np.int32(at_x), last_x), min(np.int32(at_y), last_y)
                stamps[row, column] = max(stamps[row, column], stamp)
            k += _ONE


@_kept
def _count(position: Any, window: Any, visits: Any) -> None:
    """Count every position; `window`: low x, low y, high x, high y, cells per unit of x and of y."""
    low_x, low_y, high_x, high_y, per_x, per_y = window
    last = np.int32(len(visits) - 1)
    for i in range(len(position)):
        x, y = position[i, 0], position[i, 1]
        if x >= low_x and y >= low_y and x <= high_x and y <= high_y:
            column = min(np.int32((x - low_x) * per_x), last)
            row = min(np.int32((y - low_y) * per_y), last)
            visits[row, column] += np.uint32(1)
