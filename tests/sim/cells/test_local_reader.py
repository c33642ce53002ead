"""Rows of one arena, reduced while its workers go on writing."""

import numpy as np
import pytest
from recording import Recording, spirals

from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.choose import cell_code
from valuescape.sim.cells.grid import VisitGrid
from valuescape.sim.cells.local import LocalReader

AGENTS, LENGTH, NEWEST = 50, 16, 20
DRAWN = np.array([3, 9])
GRID = VisitGrid(33, (-2.0, -2.0), (2.0, 2.0))


class Overtaken(Recording):
    """Rows up to tick `lost` are written anew once each has been read for the cells."""

    def __init__(self, positions, lost):
        super().__init__(positions)
        self.lost = lost

    def trail_intact(self, tick):
        return tick > self.lost or self.asked.count(tick) <= 2  # a position and a strand


def taken(lost):
    source = Overtaken(spirals(AGENTS, NEWEST + 1), lost)
    return LocalReader(source, Arrivals(AGENTS), LENGTH, cell_code(simd=False)).take(NEWEST, DRAWN, GRID)


@pytest.mark.parametrize("lost", [17, 18, NEWEST])
def test_ticks_that_are_gone_before_their_rows_are_read_are_no_news(lost):
    whole, news = taken(lost=-1), taken(lost)
    left = NEWEST - lost
    assert whole.new == range(NEWEST - LENGTH + 1, NEWEST + 1)
    assert news.kept == news.new == news.ticks == range(lost + 1, NEWEST + 1)
    np.testing.assert_array_equal(news.visits, whole.visits[LENGTH - left :])
    np.testing.assert_array_equal(news.rows.position, whole.rows.position[LENGTH - left :])
