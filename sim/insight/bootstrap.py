"""Bootstrap over episodes: whole episodes are drawn again with replacement, never single steps.

The steps of one episode depend on each other, so intervals that resample steps come out far too narrow
(cluster bootstrap: Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Statistic = Callable[[FloatArray], FloatArray]
"""Statistics of B resamples: from counts [B, E] (how often each drew each episode) to values [B, k]."""

CONFIDENCE = 0.95
BLOCK_CELLS = 4_000_000
"""Counts held at a time: 32 MB of float64, whatever the number of episodes."""


def resampled_counts(episodes: int, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield blocks [b, episodes] of float64 counts, `resamples` rows in all; each row sums to `episodes`."""
    random = np.random.default_rng(seed)
    rows = max(1, BLOCK_CELLS // episodes)
    for first in range(0, resamples, rows):
        block = min(rows, resamples - first)
        drawn = random.integers(0, episodes, (block, episodes))
        drawn += np.arange(block)[:, None] * episodes
        counts = np.bincount(drawn.ravel(), minlength=block * episodes)
        yield counts.reshape(block, episodes).astype(np.float64)


def bootstrap(
    statistic: Statistic, episodes: int, *, resamples: int, seed: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the statistics [k] of the sample, and the low and high ends [k] of their 95 % intervals.

    The interval is the percentile one: between the 2.5 % and the 97.5 % quantile of the resampled statistics.
    Resamples in which a statistic is not finite are left out of its interval. With fewer than two episodes
    nothing is known of the spread between episodes: the ends are NaN. With none, `statistic` sees counts
    [1, 0]. No floating-point warnings.
    """
    with np.errstate(all="ignore"):
        value = statistic(np.ones((1, episodes)))[0]
        if episodes < 2 or resamples < 1:
            return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
        drawn = np.concatenate([statistic(counts) for counts in resampled_counts(episodes, resamples, seed)])
    ends = np.array([_percentiles(column) for column in drawn.T])
    return value, ends[:, 0], ends[:, 1]


def sums_by_episode(columns: FloatArray, episode: NDArray[Any], episodes: int) -> FloatArray:
    """Return the sums [episodes, k] of columns [n, k] by episode; `episode` [n] numbers them from 0."""
    summed = [np.bincount(episode, column, minlength=episodes) for column in columns.T]
    return np.array(summed, np.float64).T.reshape(episodes, columns.shape[1])


def _percentiles(drawn: FloatArray) -> tuple[float, float]:
    known = drawn[np.isfinite(drawn)]
    if not known.size:
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
