"""Whether the return falls below a critic's quantiles as often as their levels say."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis.episodes import Episodes
from valuescape.sim.insight.bootstrap import FloatArray, bootstrap
from valuescape.sim.insight.metrics import RESAMPLES, Estimate
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.quantiles import quantile_levels, return_quantiles
from valuescape.sim.resources import one_blas_thread

_SHOWN = 10
"""Levels in the report's table, about evenly spaced; the summary has all."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """For each level τ the share of steps whose return is at or below the critic's quantile of that level."""

    levels: FloatArray
    """[k], ascending."""
    shares: list[Estimate]
    """[k]. A calibrated critic has shares that equal the levels."""
    error: Estimate
    """The mean over levels of |share - level|."""

    def summary(self) -> list[dict[str, float]]:
        """Return the shares with their levels, for JSON."""
        pairs = zip(self.levels, self.shares, strict=True)
        return [{"level": float(level), **asdict(share)} for level, share in pairs]

    def table(self) -> list[list[str]]:
        """Return some levels with their shares, as rows of text under a head."""
        count = min(_SHOWN, len(self.levels))
        shown = np.unique(np.linspace(0, len(self.levels) - 1, count).round().astype(int))
        rows = [["level τ", "share of steps with G at or below the quantile", "95 % interval"]]
        for at in shown:
            share = self.shares[at]
            rows.append(
                [f"{self.levels[at]:.3f}", f"{share.value:.3f}", f"{share.low:.3f} to {share.high:.3f}"]
            )
        return rows


def coverage_of(checkpoint: Checkpoint, judged: Episodes, seed: int = 0) -> Coverage | None:
    """Return how well the critic's quantiles cover the returns of episodes; None if it has none.

    Quantiles are those of the actions taken: of TQC, of all its critics together, none dropped.
    """
    if not checkpoint.quantile_layers:
        return None
    obs, outputs = np.split(np.ascontiguousarray(judged.asked.T), [checkpoint.obs_dim])
    with one_blas_thread():
        quantiles = return_quantiles(checkpoint, obs, outputs if len(outputs) else None)
    return quantile_coverage(
        quantiles, judged.realised, judged.episode, levels=quantile_levels(checkpoint), seed=seed
    )


def quantile_coverage(
    quantiles: NDArray[np.floating[Any]],
    realised: NDArray[np.floating[Any]],
    episode: NDArray[np.integer[Any]],
    *,
    levels: FloatArray,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Coverage:
    """Return the coverage of quantiles [k, n], ascending at each step, of returns [n] in episodes [n].

    levels: [k], what the quantiles claim. Steps with a quantile or a return that is not finite are left out.
    Intervals of shares are bootstrap percentiles over episodes. That of the error is conservative, as in
    `metrics.value_metrics`: the error ± the 97.5 % quantile of the mean distance of a resample's shares from
    the sample's.

    Performance: 51,200 steps of 50 quantiles in 512 episodes take about 0.1 s with 2,000 resamples.
    """
    known = np.isfinite(realised) & np.isfinite(quantiles).all(axis=0)
    below = (quantiles[:, known] < realised[known]).sum(axis=0)
    sums = _steps_at_or_below(below, episode[known], len(levels))
    sample = _shares(sums.sum(axis=0, keepdims=True))[0]

    def statistics(counts: FloatArray) -> FloatArray:
        shares = _shares(counts @ sums)
        error, off = (np.abs(shares - each).mean(axis=1) for each in (levels, sample))
        return np.column_stack([shares, error, off])

    value, low, high = bootstrap(statistics, len(sums), seed=seed, resamples=resamples)
    low[-2], high[-2] = np.maximum(value[-2] - high[-1], 0.0), value[-2] + high[-1]
    *shares, error, _ = (Estimate(*map(float, each)) for each in zip(value, low, high, strict=True))
    return Coverage(levels, shares, error)


def _steps_at_or_below(below: NDArray[np.int64], whose: NDArray[Any], count: int) -> FloatArray:
    """Return for each episode [E, k + 1] its steps with G at or below quantile i; last all its steps.

    below: [n], how many quantiles are less than G, so that G is at or below quantile i if `below` <= i.
    """
    numbers, which = np.unique(whose, return_inverse=True)
    histogram = np.bincount(which * (count + 1) + below, minlength=len(numbers) * (count + 1))
    return np.cumsum(histogram.reshape(len(numbers), count + 1), axis=1).astype(np.float64)


def _shares(sums: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):
        return np.asarray(sums[:, :-1] / sums[:, -1:])
