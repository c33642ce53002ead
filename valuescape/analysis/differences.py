"""Differences between two checkpoints: of their numbers, over pairs of episodes, and of their maps.

Episodes of one seed begin in the same states, and their random numbers are the same. Chance that both share
cancels in a difference, so its interval is narrower than two separate intervals suggest.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from valuescape.analysis.analysis import Analysis
from valuescape.analysis.episodes import Episodes
from valuescape.analysis.maps import Maps
from valuescape.sim.arrays import BoolArray, Float64Array
from valuescape.sim.insight.bootstrap import FloatArray, Statistic, bootstrap
from valuescape.sim.insight.metrics import (
    RESAMPLES,
    VALUE_NAMES,
    Estimate,
    iqm_cut,
    mean_statistic,
    median_cut,
    named,
    share,
    trimmed_statistic,
    value_statistic,
)
from valuescape.sim.insight.significance import significant_cells
from valuescape.sim.rollouts.judging import TOLERANCE

_CERTAIN = 10**9
"""Rollouts that the one of a deterministic policy counts as: nothing is left to chance."""


@dataclass(frozen=True, slots=True)
class MapDifference:
    """Fields of one checkpoint less those of another, [edge, edge], in units of the world's rewards."""

    value: Float64Array
    """V of the one − V of the other; exact."""
    truth: Float64Array
    """G of the one − G of the other; NaN in cells that have no rollouts of their own in both."""
    significant: BoolArray
    """Cells whose difference in truth is beyond chance at a false discovery rate of 5 %.

    Where both policies are deterministic: beyond TOLERANCE of the range of both truths.
    """


def beyond_zero(estimate: Estimate) -> bool:
    """Return whether the interval of a difference excludes zero."""
    return estimate.low > 0 or estimate.high < 0


def paired_differences(one: Analysis, other: Analysis, seed: int = 0) -> dict[str, Estimate]:
    """Return the numbers of `one` less those of `other`, each with the 95 % interval of the difference.

    Both ran as many episodes from the same starts, in the same world. A resample draws pairs of episodes.
    Shares have Newcombe's interval for paired proportions (1998, method 10). The interval of
    `calibration_error` is conservative, as that of the number itself. Episodes whose return is unknown of
    either are left out of the numbers about returns. Raises ValueError if the numbers of episodes differ.
    """
    if len(one.episodes.returns) != len(other.episodes.returns):
        raise ValueError("the checkpoints ran different numbers of episodes")
    return {
        **_of_returns(one.episodes, other.episodes, seed),
        **_of_starts(one.judged, other.judged, seed),
        **_of_values(one.judged, other.judged, seed),
    }


def map_difference(one: Maps, other: Maps) -> MapDifference:
    """Return the fields of `one` less those of `other`, over the same cells of the same plane."""
    truths = one.truth, other.truth
    made = (one.truth.rollouts > 0) & (other.truth.rollouts > 0)
    difference = np.where(made, one.truth.value - other.truth.value, np.nan)
    spread = np.hypot(*(each.standard_error for each in truths))
    rollouts = np.minimum(*(np.where(maps.random, maps.truth.rollouts, _CERTAIN) for maps in (one, other)))
    both = np.concatenate([each.value[np.isfinite(each.value)] for each in truths])
    tolerance = TOLERANCE * float(np.ptp(both)) if both.size and not (one.random or other.random) else 0.0
    significant = significant_cells(difference, spread, rollouts, tolerance=tolerance)
    return MapDifference(one.value - other.value, difference, significant)


def _of_returns(one: Episodes, other: Episodes, seed: int) -> dict[str, Estimate]:
    known = np.isfinite(one.returns) & np.isfinite(other.returns)
    returns = one.returns[known], other.returns[known]
    ticks = one.lengths.astype(np.float64), other.lengths.astype(np.float64)
    ends = one.terminated, other.terminated
    return {
        "mean_return": _trimmed(returns, 0, seed),
        "iqm_return": _trimmed(returns, iqm_cut(int(known.sum())), seed),
        "mean_length": _trimmed(ticks, 0, seed),
        "median_length": _trimmed(ticks, median_cut(len(known)), seed),
        "share_terminated": paired_share(*ends),
        "share_truncated": paired_share(*(~each for each in ends)),
    }


def _trimmed(values: tuple[FloatArray, FloatArray], cut: int, seed: int) -> Estimate:
    one, other = (trimmed_statistic(each, cut) for each in values)
    return _difference(("trimmed",), one, other, len(values[0]), seed)["trimmed"]


def paired_share(one: BoolArray, other: BoolArray) -> Estimate:
    """Return the share of `one` [E] that is true less that of `other` [E], with Newcombe's interval.

    Wilson's intervals of the two, combined with the correlation of the pairs (Newcombe, 1998, Statistics in
    Medicine 17, 2635; method 10 without its correction for continuity).
    """
    count = len(one)
    a, b = share(int(one.sum()), count), share(int(other.sum()), count)
    spread = one.std() * other.std() if count else 0.0
    phi = float(((one & other).mean() - one.mean() * other.mean()) / spread) if spread else 0.0
    down, up = (a.value - a.low, b.high - b.value), (a.high - a.value, b.value - b.low)
    low, high = (
        math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y)) if count else math.nan for x, y in (down, up)
    )
    value = a.value - b.value
    return Estimate(value, value - low, value + high)


def _of_starts(one: Episodes, other: Episodes, seed: int) -> dict[str, Estimate]:
    starts = [
        np.stack([each.predicted[each.first], each.realised[each.first]], axis=1) for each in (one, other)
    ]
    known = np.isfinite(starts[0]).all(axis=1) & np.isfinite(starts[1]).all(axis=1)
    episodes = int(known.sum())
    first, second = (mean_statistic(each[known], np.arange(episodes), episodes) for each in starts)
    return _difference(("start_value_predicted", "start_value_realised"), first, second, episodes, seed)


def _of_values(one: Episodes, other: Episodes, seed: int) -> dict[str, Estimate]:
    episodes = len(one.returns)
    first, second = (_value_statistic(each) for each in (one, other))
    value, low, high = bootstrap(
        lambda counts: _less(first(counts), second(counts)), episodes, resamples=RESAMPLES, seed=seed
    )
    low[-2], high[-2] = value[-2] - high[-1], value[-2] + high[-1]
    found = named(VALUE_NAMES, value[:-1], low[:-1], high[:-1])
    names = "mean_td_error", "mean_abs_td_error"
    return found | _difference(names, _td_statistic(one), _td_statistic(other), episodes, seed)


def _less(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the difference of the numbers, and the sum of the last columns.

    By the triangle inequality a difference of calibration errors is off by no more than both together.
    """
    return np.column_stack([one[:, :-1] - other[:, :-1], one[:, -1] + other[:, -1]])


def _value_statistic(steps: Episodes) -> Statistic:
    known = np.isfinite(steps.predicted) & np.isfinite(steps.realised)
    return value_statistic(
        steps.predicted[known], steps.realised[known], steps.episode[known], len(steps.returns)
    )


def _td_statistic(steps: Episodes) -> Statistic:
    known = np.isfinite(steps.td_error)
    errors = steps.td_error[known]
    columns = np.column_stack([errors, np.abs(errors)])
    return mean_statistic(columns, steps.episode[known], len(steps.returns))


def _difference(
    names: Iterable[str], one: Statistic, other: Statistic, episodes: int, seed: int
) -> dict[str, Estimate]:
    found = bootstrap(lambda counts: one(counts) - other(counts), episodes, resamples=RESAMPLES, seed=seed)
    return named(names, *found)
