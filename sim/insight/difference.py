"""The difference between what two runs' episodes returned, with its interval."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float64Array
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.insight.student import reach_95


class Returns(NamedTuple):
    """The finished episodes of each agent: their number, and the sum of their returns; [agents] each."""

    episodes: ArrayLike
    total: ArrayLike


def mean_return(run: Returns) -> Estimate:
    """Return the mean return of a run's finished episodes, with its 95 % interval.

    Episodes of one agent count as a cluster, so the interval is that of a ratio of two sums over agents
    (Cochran, Sampling Techniques, 1977, section 6.3). NaN without an episode; the ends are NaN with fewer
    than two agents.

    Performance: linear in agents; 0.5 ms for 10,000.
    """
    mean, influence = _mean_and_influence(run)
    return _estimate(mean, influence)


def difference(first: Returns, second: Returns) -> Estimate:
    """Return the mean return of the second run less that of the first, with its 95 % interval.

    As `mean_return`. Runs with as many agents are compared agent by agent: with one seed, agent i has the
    same start states and random numbers in both, and what both sides have in common cancels.
    """
    (one, influence_1), (other, influence_2) = _mean_and_influence(first), _mean_and_influence(second)
    if len(influence_1) == len(influence_2):
        return _estimate(other - one, influence_2 - influence_1)
    apart = np.concatenate([influence_2, -influence_1])
    least = min(len(influence_1), len(influence_2))
    return _estimate(other - one, apart, least)


def _mean_and_influence(run: Returns) -> tuple[float, Float64Array]:
    """Return the mean, and what each agent adds to its error, [agents]; they sum to 0."""
    episodes, total = np.asarray(run.episodes, np.float64), np.asarray(run.total, np.float64)
    count = episodes.sum()
    if not count:
        return float("nan"), np.full(len(episodes), np.nan)
    mean = total.sum() / count
    return float(mean), (total - mean * episodes) / count


def _estimate(value: float, influence: Float64Array, clusters: int | None = None) -> Estimate:
    """Return a value with the interval that independent clusters give it.

    clusters: how many there are, for the degrees of freedom; None for one an entry.
    """
    n = len(influence) if clusters is None else clusters
    if n < 2 or not np.isfinite(value):
        return Estimate(value, float("nan"), float("nan"))
    half = float(reach_95(n - 1)) * float(np.sqrt(n / (n - 1) * np.square(influence).sum()))
    return Estimate(value, value - half, value + half)
