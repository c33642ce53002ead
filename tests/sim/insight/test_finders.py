"""Finders against planted errors, cliffs, stuck agents and circles, and against data without any."""

import math

import numpy as np
import pytest

from valuescape.sim.insight.finders import (
    loops,
    overconfident_regions,
    stuck,
    underconfident_regions,
    unvisited_but_promised,
    value_cliffs,
)
from valuescape.sim.insight.regions import label_cells, regions
from valuescape.sim.insight.significance import discoveries, significant_cells, student_p_values

CELLS = 64
X, Y = np.linspace(-1, 1, CELLS), np.linspace(10, 20, CELLS)


def student_tail(t, n):
    """Two-sided p-value at whole degrees of freedom: the sums of Abramowitz & Stegun 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(n))
    cosine, term, total = math.cos(angle), 1.0, 1.0
    if n == 1:
        return 1 - 2 * angle / math.pi
    for k in range(3 if n % 2 else 2, n - 1, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    if n % 2:
        return 1 - 2 / math.pi * (angle + math.sin(angle) * cosine * total)
    return 1 - math.sin(angle) * total


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10, 63, 64, 255, 1000])
def test_p_values_are_students(n):
    t = np.array([0.0, 0.01, 0.5, 1.0, 1.7, 2.0, 3.0, 4.0])
    assert student_p_values(-t, n) == pytest.approx([student_tail(each, n) for each in t], rel=1e-8)


def test_p_values_of_many_rollouts_are_normal_far_into_the_tail():
    assert student_p_values(6.0, 1e7) == pytest.approx(math.erfc(6 / math.sqrt(2)), rel=1e-4)
    assert student_p_values([12.706204736], 1) == pytest.approx(0.05, rel=1e-8)


def test_discoveries_of_a_known_list():
    """The fifteen p-values of Benjamini & Hochberg (1995), section 3.2: four are rejected at 5 %."""
    small = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459)
    p = np.array([*small, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000])
    assert discoveries(p[::-1]).sum() == 4
    assert discoveries(np.append(p, [np.nan] * 100)).sum() == 4


def measured(seed, planted, rollouts=16):
    """The error of a critic that is off by 6 standard errors in planted cells, from noisy rollouts."""
    random = np.random.default_rng(seed)
    samples = 2.0 * random.normal(size=(rollouts, *planted.shape)) + planted * (6 * 2.0 / math.sqrt(rollouts))
    return samples.mean(axis=0), samples.std(axis=0, ddof=1) / math.sqrt(rollouts)


def planted_cells(seed):
    """5 % of the cells: a block and single ones, at random places."""
    random = np.random.default_rng(1000 + seed)
    wanted = round(0.05 * CELLS**2)
    planted = np.zeros((CELLS, CELLS), bool)
    row, column = random.integers(0, CELLS - 12, 2)
    planted[row : row + 12, column : column + 12] = True
    others = random.permutation(np.flatnonzero(~planted))[: wanted - 144]
    planted.ravel()[others] = True
    return planted


def test_a_planted_bias_is_found():
    recall, false = [], []
    for seed in range(20):
        planted = planted_cells(seed)
        found = significant_cells(*measured(seed, planted), 16)
        recall.append(found[planted].mean())
        false.append((found & ~planted).sum() / max(1, found.sum()))
    assert np.mean(recall) >= 0.95
    assert np.mean(false) <= 0.05


def test_without_a_bias_hardly_anything_is_found():
    """Any cell found is a false discovery. Without control, 5 % of the cells of each map would be found."""
    nothing = np.zeros((CELLS, CELLS), bool)
    maps = [significant_cells(*measured(seed, nothing, 8), 8).any() for seed in range(200)]
    assert np.mean(maps) <= 0.09  # 5 % and 2.6 standard deviations of 200 maps
    assert (student_p_values(measured(0, nothing, 8)[0] / measured(0, nothing, 8)[1], 7) < 0.05).sum() > 100


def test_certain_returns_count_beyond_the_tolerance():
    error = np.array([[0.0, 0.01, -0.2, np.nan, 5.0]])
    assert significant_cells(error, np.zeros((1, 5)), 1, tolerance=0.1).tolist() == [
        [False, False, True, False, True]
    ]
    assert significant_cells(error, np.zeros((1, 5)), 1).tolist() == [[False, True, True, False, True]]


def test_cells_of_unknown_spread_are_never_significant():
    error, spread = np.full((1, 3), 100.0), np.array([[np.nan, 0.1, 0.1]])
    assert significant_cells(error, spread, np.array([[9, 1, 9]])).tolist() == [[False, False, True]]


def test_errors_within_the_tolerance_are_not_significant():
    error, spread = np.array([[1.0, 3.0]]), np.full((1, 2), 0.01)
    assert significant_cells(error, spread, 50, tolerance=2.0).tolist() == [[False, True]]


def flooded(mask, periodic):
    """Labels by flood fill, one cell after the other."""
    labels = np.full(mask.shape, -1)
    count = 0
    for start in map(tuple, np.argwhere(mask)):
        if labels[start] >= 0:
            continue
        waiting = [start]
        while waiting:
            row, column = waiting.pop()
            labels[row, column] = count
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                y, x = row + dy, column + dx
                if periodic[0]:
                    x %= mask.shape[1]
                if periodic[1]:
                    y %= mask.shape[0]
                inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
                if inside and mask[y, x] and labels[y, x] < 0:
                    waiting.append((y, x))
        count += 1
    return labels


@pytest.mark.parametrize("periodic", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (17, 23)])
def test_labels_are_those_of_a_flood_fill(shape, periodic):
    random = np.random.default_rng(0)
    for share in (0.0, 0.3, 0.6, 1.0):
        mask = random.random(shape) < share
        assert np.array_equal(label_cells(mask, periodic), flooded(mask, periodic))


def test_a_long_spiral_is_one_region():
    """Regions bend: a comb of single-cell teeth needs labels to travel far."""
    mask = np.zeros((41, 41), bool)
    mask[::2] = True
    mask[1::4, -1] = mask[3::4, 0] = True
    assert label_cells(mask).max() == 0


def test_a_region_says_where_and_how_much():
    error = np.zeros((CELLS, CELLS))
    error[10:13, 20:25] = 2.0
    error[11, 21] = 5.0
    error[40, 40] = -50.0
    high = overconfident_regions(error, error != 0, x=X, y=Y)
    assert len(high) == 1
    (each,) = high
    assert len(each.cells) == 15
    assert each.share == 15 / CELLS**2
    assert each.mean == pytest.approx((14 * 2 + 5) / 15)
    assert (each.extreme, each.extreme_cell) == (5.0, (11, 21))
    assert each.extreme_at == (X[21], Y[11])
    assert each.centre == pytest.approx((X[22], Y[11]))
    (low,) = underconfident_regions(error, error != 0, x=X, y=Y)
    assert (low.extreme, low.extreme_cell, low.centre) == (-50.0, (40, 40), (X[40], Y[40]))


def test_regions_rank_by_the_sum_of_error():
    error = np.zeros((CELLS, CELLS))
    error[0, :30], error[10, 0], error[20, :2] = 1.0, -40.0, 10.0
    ranked = regions(error != 0, error, x=X, y=Y)
    assert [each.weight for each in ranked] == [-40.0, 30.0, 20.0]
    assert [each.weight for each in regions(error != 0, error, x=X, y=Y, most=2)] == [-40.0, 30.0]
    assert regions(np.zeros_like(error, bool), error, x=X, y=Y) == []


def test_a_region_across_a_periodic_edge_is_one():
    angle = -np.pi + 2 * np.pi * (np.arange(CELLS) + 0.5) / CELLS
    error = np.zeros((CELLS, CELLS))
    error[5, [0, 1, 2, 62, 63]] = 1.0
    assert len(regions(error != 0, error, x=angle, y=Y)) == 2
    (each,) = regions(error != 0, error, x=angle, y=Y, periodic=(True, False))
    assert each.centre == pytest.approx((angle[0], Y[5]))
    error[5] = 1.0
    error[5, 7] = 2.0
    (ring,) = regions(error == 1, error, x=angle, y=Y, periodic=(True, False))
    assert ring.centre[0] == pytest.approx(angle[39])
    (whole,) = regions(error > 0, error, x=angle, y=Y, periodic=(True, False))
    assert whole.centre[0] == angle[7]


def test_unvisited_but_promised():
    value = -np.hypot(*np.meshgrid(X, X)) - 30
    visits = np.ones((CELLS, CELLS), int)
    assert unvisited_but_promised(value, visits, x=X, y=Y) == []
    visits[30:33, 28:36] = 0
    visits[0:5, 0:5] = 0  # a corner of low value
    value[32, 35] = np.nan
    (each,) = unvisited_but_promised(value, visits, x=X, y=Y)
    assert len(each.cells) == 23
    assert each.extreme == np.nanmax(value[30:33, 28:36])
    assert unvisited_but_promised(np.full((CELLS, CELLS), 3.0), np.zeros_like(visits), x=X, y=Y) == []
    assert unvisited_but_promised(np.full((CELLS, CELLS), np.nan), np.zeros_like(visits), x=X, y=Y) == []


def critic_run(seed, length=400, agents=5, gamma=0.98):
    """Values of a noisy but fair critic under random rewards, [T, n]."""
    random = np.random.default_rng(seed)
    rewards = random.normal(size=(length, agents))
    values = np.zeros((length, agents))
    for tick in reversed(range(length - 1)):
        values[tick] = rewards[tick] + gamma * values[tick + 1]
    return values + 0.1 * random.normal(size=values.shape), rewards


def test_planted_cliffs_are_found_and_nothing_else():
    for seed in range(10):
        values, rewards = critic_run(seed)
        assert value_cliffs(values, rewards, gamma=0.98) == []
        values[:200, 3] += 5.0
        values[:100, 1] += 9.0
        found = value_cliffs(values, rewards, gamma=0.98)
        assert [(each.agent, each.tick) for each in found] == [(1, 99), (3, 199)]
        assert found[0].unexplained == pytest.approx(9, abs=1)
        assert found[0].before - found[0].after == pytest.approx(9, abs=6)


def test_a_fall_that_the_reward_explains_is_no_cliff():
    values, rewards = critic_run(3, agents=1)
    values[:100] += 50.0
    assert [each.tick for each in value_cliffs(values, rewards, gamma=0.98)] == [99]
    rewards[99] += 50.0
    assert value_cliffs(values, rewards, gamma=0.98) == []
    steady = np.where(np.arange(200) < 100, 60.0, 10.0)
    got = np.where(np.arange(200) == 99, 50.0, 0.0)
    assert value_cliffs(steady, got, gamma=1.0) == []
    assert [each.tick for each in value_cliffs(steady, np.zeros(200), gamma=1.0)] == [99]


def test_a_reward_that_the_value_did_not_foresee_is_no_cliff():
    rewards = np.where(np.arange(200) == 99, 50.0, 0.0)
    for sign in (-1, 1):
        assert value_cliffs(np.full(200, 10.0), sign * rewards, gamma=1.0) == []


def test_the_end_of_an_episode_is_no_cliff():
    values = np.where(np.arange(200) < 100, 60.0, 10.0)
    assert value_cliffs(values, np.zeros(200), gamma=1.0, ended=np.arange(200) == 99) == []


def test_cliffs_of_short_or_unknown_values():
    assert value_cliffs([1.0], [0.0], gamma=1.0) == []
    assert value_cliffs([np.nan, np.inf, np.nan], [0.0] * 3, gamma=1.0) == []
    values = np.array([5.0, 5.0, np.nan, -50.0, -50.0, -50.0])
    assert value_cliffs(values, np.zeros(6), gamma=1.0) == []


def test_a_stuck_agent_is_found():
    random = np.random.default_rng(0)
    values = np.linspace(-50, 0, 600)[:, None] + 0.1 * random.normal(size=(600, 8))
    assert stuck(values, ticks=50) == []
    values[200:, 5] = values[199, 5] + 0.1 * random.normal(size=400)
    (each,) = stuck(values, ticks=50)
    assert each.agent == 5
    assert abs(each.first - 200) <= 50
    assert each.last == 599
    assert each.gain <= 0.02 * 50
    assert stuck(values, ticks=50, satisfied=-40.0) == []
    assert stuck(values[:90], ticks=50) == []


def test_swings_longer_than_the_window_are_progress_to_nobody():
    """An oscillation whose every swing is as high as the last is stuck; one that builds up is not."""
    ticks = np.arange(800)
    swing = np.sin(2 * np.pi * ticks / 40)
    both = np.stack([swing, swing * (1 + ticks / 100)], axis=1)
    assert [each.agent for each in stuck(both, ticks=80, least=0.1)] == [0]


def test_episodes_bound_stretches():
    values = np.zeros(300)
    ended = np.arange(300) % 60 == 59
    assert stuck(values, ticks=40, ended=ended) == []
    (each,) = stuck(values, ticks=25, ended=ended)
    assert (each.first, each.last) == (25, 59)
    assert stuck(np.full((300, 2), np.nan), ticks=25) == []


def circle(period, radius, noise, seed, ticks=300, centre=(3.0, -2.0)):
    random = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(ticks) / period
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * radius + centre
    return ring + noise * random.normal(size=ring.shape)


@pytest.mark.parametrize("period", [5, 17, 60, 100])
@pytest.mark.parametrize("radius", [0.01, 1.0, 1000.0])
def test_circles_are_found(period, radius):
    trails = np.stack([circle(period, radius, 0.05 * radius, seed) for seed in range(20)], axis=1)
    found = loops(trails)
    assert sorted(each.agent for each in found) == list(range(20))
    for each in found:
        assert abs(each.period - period) <= (0 if period <= 20 else 0.05 * period)
        assert each.centre == pytest.approx((3.0, -2.0), abs=0.1 * radius)
        assert each.radius == pytest.approx(radius, rel=0.1)


def test_a_circle_after_an_approach_is_found():
    trail = np.concatenate([np.linspace((-9, 0), (4, -2), 200), circle(17, 1.0, 0.05, 0, ticks=60)])
    (each,) = loops(trail[:, None])
    assert each.period == 17


def test_no_loops_in_rest_trembling_straight_runs_and_walks():
    random = np.random.default_rng(0)
    ticks = np.arange(300.0)[:, None]
    trails = [np.full((300, 2), 7.3), ticks * (1e-4, 0.0), ticks * (1.0, -2.0) + 5, ticks**2 * (0.0, 0.01)]
    trails += [7.3 + 0.01 * random.normal(size=(300, 2)) for _ in range(40)]
    trails += [ticks * (0.01, 0.02) + 0.01 * random.normal(size=(300, 2)) for _ in range(40)]
    trails += [np.cumsum(random.normal(size=(300, 2)), axis=0) for _ in range(40)]
    trails += [np.full((300, 2), np.nan), np.full((300, 2), np.inf)]
    assert loops(np.stack(trails, axis=1)) == []


def test_a_loop_needs_its_turns_within_the_episode():
    trail = circle(17, 1.0, 0.0, 0)[:, None]
    ended = np.zeros((300, 1), bool)
    ended[300 - 52] = True
    assert [each.period for each in loops(trail, ended=ended)] == [17]
    ended[300 - 51] = True
    assert loops(trail, ended=ended) == []
    assert loops(trail[:5]) == []


def test_a_steady_rotation_is_a_loop_on_a_periodic_axis():
    angle = (0.3 + 2 * np.pi * np.arange(200) / 25 + np.pi) % (2 * np.pi) - np.pi
    trail = np.stack([angle, np.full(200, 4.0)], axis=-1)[:, None]
    (each,) = loops(trail, wrap=((-np.pi, np.pi), None))
    assert each.period == 25
    assert -np.pi <= each.centre[0] < np.pi
    assert each.centre[1] == 4.0


def test_a_loop_is_found_on_a_periodic_axis_after_rows_without_a_position():
    """An episode that is shorter than another is put beside it with NaN before its first step."""
    trail = circle(25, 1.0, 0.0, 0, ticks=200, centre=(np.pi, 0.0))
    trail[:, 0] = (trail[:, 0] + np.pi) % (2 * np.pi) - np.pi
    shorter = np.where(np.arange(200)[:, None] < 80, np.nan, trail)
    whole, late = sorted(
        loops(np.stack([trail, shorter], axis=1), wrap=((-np.pi, np.pi), None)), key=lambda each: each.agent
    )
    assert (whole.period, late.period) == (25, 25)
    assert late.radius == pytest.approx(whole.radius)
