"""What a picture gets from nodes is what it would get from one arena."""

from dataclasses import fields

import numpy as np
import pytest
from clusters import on_cluster
from crowds import crowd, shipped, small

from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.choose import cell_code
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid
from valuescape.sim.cells.local import LocalReader
from valuescape.sim.cells.reader import SignalRow
from valuescape.sim.cluster.packing import packed
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.signal_kinds import find_signal
from valuescape.sim.insight.signals import Signals

AGENTS, LENGTH = 300, 16
CHANGES = "world.name=point_mass", "policy.exploration=0.3", f"agents.count={AGENTS}"
CLUSTER = "workers.cluster=local", "workers.keep_ticks=20"


class Both:
    """The same run here and on three nodes, each with a reader; `take` compares what they say."""

    def __init__(self, here, there, color=""):
        self.engines, self.color = (here, there), color
        self.readers = (
            LocalReader(here, Arrivals(AGENTS), LENGTH, cell_code(simd=True)),
            there.cell_reader(LENGTH),
        )
        x, y = here.world.state[:2]
        self.window = (x.low, y.low), (x.high, y.high)
        self._stamps = [None, None]
        self._signals = [self._signal(each) if color else None for each in self.engines]

    def _signal(self, engine):
        signal, axes = find_signal(self.color, engine.world), engine.rules.map_axes
        signals = Signals(signal, engine.world, engine, axes, critic_of(engine.checkpoint))
        return SignalRow(signal.name, signals.row)

    def take(self, tick, drawn, edge=32, cells=(40, 30), ends=None):
        """Advance both to a tick, compare news and stamps, and return the news and the stamps."""
        for engine in self.engines:
            engine.advance_to(tick)
        grid = CrowdGrid(cells, *self.window, signal_range=ends)
        drawn, visits = np.array(drawn), VisitGrid(edge, *self.window)
        news = [
            reader.take(tick, drawn, visits, signal)
            for reader, signal in zip(self.readers, self._signals, strict=True)
        ]
        ours, theirs = news
        assert (theirs.kept, theirs.new, theirs.ticks, theirs.unsigned) == (
            ours.kept,
            ours.new,
            ours.ticks,
            ours.unsigned,
        )
        assert np.array_equal(theirs.drawn, ours.drawn)
        assert np.array_equal(theirs.visits, ours.visits)
        for field in fields(ours.rows):
            one, other = getattr(ours.rows, field.name), getattr(theirs.rows, field.name)
            assert (one is None) is (other is None)
            if one is not None:
                assert np.array_equal(one, other, equal_nan=field.name in ("position", "signal")), field.name
        for index, reader in enumerate(self.readers):
            found = reader.stamps(grid)
            self._stamps[index] = self._stamps[index] if found is None else found.stamps.copy()
        assert np.array_equal(*self._stamps)
        assert np.array_equal(self.readers[0].places(), self.readers[1].places())
        return ours, self._stamps[0]


@pytest.fixture
def runs():
    """Return the engines of both runs, and the nodes."""
    config = small(*CHANGES, *CLUSTER)
    checkpoint = shipped(config)
    with (
        crowd(config, checkpoint) as here,
        on_cluster(config, checkpoint, 3, kept=9) as (there, nodes),
    ):
        yield here, there, nodes


def test_a_picture_gets_the_same_while_nodes_are_lost_and_join(runs):
    here, there, nodes = runs
    both = Both(here, there)
    for tick in (0, 1, 5, 9):
        news, stamps = both.take(tick, [0, 5, 100, 101, 299])
        assert news.visits.sum() > 0
        assert stamps.any()
    both.take(20, [3, 5, 200])
    nodes.nodes[1].kill()
    both.take(21, [3, 5, 200])
    both.take(22, [3, 5, 200])
    nodes.join()
    both.take(41, [3, 5, 200])
    assert len(there.team.at_work) == 3
    both.take(60, [3, 5, 200], cells=(50, 30))
    both.take(61, [3], edge=16, cells=(50, 30))
    both.take(61 + 3 * LENGTH, [3, 4], cells=(50, 30))  # with ticks that neither has seen


@pytest.mark.parametrize("color", ["speed", "reward", "value", "td_error"])
def test_signals_are_computed_on_the_nodes(runs, color):
    """A critic's too; its sums are made of blocks, wherever they are made."""
    both = Both(runs[0], runs[1], color)
    both.take(3, [1, 40, 250], ends=(-1.0, 1.0))
    news, stamps = both.take(8, [1, 40, 250], ends=(-1.0, 1.0))
    assert np.isfinite(news.rows.signal).all()
    assert len(np.unique(stamps & 0xFFF)) > 3


def test_while_agents_are_made_again_there_is_no_news_and_nobody_waits(runs):
    _, there, nodes = runs
    reader, window = there.cell_reader(LENGTH), VisitGrid(8, (-1.0, -1.0), (1.0, 1.0))
    there.advance_to(30)
    drawn = np.array([2, 150])
    assert len(reader.take(30, drawn, window).new) == LENGTH
    nodes.nodes[0].kill()
    there.run_until(40)
    there.check()
    there.check()
    assert not there.is_level
    news = reader.take(31, np.array([2, 150, 200]), window)
    assert (len(news.new), news.rows.position.shape) == (0, (0, 2, 2))
    assert news.drawn.tolist() == [2, 150]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.9])
def test_cells_are_packed_in_few_bytes_and_come_out_as_they_were(share):
    chance = np.random.default_rng(4)
    cells = (chance.integers(1, 200, (3, 64, 64)) * (chance.random((3, 64, 64)) < share)).astype(np.uint32)
    found = packed(cells)
    assert found.nbytes <= min(cells.size, 3 * np.count_nonzero(cells))
    added, put = np.ones_like(cells), np.full_like(cells, 7)
    found.add_to(added)
    found.put_into(put)
    assert np.array_equal(added, cells + 1)
    assert np.array_equal(put, np.maximum(cells, 7))
