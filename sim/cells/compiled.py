"""Cells in machine code: the twin of `sim.cells.plain`, bit by bit."""

from typing import Any, NamedTuple

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
from valuescape.sim.cells.paint import CellColors
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


BLOCK = 512
"""Agents whose segments are walked together: they stay in the first-level cache."""


class Walks(NamedTuple):
    """Segments of a block of agents, [BLOCK] each: in cells, float32 but for stamp and cell."""

    from_x: Any
    from_y: Any
    way_x: Any
    way_y: Any
    steps: Any  # whole numbers; 0 where a segment leaves no stamp
    stamp: Any
    cell: Any  # -1: outside the map


@compiled
def _walks() -> Any:
    rows = np.empty((5, BLOCK), np.float32)
    stamp, cell = np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.int32)
    return Walks(rows[0], rows[1], rows[2], rows[3], rows[4], stamp, cell)


@compiled
def _begin(now: Any, before: Any, joined: Any, window: Any, far: Any, walks: Any) -> Any:
    """Write where segments begin, go, and in how many steps; return the most steps. Vectorised."""
    low_x, low_y, per_x, per_y = window
    (position, strand), (old_position, old_strand) = now, before
    most = _ZERO
    for i in range(len(position)):
        x, y = (position[i, 0] - low_x) * per_x, (position[i, 1] - low_y) * per_y
        from_x, from_y = (old_position[i, 0] - low_x) * per_x, (old_position[i, 1] - low_y) * per_y
        follows = joined & (strand[i] == old_strand[i]) & (from_x == from_x) & (from_y == from_y)
        from_x, from_y = from_x if follows else x, from_y if follows else y
        way_x, way_y = x - from_x, y - from_y
        walks.from_x[i], walks.from_y[i], walks.way_x[i], walks.way_y[i] = from_x, from_y, way_x, way_y
        long_x, long_y = abs(way_x), abs(way_y)
        steps = np.ceil(long_x if long_x > long_y else long_y)
        steps = steps if steps > _ONE else _ONE
        steps = steps if (long_x <= far[0]) & (long_y <= far[1]) else _ZERO
        walks.steps[i] = steps
        most = steps if steps > most else most
    return most


@compiled
def _walk(k: Any, count: Any, columns: Any, rows: Any, walks: Any) -> None:
    """Write the cells in which the first `count` segments are at step `k`. Vectorised."""
    last_x, last_y, width = columns - _ONE, rows - _ONE, np.int32(columns)
    for i in range(count):
        share = k / walks.steps[i]
        x, y = walks.from_x[i] + walks.way_x[i] * share, walks.from_y[i] + walks.way_y[i] * share
        inside = (x >= _ZERO) & (y >= _ZERO) & (x <= columns) & (y <= rows) & (walks.steps[i] >= k)
        x, y = x if inside else _ZERO, y if inside else _ZERO
        column, row = np.int32(x if x < last_x else last_x), np.int32(y if y < last_y else last_y)
        walks.cell[i] = np.int32(row * width + column) if inside else np.int32(-1)


@compiled
def _leave(count: Any, walks: Any, stamps: Any) -> None:
    """Stamp the cells of the first `count` segments."""
    for i in range(count):
        cell = walks.cell[i]
        if cell >= 0:
            stamps[cell] = max(stamps[cell], walks.stamp[i])


@compiled
def _go_on(k: Any, count: Any, walks: Any) -> Any:
    """Move the segments with more than `k` steps to the front; return how many there are. No branches."""
    left = 0
    for i in range(count):
        steps = walks.steps[i]
        walks.from_x[left], walks.from_y[left] = walks.from_x[i], walks.from_y[i]
        walks.way_x[left], walks.way_y[left] = walks.way_x[i], walks.way_y[i]
        walks.stamp[left], walks.steps[left] = walks.stamp[i], steps
        left += steps > k
    return left


@_kept
def _stamp(
    now: Any, before: Any, signal: Any, first: Any, window: Any, scale: Any, tick_bits: Any, stamps: Any
) -> None:
    """Stamp every agent's segment; `window`: low x, low y, cells per unit of x and of y."""
    columns, rows, cells = np.float32(stamps.shape[1]), np.float32(stamps.shape[0]), stamps.reshape(-1)
    far, joined = (LONGEST * columns, LONGEST * rows), len(before[0]) > 0
    before = before if joined else now
    walks = _walks()
    for start in range(0, len(now[0]), BLOCK):
        end = min(start + BLOCK, len(now[0]))
        places_now = now[0][start:end], now[1][start:end]
        most = _begin(places_now, (before[0][start:end], before[1][start:end]), joined, window, far, walks)
        for i in range(start, end):
            walks.stamp[i - start] = np.uint32(tick_bits | _color(signal, i, first, scale))
        count, k = end - start, _ONE
        while k <= most:
            _walk(k, count, columns, rows, walks)
            _leave(count, walks, cells)
            count = _go_on(k, count, walks) if k < most else count
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


def paint(stamps: Uint32Array, newest: int, colors: CellColors, out: Uint32Array) -> None:
    """Colour cells as `sim.cells.paint.paint` does; arrays are contiguous. Leaves the interpreter free."""
    tables = colors.by_age, colors.covers, colors.by_bits.reshape(-1)
    by_age, covers, by_bits = (read_only(each, each.dtype) for each in tables)
    _color_cells(read_only(stamps, np.uint32).reshape(-1), newest, by_age, covers, by_bits, out.reshape(-1))


@_kept
def _color_cells(stamps: Any, newest: Any, by_age: Any, covers: Any, by_bits: Any, out: Any) -> None:
    """Colour every cell by the table of ages, or by that of stamps' colours and the cover of its age."""
    ages, plainly, half, full = len(covers), len(by_age) > 0, np.float32(0.5), np.float32(255)
    for i in range(len(stamps)):
        stamp = stamps[i]
        back = newest - np.int64(stamp >> np.uint32(STAMP_BITS))
        if stamp == 0 or back < 0 or back >= ages:
            out[i] = np.uint32(0)
        elif plainly:
            out[i] = by_age[back]
        else:
            cover, at = covers[back], 3 * (stamp & np.uint32(2**STAMP_BITS - 1))
            color = np.uint32(full * cover + half) << np.uint32(24)
            for channel in range(3):
                color |= np.uint32(by_bits[at + channel] * cover + half) << np.uint32(8 * channel)
            out[i] = np.uint32(color)
