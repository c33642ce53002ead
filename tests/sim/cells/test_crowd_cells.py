"""Stamps and visits, compiled and in NumPy, against a loop over agents and steps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuescape.sim.cells import compiled, plain, threads
from valuescape.sim.cells.grid import STAMP_BITS, CrowdGrid, TrailStep, VisitGrid, places
from valuescape.sim.cells.threads import ThreadedCells

LOW, HIGH = (-1.2, -0.07), (0.6, 0.07)
CODES = [pytest.param(plain, id="numpy"), pytest.param(compiled, id="compiled")]


def walks(agents, seed=0, far=0.1):
    """Places before and now, in and around the map; some on its borders, some that are no numbers."""
    rng = np.random.default_rng(seed)
    low, high = np.array(LOW), np.array(HIGH)
    span = high - low
    before = rng.uniform(low - 0.1 * span, high + 0.1 * span, (agents, 2))
    now = before + rng.normal(0, far, (agents, 2)) * span
    for rows in (before, now):
        odd = rng.random(agents) < 0.1
        rows[odd] = rng.choice([*low, *high, np.nan, np.inf, 1e9, 0.0], (odd.sum(), 2))
    strand = rng.integers(0, 3, agents)
    jumped = np.where(rng.random(agents) < 0.2, strand + 1, strand)
    signal = rng.choice([-1e30, -2.0, -0.5, 0.0, 0.3, 2.0, 1e30, np.nan], agents).astype(np.float32)
    return places(before.astype(np.float32), strand), places(now.astype(np.float32), jumped), signal


def stepped(step, grid):
    """The stamps of a step: agent by agent, cell by cell, in float32."""
    found = np.zeros(grid.shape, np.uint32)
    low, per = np.array(grid.low, np.float32), np.array(grid.per_unit, np.float32)
    for i, place in enumerate(step.now.position):
        end = (place - low) * per
        begin = end
        if step.before is not None and step.before.strand[i] == step.now.strand[i]:
            old = (step.before.position[i] - low) * per
            begin = end if np.isnan(old).any() else old
        way = end - begin
        if not (np.isfinite(way).all() and (np.abs(way) <= 4 * np.array(grid.cells, np.float32)).all()):
            continue
        stamp = (step.tick - grid.first_tick + 1 << STAMP_BITS) + color(step, grid, i)
        steps = max(int(np.ceil(np.abs(way).max())), 1)
        for k in range(1, steps + 1):
            x, y = begin + way * (np.float32(k) / np.float32(steps))
            if 0 <= x <= grid.cells[0] and 0 <= y <= grid.cells[1]:
                at = min(int(y), grid.cells[1] - 1), min(int(x), grid.cells[0] - 1)
                found[at] = max(found[at], stamp)
    return found


def color(step, grid, i):
    if grid.signal_range is None:
        return int((step.first_agent + i) * 2654435769 % 2**32 * 2**STAMP_BITS) >> 32
    if np.isnan(step.signal[i]):
        return 0
    low, high = (np.float32(end) for end in grid.signal_range)
    share = (step.signal[i] - low) * (np.float32(1) / (high - low))
    return 1 + int(np.clip(share, 0, 1) * np.float32(2**STAMP_BITS - 2))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("signal_range", [None, (-1.0, 1.0)], ids=["hues", "signal"])
@pytest.mark.parametrize("joined", [True, False])
def test_stamps_are_those_of_a_walk_from_cell_to_cell(code, signal_range, joined):
    before, now, signal = walks(600)
    grid = CrowdGrid((97, 61), LOW, HIGH, 3, signal_range)
    step = TrailStep(7, now, before if joined else None, 2**24 + 5, signal if signal_range else None)
    stamps = np.zeros(grid.shape, np.uint32)
    code.add_stamps(step, grid, stamps)
    expected = stepped(step, grid)
    assert (expected > 0).mean() > 0.05
    np.testing.assert_array_equal(stamps, expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-4, 3), st.integers(1, 300), st.integers(1, 40))
def test_compiled_stamps_are_numpy_s(seed, far, width, height):
    """And newer ticks go over older ones, in whatever order slices come."""
    before, now, signal = walks(200, seed, far)
    grid = CrowdGrid((width, height), LOW, HIGH, 0, (-1.0, 2.0))
    found = []
    for code in (plain, compiled):
        stamps = np.zeros(grid.shape, np.uint32)
        for tick in (5, 9, 7):
            code.add_stamps(TrailStep(tick, now, before, 3 * tick, signal), grid, stamps)
        found.append(stamps)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("code", CODES)
def test_slices_make_the_stamps_of_the_whole(code):
    before, now, _ = walks(500)
    grid = CrowdGrid((40, 30), LOW, HIGH)

    def stamped(*cuts):
        made = []
        for start, stop in pairwise(cuts):
            part = [places(each.position[start:stop], each.strand[start:stop]) for each in (now, before)]
            made.append(np.zeros(grid.shape, np.uint32))
            code.add_stamps(TrailStep(4, *part, start), grid, made[-1])
        return np.maximum.reduce(made)

    np.testing.assert_array_equal(stamped(0, 123, 124, 500), stamped(0, 500))


def test_threads_make_the_cells_of_one_into_the_same_arrays_tick_after_tick(monkeypatch):
    monkeypatch.setattr(threads, "LEAST_AGENTS", 100)
    grid, visits = CrowdGrid((40, 30), LOW, HIGH, 0, (-1.0, 1.0)), VisitGrid(20, LOW, HIGH)
    found = []
    for code in (ThreadedCells(compiled, 3), compiled):
        stamps, counts = np.zeros(grid.shape, np.uint32), np.zeros(visits.shape, np.uint32)
        for tick, agents in enumerate((1000, 400, 70)):
            before, now, signal = walks(agents, seed=tick)
            code.add_stamps(TrailStep(tick, now, before, 9, signal), grid, stamps)
            code.add_visits(now.position, visits, counts)
        found.append((stamps, counts))
        if code is not compiled:
            code.release()
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("edge", [1, 16, 129])
def test_visits_are_a_histogram_with_its_upper_borders(code, edge):
    _, now, _ = walks(3000, far=0.0)
    grid = VisitGrid(edge, LOW, HIGH)
    visits = np.zeros(grid.shape, np.uint32)
    for _ in range(2):
        code.add_visits(now.position, grid, visits)
    expected = np.zeros(grid.shape, np.uint32)
    low, high = np.array(LOW, np.float32), np.array(HIGH, np.float32)
    for place in now.position:
        if (place >= low).all() and (place <= high).all():
            x, y = np.minimum(((place - low) * (np.float32(edge) / (high - low))).astype(int), edge - 1)
            expected[y, x] += 2
    assert 0 < expected.sum() < 2 * 3000
    np.testing.assert_array_equal(visits, expected)
