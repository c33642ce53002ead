"""Cells in NumPy: the plain path, and the specification of the compiled one."""

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array, Uint32Array
from valuescape.sim.cells.grid import GOLDEN, STAMP_BITS, CrowdGrid, TrailStep, VisitGrid, per_signal
from valuescape.sim.cells.paint import paint

__all__ = ["add_stamps", "add_visits", "paint"]

LONGEST = np.float32(4)
"""Longest segment that leaves stamps, in maps: a longer one is an error of the world."""


@np.errstate(invalid="ignore", over="ignore")  # places that are no numbers leave no stamp
def add_stamps(step: TrailStep, grid: CrowdGrid, stamps: Uint32Array) -> None:
    """Stamp the new segment of every agent's trail into `stamps`, shape `grid.shape`; the greatest wins.

    A stamp holds the tick above STAMP_BITS, and a colour. A segment is walked in steps of one cell along its
    longer axis; the cell at its beginning got its stamp with the tick before. `gpu/shaders/crowd/splat.comp`
    writes the same bits.
    """
    end = _in_cells(step.now.position, grid)
    begin = _begins(step, grid, end)
    way = end - begin
    whole = np.isfinite(begin + end).all(1) & (np.abs(way) <= LONGEST * np.array(grid.cells)).all(1)
    steps = np.maximum(np.ceil(np.abs(way).max(1, initial=0)), np.float32(1))
    stamp = np.uint32(grid.tick_bits(step.tick)) | color_bits(step, grid)
    for k in range(1, int(steps[whole].max(initial=0)) + 1):
        walking = np.flatnonzero(whole & (steps >= k))
        share = np.float32(k) / steps[walking]
        at = begin[walking] + way[walking] * share[:, None]
        _keep_greatest(stamps, at, stamp[walking])


def _in_cells(position: Float32Array, grid: CrowdGrid) -> Float32Array:
    found: Float32Array = (position - np.array(grid.low, np.float32)) * np.array(grid.per_unit)
    return found


def _begins(step: TrailStep, grid: CrowdGrid, end: Float32Array) -> Float32Array:
    """Return the beginning of each segment: its end, where the strand or the position before is another."""
    if step.before is None:
        return end
    before = _in_cells(step.before.position, grid)
    joined: BoolArray = (step.before.strand == step.now.strand) & ~np.isnan(before).any(1)
    begin: Float32Array = np.where(joined[:, None], before, end)
    return begin


def color_bits(step: TrailStep, grid: CrowdGrid) -> Uint32Array:
    """Return the colours of the stamps, [n]: the agents' hues, or places on the signal's scale from 1.

    0: the signal is unknown.
    """
    if grid.signal_range is None or step.signal is None:
        agents = np.arange(step.first_agent, step.first_agent + len(step.now.strand)).astype(np.uint32)
        hues: Uint32Array = agents * np.uint32(GOLDEN) >> np.uint32(32 - STAMP_BITS)
        return hues
    share = (step.signal - np.float32(grid.signal_range[0])) * per_signal(grid.signal_range)
    known = ~np.isnan(share)
    on_scale = np.where(known, np.minimum(np.maximum(share, 0), 1), 0)
    found: Uint32Array = known * (1 + (on_scale * np.float32(2**STAMP_BITS - 2)).astype(np.uint32))
    return found.astype(np.uint32)


def _keep_greatest(stamps: Uint32Array, at: Float32Array, stamp: Uint32Array) -> None:
    rows, columns = stamps.shape
    inside = ((at >= 0) & (at <= np.array([columns, rows], np.float32))).all(1)
    cell = np.minimum(at[inside].astype(np.int64), [columns - 1, rows - 1])
    np.maximum.at(stamps, (cell[:, 1], cell[:, 0]), stamp[inside])


def add_visits(position: Float32Array, grid: VisitGrid, visits: Uint32Array) -> None:
    """Add a visit for each position [n, 2] to its cell of `visits`, shape `grid.shape`.

    Positions outside the map, or NaN, are not counted; those on its upper borders count in the outermost
    cells. `gpu/shaders/density/splat.comp` counts the same.
    """
    low, high = np.array(grid.low, np.float32), np.array(grid.high, np.float32)
    inside = ((position >= low) & (position <= high)).all(1)
    cell = np.minimum(((position[inside] - low) * np.array(grid.per_unit)).astype(np.int64), grid.edge - 1)
    visits += (
        np.bincount(cell[:, 1] * grid.edge + cell[:, 0], minlength=grid.edge**2)
        .astype(np.uint32)
        .reshape(grid.shape)
    )
