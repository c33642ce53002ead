"""The crowd's map against a twin in NumPy, and which agents are not of the crowd."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording import Recording, spirals, with_breaks

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes import crowd
from valuescape.gpu.passes.crowd import COVERED, CrowdPass, ticks_to_show
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

BOUNDS, EDGE, LENGTH = ((-2.0, -2.0), (2.0, 2.0)), 96, 64


def walked(source, ticks):
    """Return the newest of `ticks` in each cell [EDGE, EDGE], -1 for none: segment by segment."""
    found = np.full((EDGE, EDGE), -1)
    cells = (source.positions - np.float32(-2)) / np.float32(4) * np.float32(EDGE)
    for tick in ticks:
        for agent, end in enumerate(cells[tick]):
            joined = tick > ticks.start and source.strands[tick, agent] == source.strands[tick - 1, agent]
            begin = cells[tick - 1, agent] if joined else end
            way = end - begin
            if not np.abs(way).max() < 4 * EDGE:
                continue
            steps = max(int(np.ceil(np.abs(way).max())), 1)
            for k in range(1, steps + 1):
                at = begin + way * np.float32(k / steps)
                if (at >= 0).all() and (at <= EDGE).all():
                    x, y = np.minimum(at.astype(int), EDGE - 1)
                    found[y, x] = tick
    return found


def assert_alike(found, expected):
    """Equal, but for cells that a line only just touches, where the last bit decides."""
    assert (found != expected).mean() < 0.002
    assert abs((found >= 0).sum() - (expected >= 0).sum()) < 0.01 * (expected >= 0).sum() + 2


class Crowd:
    """A crowd pass over a recording; `show` brings it to a tick."""

    def __init__(self, gl, source, length=LENGTH):
        self.source = source
        self.meter = FrameMeter()
        self.ring = TrailRing(gl, source.positions.shape[1], length, self.meter)
        self.crowd = CrowdPass(gl, self.ring, BOUNDS, self.meter)
        self.crowd.resize((EDGE, EDGE))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.crowd.release()
        self.ring.release()

    def show(self, *ticks):
        for tick in ticks:
            self.ring.upload(self.source, tick)
            self.crowd.update()
        return self.crowd.read_ticks()


@pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])
@pytest.mark.parametrize("agents", [1, 300])
def test_cells_know_the_newest_tick_that_crossed_them(gl, agents, broken):
    positions = spirals(agents, 60, seed=agents)
    source = Recording(*with_breaks(positions)) if broken else Recording(positions)
    with Crowd(gl, source) as each:
        assert_alike(each.show(59), walked(source, range(60)))


def test_tick_by_tick_is_as_all_at_once(gl):
    source = Recording(*with_breaks(spirals(200, 60)))
    with Crowd(gl, source) as slowly, Crowd(gl, source) as at_once:
        np.testing.assert_array_equal(slowly.show(*range(60)), at_once.show(59))
        assert slowly.meter.dispatches == 60
        assert at_once.meter.dispatches == 1


def test_a_tick_without_news_costs_nothing(gl):
    with Crowd(gl, Recording(spirals(10, 20))) as each:
        each.show(19, 19, 19)
        assert each.meter.dispatches == 1


def test_after_a_gap_it_knows_what_the_ring_knows(gl):
    """As when all were individuals for longer than the ring reaches back."""
    source = Recording(spirals(50, 300))
    with Crowd(gl, source) as each:
        each.show(9)
        for tick in range(10, 299):
            each.ring.upload(source, tick)
        assert_alike(each.show(299), walked(source, each.ring.ticks))


def test_it_begins_again_before_stamps_run_out(gl, monkeypatch):
    monkeypatch.setattr(crowd, "STAMP_TICKS", 100)
    source = Recording(spirals(50, 250))
    with Crowd(gl, source) as each:
        found = each.show(*range(250))
        assert each.crowd.first_tick > 100
        recent = np.where(found > 250 - LENGTH, found, -1)
        assert_alike(recent, walked(source, range(250 - LENGTH + 1, 250)))


def test_what_is_nowhere_leaves_nothing(gl):
    positions = np.array([[[np.nan, 0.5]], [[np.nan, 0.6]], [[1e9, 0]], [[np.inf, 0]]], np.float32)
    with Crowd(gl, Recording(positions)) as each:
        assert (each.show(3) == -1).all()


def test_corners_are_in_the_map(gl):
    corners = np.array([[[-2, -2], [2, -2], [-2, 2], [2, 2]]], np.float32)
    with Crowd(gl, Recording(corners)) as each:
        assert np.argwhere(each.show(0) == 0).tolist() == [[0, 0], [0, 95], [95, 0], [95, 95]]


# --- How far back its trails reach -----------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first examples of a cold machine are slow
@given(st.lists(st.integers(0, 200), min_size=1, max_size=300), st.integers(2, 128))
def test_trails_reach_as_far_back_as_there_is_room(ages, length):
    ages = np.array(ages)
    ticks = ticks_to_show(ages, length)
    assert 1 <= ticks <= length - 1
    if ticks > 1:
        assert (ages < ticks).mean() < COVERED
    if ticks < length - 1:
        shown = ages[ages < length]
        assert (ages <= ticks).mean() >= COVERED or (shown <= ticks / 2).mean() >= 0.5


def test_trails_that_do_not_touch_are_whole_and_a_tangle_is_not():
    nowhere = np.full(10_000, 99)
    assert ticks_to_show(np.r_[nowhere, np.arange(64)], 64) == 63
    assert ticks_to_show(np.r_[nowhere, [0, 1, 2, 3, 4]], 64) == 5
    assert ticks_to_show(nowhere, 64) == 63


def test_a_full_map_shows_less_of_every_trail_and_an_empty_one_all(gl):
    rng = np.random.default_rng(0)
    everywhere = rng.uniform(-2, 2, (LENGTH, 3000, 2)).astype(np.float32)
    strands = np.arange(LENGTH)[:, None].repeat(3000, axis=1)  # points: no agent is that fast
    with (
        Crowd(gl, Recording(everywhere, strands)) as full,
        Crowd(gl, Recording(spirals(20, LENGTH))) as empty,
    ):
        for each, expected in ((full, -np.log(1 - COVERED) * EDGE**2 / 3000), (empty, LENGTH - 1)):
            each.show(LENGTH - 1)
            each.crowd.fit()
            assert abs(each.crowd.ticks_shown - expected) <= 1


def test_cells_that_nobody_has_crossed_yet_are_not_covered(gl):
    """Nor in the first ticks of a run, when nothing is as old as trails are long."""
    with Crowd(gl, Recording(spirals(20, 9))) as each:
        each.show(8)
        each.crowd.fit()
        assert each.crowd.ticks_shown >= 8, "all that there is"


def test_a_size_that_is_nearly_the_same_changes_nothing(gl):
    with Crowd(gl, Recording(spirals(20, 9))) as each:
        each.show(8)
        each.crowd.resize((EDGE + 10, EDGE - 10))
        assert each.crowd.cells == (EDGE, EDGE)
        each.crowd.resize((EDGE + 30, EDGE))
        assert (each.crowd.read_ticks() == -1).all()
        assert (each.show(8) >= 0).any()


# --- Individuals -----------------------------------------------------------------------------------------


def test_individuals_are_a_sample_that_grows(gl):
    each = Individuals(gl, 1000, FrameMeter())
    assert each.everyone
    chosen = []
    for count in (10, 100, 999):
        assert each.choose(count)
        assert not each.choose(count), "that is no change"
        chosen.append(np.frombuffer(each.buffer.read(), np.uint32)[:count])
    for some in chosen:
        assert (np.diff(some.astype(int)) > 0).all()
    assert set(chosen[0]) < set(chosen[1]) < set(chosen[2])
    assert chosen[1].max() > 900, "not the first hundred"
    assert each.choose(5000)
    np.testing.assert_array_equal(np.frombuffer(each.buffer.read(), np.uint32), np.arange(1000))
    each.release()
