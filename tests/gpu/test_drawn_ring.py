"""Rows of drawn agents, and cells from a reader, against the ring with rows of all agents and the shaders."""

import numpy as np
import pytest
from recording import Recording, spirals, with_breaks

from valuescape.gpu.drawn_ring import DrawnRing
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.crowd import CrowdPass
from valuescape.gpu.passes.density import DensityPass
from valuescape.gpu.trail_ring import TrailRing
from valuescape.render.scene.crowd_colors import cell_ages, cell_colors
from valuescape.sim.cells import plain
from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.choose import cell_code
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid
from valuescape.sim.cells.local import LocalReader
from valuescape.sim.cells.reader import merged

pytestmark = pytest.mark.gpu

BOUNDS, CELLS, EDGE, LENGTH, AGENTS = ((-2.0, -1.9), (1.7, 2.0)), (90, 70), 33, 32, 400
CODE = cell_code(simd=True)


def recording(ticks=80, agents=AGENTS, seed=1):
    """Paths with breaks, endings, and places that are nowhere."""
    positions, strands = with_breaks(spirals(agents, ticks, seed=seed))
    rng = np.random.default_rng(seed)
    positions[rng.random(positions.shape[:2]) < 0.02] = np.nan
    return Recording(positions, strands % 256, rng.integers(0, 3, strands.shape))


def signal(tick, agents):
    """Speeds of a sort; every eighth is unknown."""
    row = np.sin(np.arange(agents, dtype=np.float32) + tick)
    row[::8] = np.nan
    return row


class Full:
    """The plain path: all rows in the ring, cells by shaders."""

    ring_of = TrailRing

    def __init__(self, gl, half_life=5.0, agents=AGENTS):
        self.meter = FrameMeter()
        self.ring = self.ring_of(gl, agents, LENGTH, self.meter)
        self.crowd = CrowdPass(gl, self.ring, BOUNDS, self.meter)
        self.crowd.resize(CELLS)
        self.density = DensityPass(gl, self.ring, EDGE, BOUNDS, half_life, self.meter)

    def show(self, source, newest, by=None):
        self.density.update(self.ring.upload(source, newest, by))
        self.crowd.update()

    @property
    def stamps(self):
        return self.crowd.read_stamps()

    def release(self):
        for each in (self.crowd, self.density, self.ring):
            each.release()


class Drawn(Full):
    """Rows of a few agents, cells by a reader."""

    ring_of = DrawnRing
    reader = None

    def show(self, source, newest, by=None, drawn=(3, 9, 77)):
        self.reader = self.reader or LocalReader(source, self.ring.arrivals, LENGTH, CODE)
        self.news = self.reader.take(newest, np.array(drawn), self.density.grid, by)
        self.density.update(self.ring.take(self.news))
        self.crowd.take(self.reader)


@pytest.fixture
def both(gl):
    made = []

    def make(**options):
        made.extend((Full(gl, **options), Drawn(gl, **options)))
        return made[-2:]

    yield make
    for each in made:
        each.release()


def assert_same_cells(full, drawn):
    assert (full.stamps > 0).mean() > 0.02
    np.testing.assert_array_equal(drawn.stamps, full.stamps)
    assert full.density.read_visits().sum() > 0
    np.testing.assert_array_equal(drawn.density.read_visits(), full.density.read_visits())


def assert_same_rows(full, drawn, agents):
    assert drawn.ring.ticks == full.ring.ticks
    (positions, strands), (found, breaks) = full.ring.read(), drawn.ring.read()
    np.testing.assert_array_equal(found[:, : len(agents)], positions[:, agents])
    np.testing.assert_array_equal(breaks[:, : len(agents)], strands[:, agents])


@pytest.mark.parametrize("plainly", ["age", "agent", ""])
def test_the_colours_of_cells_are_those_of_the_shader(both, plainly):
    full, drawn = both()
    colormap = np.random.default_rng(0).integers(0, 256, (256, 4)).astype(np.uint8)
    colors = cell_colors(colormap, cell_ages(9.5, 20), 0.7, plainly)
    for each in (full, drawn):
        each.show(recording(), 30)
        each.crowd.paint(colors, CODE)
    assert 0.02 < (full.crowd.read_colors()[..., 3] > 0).mean() < (full.stamps > 0).mean()
    np.testing.assert_array_equal(drawn.crowd.read_colors(), full.crowd.read_colors())
    by_numpy = np.zeros_like(drawn.stamps)
    plain.paint(drawn.stamps, 31, colors, by_numpy)
    np.testing.assert_array_equal(
        by_numpy.view(np.uint8).reshape(*by_numpy.shape, 4), drawn.crowd.read_colors()
    )


@pytest.mark.parametrize("half_life", [0.0, 5.0])
@pytest.mark.parametrize("steps", [range(60), (4, 20, 59)], ids=["tick by tick", "in bunches"])
def test_a_reader_s_cells_are_those_of_the_shaders_bit_by_bit(both, half_life, steps):
    full, drawn = both(half_life=half_life)
    source = recording()
    for newest in steps:
        for each in (full, drawn):
            each.show(source, newest)
    assert_same_cells(full, drawn)
    assert_same_rows(full, drawn, [3, 9, 77])


def test_so_they_are_when_coloured_by_a_signal_and_after_its_scale_or_the_grid_changed(both):
    full, drawn = both()
    source = recording()
    for each in (full, drawn):
        each.ring.keep_signal(raw=True)
    steps = (30, (-1.0, 1.0), CELLS), (50, (-0.3, 2.0), CELLS), (70, (-0.3, 2.0), (40, 120))
    for newest, ends, cells in steps:
        for each in (full, drawn):
            each.crowd.color(ends)
            each.crowd.resize(cells)
            each.show(source, newest, signal)
        assert_same_cells(full, drawn)
    for tick in drawn.ring.ticks:
        of_all = full.ring.read_signal(tick)
        np.testing.assert_array_equal(drawn.ring.read_signal(tick)[:3], of_all[[3, 9, 77]])
    assert drawn.crowd.cells == (40, 120)


def test_other_agents_can_be_drawn_at_any_time_with_all_their_ticks(both):
    full, drawn = both()
    source = recording()
    for newest, agents in ((10, [5]), (40, np.arange(0, AGENTS, 2)), (41, [0, 399]), (41, range(AGENTS))):
        full.show(source, newest)
        drawn.show(source, newest, drawn=np.array(agents))
        assert_same_rows(full, drawn, np.array(agents))
        assert len(drawn.news.ticks) == len(full.ring.ticks)
    assert_same_cells(full, drawn)


def test_a_torn_row_is_left_out_with_those_before_it(both):
    full, drawn = both()
    source = recording()
    for newest, torn in ((20, ()), (30, (25,)), (60, (33,))):
        source.torn = set(torn)
        for each in (full, drawn):
            each.show(source, newest)
    source.torn = set()
    assert_same_cells(full, drawn)
    assert list(drawn.ring.missed) == list(full.ring.missed) == [range(21, 26), range(31, 34)]
    assert drawn.ring.ticks == range(34, 61)


def test_rows_that_are_overwritten_while_cells_are_made_again_leave_nothing(both):
    """The grid changes when the oldest kept rows are going: their stamps would be of later ticks."""
    full, drawn = both()
    source = recording()
    for each in (full, drawn):
        each.show(source, 40)
    source.torn = {9, 10, 11}
    drawn.crowd.resize((50, 50))
    drawn.crowd.take(drawn.reader)
    expected = LocalReader(source, drawn.ring.arrivals, 29, CODE)
    expected.take(40, np.array([0]), drawn.density.grid)
    np.testing.assert_array_equal(drawn.stamps, expected.stamps(drawn.crowd.grid).stamps)


def test_agents_that_come_are_drawn_and_counted_from_then_on(both):
    full, drawn = both(agents=300)
    grown, source = recording(), recording()
    source.positions, source.strands, source.endings = (
        each[:, :300] for each in (source.positions, source.strands, source.endings)
    )
    for each in (full, drawn):
        each.show(source, 30)
        each.ring.resize(AGENTS, 28, grown)
        each.crowd.clear()
    drawn.reader._source = grown
    drawn.reader.resize(AGENTS, 28)
    agents = np.array([0, 299, 300, 399])
    for newest in (31, 50):
        full.show(grown, newest)
        drawn.show(grown, newest, drawn=agents)
    assert_same_rows(full, drawn, agents)
    assert_same_cells(full, drawn)


def test_news_of_slices_merge_into_those_of_the_whole():
    source, visits, grid = recording(), VisitGrid(EDGE, *BOUNDS), CrowdGrid(CELLS, *BOUNDS)

    def read(start, stop, drawn):
        part = recording()
        part.positions, part.strands, part.endings = (
            each[:, start:stop] for each in (source.positions, source.strands, source.endings)
        )
        reader = LocalReader(part, Arrivals(stop - start), LENGTH, CODE, first_agent=start)
        news = reader.take(40, np.array(drawn) - start, visits)
        return news, reader.stamps(grid)

    whole, stamps = read(0, AGENTS, [2, 5, 130, 399])
    parts = [read(0, 130, [2, 5]), read(130, 131, [130]), read(131, AGENTS, [399])]
    together = merged([news for news, _ in parts])
    np.testing.assert_array_equal(together.visits, whole.visits)
    np.testing.assert_array_equal(together.rows.position, whole.rows.position)
    np.testing.assert_array_equal(together.rows.ending, whole.rows.ending)
    np.testing.assert_array_equal(np.maximum.reduce([each.stamps for _, each in parts]), stamps.stamps)


def test_individuals_are_drawn_from_their_slots(gl):
    each = Individuals(gl, 1000, FrameMeter(), drawn=True)
    each.choose(3)
    assert each.count == 0, "not before the ring has their rows"
    each.show(each.wanted)
    assert each.slots().tolist() == [0, 1, 2]
    np.testing.assert_array_equal(each.read(), each.wanted)
    each.release()
