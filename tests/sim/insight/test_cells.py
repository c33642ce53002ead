"""Cells of a map, and means over what lies in each, against their definitions."""

import numpy as np
import pytest

from valuescape.sim.insight.cells import CellSums, map_cells
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.insight.significance import student_p_values
from valuescape.sim.insight.student import reach_95
from valuescape.sim.worlds import make_world

EDGE = 4


def test_a_state_lies_in_the_cell_that_holds_it():
    plane = own_plane(make_world("mountain_car"))
    (x_low, y_low), (x_high, y_high) = plane.bounds
    shares = np.array(
        [[0, 0.24, 0.26, 1, 0.51, -0.01, 0.5, 1.01, np.nan], [0, 0, 0.6, 1, 0.99, 0, -0.01, 0, 0.5]]
    )
    states = np.float32([[x_low], [y_low]] + shares * [[x_high - x_low], [y_high - y_low]])
    assert map_cells(plane, states, EDGE).tolist() == [0, 0, 9, 15, 14, -1, -1, -1, -1]


def test_periodic_variables_are_taken_into_their_period():
    world = make_world("pendulum")
    plane = own_plane(world)
    assert plane.variables[0].periodic
    low, high = plane.variables[0].low, plane.variables[0].high
    inside = np.float32([[low + 0.6 * (high - low)], [0.1]])
    turned = inside + np.float32([[3 * (high - low)], [0]])
    assert map_cells(plane, turned, EDGE) == map_cells(plane, inside, EDGE)
    assert map_cells(plane, inside, EDGE) % EDGE == 2


def clustered(random, episodes, spread=1.0):
    """Values of episodes that stay in one cell for some steps: each has a level of its own, and noise."""
    lengths = random.integers(1, 9, episodes)
    episode = np.repeat(np.arange(episodes), lengths)
    return episode, random.normal(size=episodes)[episode] * spread + random.normal(size=len(episode)) * 0.3


def test_means_and_counts_are_those_of_each_cell():
    random = np.random.default_rng(0)
    cells, episode = random.integers(-1, EDGE**2, 500).astype(np.int32), random.integers(0, 40, 500)
    values = random.normal(size=(2, 500))
    values[1, 7] = np.nan
    sums = CellSums(EDGE, 2)
    for part in (episode < 20, episode >= 20):
        sums.add(cells[part], episode[part], values[:, part])
    known = (cells >= 0) & (np.arange(500) != 7)
    for quantity in (0, 1):
        means = sums.means(quantity)
        for cell in range(EDGE**2):
            here, at = known & (cells == cell), divmod(cell, EDGE)
            assert means.mean[at] == pytest.approx(values[quantity, here].mean())
            assert means.count[at] == here.sum()
            assert means.episodes[at] == len(set(episode[here]))


def test_the_interval_is_that_of_a_mean_over_episodes():
    """Of single values it is the usual one; of several, the spread is that between episodes."""
    random = np.random.default_rng(1)
    single = random.normal(size=30)
    sums = CellSums(1, 1)
    sums.add(np.zeros(30, np.int32), np.arange(30), single[None])
    expected = 2.045 * single.std(ddof=1) / np.sqrt(30)
    assert sums.means(0).half_width[0, 0] == pytest.approx(expected, rel=2e-3)

    episode, values = clustered(random, 30)
    sums = CellSums(1, 1)
    sums.add(np.zeros(len(values), np.int32), episode, values[None])
    rest = [(values[episode == e] - values.mean()).sum() for e in range(30)]
    error = np.sqrt(30 / 29 * np.square(rest).sum()) / len(values)
    assert sums.means(0).half_width[0, 0] == pytest.approx(2.045 * error, rel=2e-3)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Where steps of an episode are alike; intervals of single steps would hold it in two thirds of cases."""
    random, held, naive = np.random.default_rng(2), [], []
    for _ in range(400):
        episode, values = clustered(random, 25)
        sums = CellSums(1, 1)
        sums.add(np.zeros(len(values), np.int32), episode, values[None])
        held.append(not sums.means(0).certain[0, 0])
        naive.append(abs(values.mean()) < 1.97 * values.std() / np.sqrt(len(values)))
    assert 0.91 <= np.mean(held) <= 0.98
    assert np.mean(naive) < 0.75


def test_map_cells_fewer_than_two_episodes_are_not_certain():
    sums = CellSums(2, 1)
    cells = np.array([0, 0, 0, 1, 1], np.int32)
    sums.add(cells, np.array([0, 0, 0, 0, 1]), np.array([[5.0, 5.1, 5.2, 5.0, 5.001]]))
    means = sums.means(0)
    assert means.certain.tolist() == [[False, True], [False, False]]
    assert np.isinf(means.half_width[0, 0])
    assert np.isnan(means.mean[1]).all()


def test_the_reach_of_an_interval_is_that_of_student_s_t():
    freedom = np.array([1, 2, 3, 5, 9, 10, 30, 300])
    assert student_p_values(reach_95(freedom), freedom) == pytest.approx(0.05, rel=0.02)
    assert np.isinf(reach_95(0))
