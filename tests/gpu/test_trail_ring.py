"""The ring of trail rows: which are uploaded, and which can be shown."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording import Recording

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

AGENTS, LENGTH = 3, 5
ROW_BYTES = AGENTS * 12


@pytest.fixture
def ring(gl):
    ring = TrailRing(gl, AGENTS, LENGTH, FrameMeter())
    yield ring
    ring.release()


def recording(ticks):
    """Every number names its tick, agent and axis."""
    tick, agent, axis = np.meshgrid(np.arange(ticks), np.arange(AGENTS), np.arange(2), indexing="ij")
    return Recording(tick * 100 + agent * 10 + axis, tick[..., 0] * 7 + agent[..., 0])


def shown(ring):
    """Return {tick: (position row, strand row)} of what can be drawn."""
    positions = np.frombuffer(ring.position.read(), np.float32).reshape(LENGTH, AGENTS, 2)
    strands = np.frombuffer(ring.strand.read(), np.uint32).reshape(LENGTH, AGENTS)
    return {tick: (positions[tick % LENGTH], strands[tick % LENGTH]) for tick in ring.ticks}


def assert_shows(ring, source, ticks):
    assert ring.ticks == ticks
    for tick, (position, strand) in shown(ring).items():
        np.testing.assert_array_equal(position, source.positions[tick])
        np.testing.assert_array_equal(strand, source.strands[tick])


def test_only_new_rows_are_uploaded(ring):
    source = recording(20)
    costs = []
    for newest in (0, 1, 1, 4, 6, 19):
        ring._meter.clear()
        ticks = ring.upload(source, newest)
        costs.append((ticks, ring._meter.upload_bytes))
    assert costs == [
        (range(0, 1), ROW_BYTES),
        (range(1, 2), ROW_BYTES),
        (range(0), 0),
        (range(2, 5), 3 * ROW_BYTES),
        (range(5, 7), 2 * ROW_BYTES),
        (range(15, 20), LENGTH * ROW_BYTES),  # what would be overwritten at once is not fetched
    ]
    assert max(source.asked) == 19
    assert not set(source.asked) & set(range(7, 15))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(0, 9), min_size=1, max_size=12))
def test_the_ring_holds_the_newest_rows(gl, steps):
    ring, newest = TrailRing(gl, AGENTS, LENGTH, FrameMeter()), 0
    source = recording(sum(steps) + 1)
    for step in steps:
        gap = step > LENGTH
        newest += step
        ring.upload(source, newest)
        assert ring.newest == newest
        assert len(ring.ticks) <= LENGTH
        assert not gap or ring.oldest == newest - LENGTH + 1
        assert_shows(ring, source, ring.ticks)
    ring.release()


def test_the_ring_fills_up_and_then_moves(ring):
    source = recording(9)
    for newest in range(9):
        ring.upload(source, newest)
        assert_shows(ring, source, range(max(0, newest - LENGTH + 1), newest + 1))
    assert ring.first_index(8) == 8 % LENGTH * AGENTS


def test_what_was_overwritten_while_it_was_copied_is_not_shown(ring):
    source = recording(9)
    ring.upload(source, 3)
    source.torn = {4, 5}
    assert ring.upload(source, 7) == range(6, 8)
    assert_shows(ring, source, range(6, 8))
    ring.upload(source, 8)
    assert_shows(ring, source, range(6, 9))


@pytest.mark.parametrize("newest", [4, 6, 8])
def test_if_even_the_newest_row_was_overwritten_nothing_changes(ring, newest):
    source = recording(12)
    ring.upload(source, 3)
    source.torn = set(range(4, newest + 1))
    ring._meter.clear()
    assert ring.upload(source, newest) == range(0)
    assert ring._meter.upload_bytes == 0
    assert_shows(ring, source, range(0, 4))
    source.torn = set()
    ring.upload(source, 9)
    assert_shows(ring, source, range(5, 10))


def test_rows_that_were_copied_before_the_newest_was_lost_are_not_taken_for_their_predecessors(ring):
    """Tick 5 came through and lies in tick 0's place; 6 did not."""
    source = recording(9)
    ring.upload(source, 4)
    source.torn = {6}
    assert ring.upload(source, 6) == range(0)
    assert_shows(ring, source, range(1, 5))
