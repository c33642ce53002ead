"""Streaks: the same every time, drawn out along the flow, brighter towards where it goes."""

import numpy as np
import pytest

from valuescape.sim.insight.streaks import STEP, STEPS, streaks

EDGE = 64


def flow(x, y):
    """The same direction everywhere."""
    return np.broadcast_to(np.float32([x, y])[:, None, None], (2, EDGE, EDGE)).copy()


def alike(texture, columns, rows):
    """Correlation of a texture with itself, shifted."""
    moved = np.roll(texture, (rows, columns), (0, 1))
    return np.corrcoef(texture.ravel(), moved.ravel())[0, 1]


def test_they_are_the_same_every_time_and_for_any_speed():
    first = streaks(flow(1, 2))
    np.testing.assert_array_equal(first, streaks(flow(1, 2)))
    np.testing.assert_array_equal(first, streaks(1e-6 * flow(1, 2)))
    assert first.dtype == np.float32
    assert 0 <= first.min() < 0.1
    assert 0.9 < first.max() <= 1


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, -1), (1, 1), (-1, 1)])
def test_neighbours_along_the_flow_are_more_alike_than_across(x, y):
    texture = streaks(flow(x, y), (True, True))
    along, across = alike(texture, 3 * x, 3 * y), alike(texture, -3 * y, 3 * x)
    assert along > 0.5
    assert along > across + 0.3


def test_heads_are_brighter_than_tails():
    """Along the flow a grain rises slowly and falls at once: most steps go up, the largest go down."""
    rise = np.diff(streaks(flow(1, 0), (True, True)), axis=1)
    assert (rise > 0).sum() > 2 * (rise < 0).sum()
    assert -rise.min() > 3 * np.median(rise[rise > 0])
    back = np.diff(streaks(flow(-1, 0), (True, True)), axis=1)
    assert (back < 0).sum() > 2 * (back > 0).sum()


def test_without_flow_grains_stay_and_where_it_is_unknown_there_are_none():
    still, unknown = flow(0, 0), flow(1, 0)
    unknown[:, :, 40:] = np.nan
    assert (streaks(still) > 0).mean() == pytest.approx(0.035, abs=0.01)
    assert (streaks(unknown)[:, 40:] == 0).all()
    assert (streaks(unknown)[:, :40] > 0).any()


def test_lines_end_at_a_border_but_not_at_a_periodic_edge():
    reach = round(STEP * STEPS)
    ended, round_it = streaks(flow(1, 0)), streaks(flow(1, 0), (True, False))
    np.testing.assert_array_equal(ended[:, reach + 1 :], round_it[:, reach + 1 :])
    assert round_it[:, :reach].sum() > ended[:, :reach].sum()
