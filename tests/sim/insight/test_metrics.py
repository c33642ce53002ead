"""Numbers about a critic against slow loops, closed values and the coverage of their intervals."""

import math
import time

import numpy as np
import pytest

from valuescape.sim.insight.bootstrap import bootstrap, resampled_counts
from valuescape.sim.insight.metrics import (
    Estimate,
    calibration_bins,
    left_out,
    ranks,
    return_metrics,
    share,
    start_metrics,
    value_metrics,
)

VALUE_KEYS = {
    *("q_bias", "norm_q_bias", "norm_q_bias_std", "explained_variance", "spearman"),
    "calibration_error",
}


def made_up(seed, episodes=100, steps=20, bias=1.0):
    """Values and returns whose truth is known: q_bias is `bias`, explained variance is 1 − 2/18 in the limit.

    Half of the error's variance belongs to the episode, so steps are far from independent.
    """
    random = np.random.default_rng(seed)
    episode = np.repeat(np.arange(episodes), steps)
    value = 4.0 * random.normal(size=episodes * steps)
    error = random.normal(size=episodes)[episode] + random.normal(size=episodes * steps)
    return value + bias, value + error, episode


def slow_spearman(v, g):
    """Spearman's correlation with ranks counted pair by pair."""

    def ranked(x):
        return np.array([np.sum(x < each) + (np.sum(x == each) + 1) / 2 for each in x])

    return np.corrcoef(ranked(v), ranked(g))[0, 1]


def slow_calibration(v, g, bins=20):
    order = sorted(range(len(v)), key=lambda i: v[i])
    groups = [order[len(v) * b // bins : len(v) * (b + 1) // bins] for b in range(bins)]
    return sum(len(each) / len(v) * abs(v[each].mean() - g[each].mean()) for each in groups)


def test_values_equal_their_formulas():
    v, g, episode = made_up(1)
    found = value_metrics(v, g, episode, resamples=10)
    assert found.keys() == VALUE_KEYS
    normed = [(a - b) / max(abs(b), 10) for a, b in zip(v, g, strict=True)]
    expected = {
        "q_bias": np.mean(v - g),
        "norm_q_bias": np.mean(normed),
        "norm_q_bias_std": np.std(normed),
        "explained_variance": 1 - np.var(g - v) / np.var(g),
        "spearman": slow_spearman(v, g),
        "calibration_error": slow_calibration(v, g),
    }
    assert {name: each.value for name, each in found.items()} == pytest.approx(expected, rel=1e-12)


def test_large_values_keep_their_digits():
    v, g, episode = made_up(2)
    near, far = value_metrics(v, g, episode), value_metrics(v + 1e6, g + 1e6, episode)
    for name in ("q_bias", "explained_variance", "spearman", "calibration_error"):
        assert (far[name].value, far[name].low) == pytest.approx((near[name].value, near[name].low), abs=1e-7)


def test_norm_q_bias_has_the_sign_and_floor_of_redq():
    found = value_metrics([3.0, -90.0], [1.0, -100.0], [0, 1])
    assert found["norm_q_bias"].value == pytest.approx((2 / 10 + 10 / 100) / 2)
    assert found["norm_q_bias_std"].value == pytest.approx(0.05)


def test_ties_share_ranks_and_bins():
    values = np.array([5.0, 1.0, 5.0, 7.0])
    assert ranks(values).tolist() == [2.5, 1.0, 2.5, 4.0]
    assert calibration_bins(values, 2).tolist() == [1, 0, 1, 1]
    constant = value_metrics(np.full(60, 2.0), np.tile([0.0, 4.0], 30), np.arange(60))
    assert constant["calibration_error"].value == 0


def test_bins_hold_equal_counts():
    bins = calibration_bins(np.random.default_rng(0).normal(size=2000))
    assert np.bincount(bins).tolist() == [100] * 20


def test_intervals_cover_the_truth():
    truths = {"q_bias": 1.0, "explained_variance": 1 - 2 / 18}
    inside = dict.fromkeys(truths, 0)
    for seed in range(300):
        found = value_metrics(*made_up(seed), seed=seed, resamples=400)
        for name, truth in truths.items():
            inside[name] += found[name].low <= truth <= found[name].high
    assert {name for name, count in inside.items() if not 0.90 <= count / 300 <= 0.99} == set()


@pytest.mark.parametrize("bias", [0.0, 0.2, 1.0])
def test_the_interval_of_the_calibration_error_is_conservative(bias):
    """Noise alone raises the value, so it is the low end that tells a calibrated critic."""
    found = [value_metrics(*made_up(seed, bias=bias), seed=seed)["calibration_error"] for seed in range(40)]
    assert all(each.low <= each.value <= each.high for each in found)
    assert sum(each.low <= bias <= each.high for each in found) >= 38
    assert np.mean([each.high - each.low for each in found]) < 0.8


def test_intervals_that_ignore_episodes_would_be_too_narrow():
    """The bootstrap by single steps misses the truth of the data that the test above covers."""
    inside = 0
    for seed in range(100):
        v, g, _ = made_up(seed)
        found = value_metrics(v, g, np.arange(len(v)), seed=seed, resamples=200)["q_bias"]
        inside += found.low <= 1.0 <= found.high
    assert inside < 70


def test_the_interval_of_a_mean_is_the_normal_one():
    v, g, _ = made_up(4)
    error, n = v - g, len(v)
    found = value_metrics(v, g, np.arange(n))["q_bias"]
    half = 1.96 * error.std() / math.sqrt(n)
    assert (found.low, found.high) == pytest.approx(
        (error.mean() - half, error.mean() + half), abs=0.1 * half
    )


def test_intervals_are_those_of_resampled_episodes():
    """A loop that puts whole episodes together and computes each number from its formula."""
    v, g, episode = made_up(5, episodes=6, steps=4)
    found = value_metrics(v, g, episode, resamples=50, seed=9)
    drawn = []
    for counts in np.concatenate(list(resampled_counts(6, 50, 9))).astype(int):
        steps = np.concatenate([np.flatnonzero(episode == e) for e in np.repeat(np.arange(6), counts)])
        drawn.append((np.mean((v - g)[steps]), 1 - np.var((g - v)[steps]) / np.var(g[steps])))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    for i, name in enumerate(("q_bias", "explained_variance")):
        assert (found[name].low, found[name].high) == pytest.approx((low[i], high[i]))


def test_counts_do_not_depend_on_the_block(monkeypatch):
    whole = np.concatenate(list(resampled_counts(7, 30, 3)))
    monkeypatch.setattr("valuescape.sim.insight.bootstrap.BLOCK_CELLS", 50)
    assert np.array_equal(np.concatenate(list(resampled_counts(7, 30, 3))), whole)
    assert (whole.sum(axis=1) == 7).all()
    assert whole.std() == pytest.approx(math.sqrt(6 / 7), rel=0.2)


def test_the_same_seed_gives_the_same_interval():
    data = made_up(6)
    assert value_metrics(*data, seed=1) == value_metrics(*data, seed=1)
    assert value_metrics(*data, seed=1)["q_bias"].low != value_metrics(*data, seed=2)["q_bias"].low


def test_episode_numbers_are_names():
    v, g, episode = made_up(7)
    assert (
        value_metrics(v, g, 1000 - 3 * episode)["q_bias"].value
        == value_metrics(v, g, episode)["q_bias"].value
    )


def test_td_errors_come_with_their_own_numbers():
    v, g, episode = made_up(8)
    errors = np.where(np.arange(len(v)) % 2, 3.0, -1.0)
    errors[0] = np.nan
    found = value_metrics(v, g, episode, td_errors=errors)
    assert found.keys() == VALUE_KEYS | {"mean_td_error", "mean_abs_td_error"}
    assert found["mean_td_error"].value == pytest.approx(np.nanmean(errors))
    assert found["mean_abs_td_error"].value == pytest.approx(np.nanmean(np.abs(errors)))


def all_nan(estimates):
    return all(np.isnan([each.value, each.low, each.high]).all() for each in estimates.values())


def test_no_steps_give_nan():
    assert all_nan(value_metrics([], [], [], td_errors=[]))
    assert all_nan(value_metrics([np.nan] * 3, [1.0, 2.0, 3.0], [0, 1, 2]))
    assert all_nan(start_metrics([], []))
    assert all_nan(return_metrics([], [], []))


def test_one_episode_has_values_but_no_intervals():
    v, g, _ = made_up(9, episodes=1)
    for each in value_metrics(v, g, np.zeros(len(v), int)).values():
        assert np.isfinite(each.value)
        assert np.isnan([each.low, each.high]).all()


def test_one_step():
    found = value_metrics([3.0], [1.0], [0])
    assert (found["q_bias"].value, found["calibration_error"].value) == (2.0, 2.0)
    assert found["norm_q_bias_std"].value == 0
    assert np.isnan([found["explained_variance"].value, found["spearman"].value]).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, -43.3, 1e9])
def test_constant_returns_leave_correlation_and_explained_variance_undefined(constant):
    v, _, episode = made_up(10)
    found = value_metrics(v, np.full(len(v), constant), episode)
    assert all_nan({name: found[name] for name in ("explained_variance", "spearman")})
    assert np.isfinite(found["q_bias"].low)


def test_a_perfect_critic():
    _, g, episode = made_up(11)
    found = value_metrics(g, g, episode)
    assert found["explained_variance"] == found["spearman"] == Estimate(1.0, 1.0, 1.0)
    assert found["q_bias"] == found["calibration_error"] == Estimate(0.0, 0.0, 0.0)


def test_values_that_are_not_finite_are_left_out_and_counted():
    v, g, episode = made_up(12)
    bad_v, bad_g = v.copy(), g.copy()
    bad_v[3], bad_v[40], bad_g[7] = np.nan, np.inf, np.nan
    known = np.isfinite(bad_v) & np.isfinite(bad_g)
    assert left_out(bad_v, bad_g) == 3
    assert value_metrics(bad_v, bad_g, episode) == value_metrics(v[known], g[known], episode[known])


def test_values_beyond_the_range_of_squares_are_nan_without_a_warning():
    found = value_metrics([1e300, -1e300, 1e300, 1e300], [0.0, 1.0, 2.0, 3.0], range(4))
    assert found["q_bias"].value == pytest.approx(5e299)
    assert math.isnan(found["norm_q_bias_std"].value)
    assert return_metrics([1e308, 1e308], [1, 1], [True, True])["mean_return"].value == math.inf


@pytest.mark.performance
def test_two_thousand_resamples_take_less_than_a_second():
    v, g, episode = made_up(13, episodes=512, steps=100)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        value_metrics(v, g, episode, td_errors=v - g)
        took.append(time.perf_counter() - began)
    assert min(took) < 1


def test_start_values():
    found = start_metrics([1.0, 3.0, np.nan], [2.0, 6.0, 100.0])
    assert found["start_value_predicted"].value == 2.0
    assert found["start_value_realised"] == Estimate(4.0, 2.0, 6.0)


def test_return_metrics_of_known_numbers():
    returns = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 1000.0]
    found = return_metrics(returns, range(1, 10), [True] * 6 + [False] * 3)
    assert found.keys() == {
        *("mean_return", "iqm_return", "mean_length", "median_length", "share_terminated", "share_truncated")
    }
    assert found["mean_return"].value == pytest.approx(np.mean(returns))
    assert found["iqm_return"].value == pytest.approx(40.0)  # 9 // 4 = 2 left out at each end
    assert (found["mean_length"].value, found["median_length"].value) == (5.0, 5.0)
    assert found["share_terminated"].value + found["share_truncated"].value == pytest.approx(1.0)
    assert return_metrics(returns[:4], range(4), [True] * 4)["median_length"].value == 1.5


def test_intervals_of_iqm_and_median_are_those_of_resampled_lists():
    random = np.random.default_rng(3)
    returns = random.exponential(size=37)
    found = return_metrics(returns, returns, np.ones(37, bool), resamples=60, seed=5)
    iqm, median = [], []
    for counts in np.concatenate(list(resampled_counts(37, 60, 5))).astype(int):
        again = np.sort(np.repeat(returns, counts))
        iqm.append(again[9:-9].mean())
        median.append(np.median(again))
    for name, drawn in (("iqm_return", iqm), ("median_length", median)):
        expected = tuple(np.quantile(drawn, [0.025, 0.975]))
        assert (found[name].low, found[name].high) == pytest.approx(expected)


def test_returns_that_are_not_finite_are_left_out_of_the_returns_alone():
    found = return_metrics([1.0, np.nan, 3.0], [5, 6, 7], [True, False, True])
    assert (found["mean_return"].value, found["mean_length"].value) == (2.0, 6.0)
    assert found["share_truncated"].value == pytest.approx(1 / 3)


def test_wilson_of_known_values():
    """Newcombe (1998), table I: 81 of 263, 15 of 148 and 0 of 20."""
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
    ):
        found = share(part, whole)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert share(20, 20).high == 1.0


def test_resamples_in_which_a_statistic_is_undefined_are_left_out():
    value, low, high = bootstrap(
        lambda counts: np.where(counts[:, :1] > 0, counts[:, :1], np.nan), 5, resamples=500, seed=0
    )
    assert value.tolist() == [1.0]
    assert low[0] == 1
    assert high[0] >= 2
