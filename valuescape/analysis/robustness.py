"""Returns against a world's parameter that is spread over the episodes: how far a policy can be trusted."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from valuescape.analysis.episodes import Episodes
from valuescape.sim.arrays import Float64Array
from valuescape.sim.insight.bootstrap import bootstrap
from valuescape.sim.insight.metrics import RESAMPLES, Estimate
from valuescape.sim.worlds.base import World
from valuescape.sim.worlds.parameters import Parameter

_MOST_BINS, _LEAST_EPISODES = 16, 16
"""Bins at most, and episodes that a bin should have on average, so that its interval says something."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The episodes whose parameter is from low to high: their number, and their mean return."""

    low: float
    high: float
    episodes: int
    mean_return: Estimate


@dataclass(frozen=True, slots=True)
class Robustness:
    """A parameter that is spread, each episode's value and return [E], and the means over bins of it."""

    parameter: Parameter
    values: Float64Array
    returns: Float64Array
    bins: list[Bin]

    @property
    def known(self) -> list[Bin]:
        """The bins whose mean return is known."""
        return [each for each in self.bins if np.isfinite(each.mean_return.value)]


def robustness_of(world: World, episodes: Episodes, seed: int) -> list[Robustness]:
    """Return what each parameter of `world` that is spread does to the returns of `episodes`.

    Means have 95 % intervals by bootstrap over episodes. Episodes that were interrupted are left out.
    """
    found = []
    for index, (parameter, values) in enumerate(zip(world.parameters, world.ranges, strict=True)):
        if values.spread:
            own = episodes.parameters[index].astype(np.float64)
            edges = np.linspace(values.low, values.high, _bins(len(own)) + 1)
            bins = list(_binned(own, episodes.returns, edges, seed))
            found.append(Robustness(parameter, own, episodes.returns, bins))
    return found


def _bins(episodes: int) -> int:
    return min(_MOST_BINS, max(2, episodes // _LEAST_EPISODES))


def _binned(values: Float64Array, returns: Float64Array, edges: Float64Array, seed: int) -> Iterator[Bin]:
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    for index, (low, high) in enumerate(pairwise(edges)):
        within = returns[(at == index) & np.isfinite(returns)]
        yield Bin(float(low), float(high), len(within), _mean(within, seed))


def _mean(returns: Float64Array, seed: int) -> Estimate:
    if not len(returns):
        return Estimate(np.nan, np.nan, np.nan)

    def mean(counts: Float64Array) -> Float64Array:
        means: Float64Array = counts @ returns[:, None] / len(returns)
        return means

    value, low, high = bootstrap(mean, len(returns), resamples=RESAMPLES, seed=seed)
    return Estimate(float(value[0]), float(low[0]), float(high[0]))


def summary(found: Robustness) -> dict[str, Any]:
    """Return the bins of a parameter for JSON."""
    parameter = found.parameter
    return {
        "parameter": parameter.name,
        "unit": parameter.unit,
        "bins": [asdict(each) for each in found.bins],
    }


def table(found: Robustness) -> list[list[str]]:
    """Return the bins of a parameter in words, the heads first."""
    rows = [[found.parameter.label, "episodes", "mean return", "95 % interval"]]
    for each in found.bins:
        mean = each.mean_return
        interval = f"{mean.low:.4g} to {mean.high:.4g}"
        rows.append([_span(each), str(each.episodes), f"{mean.value:.4g}", interval])
    return rows


def sentence(found: Robustness) -> str:
    """Return where along a parameter the policy returns most and least."""
    best, worst = (pick(found.known, key=lambda each: each.mean_return.value) for pick in (max, min))
    if best.mean_return.value == worst.mean_return.value:
        return f"Along {found.parameter.label} the return is the same: {best.mean_return.value:.4g}."
    return (
        f"Along {found.parameter.label} the return is highest at {_span(best)}, {_told(best.mean_return)}, "
        f"and lowest at {_span(worst)}, {_told(worst.mean_return)}."
    )


def plot(found: Robustness) -> Callable[[Any], None]:
    """Return what draws each episode's return over its parameter, and the means of bins with intervals."""

    def draw(axes: Any) -> None:
        known = found.known
        middles = [(each.low + each.high) / 2 for each in known]
        means = np.array([each.mean_return.value for each in known])
        ends = np.array([(each.mean_return.low, each.mean_return.high) for each in known]).T
        axes.plot(found.values, found.returns, ".", color="0.75", markersize=3, label="an episode")
        below_above = np.nan_to_num(np.abs(ends - means))
        label = "mean of a bin, 95 % interval"
        axes.errorbar(middles, means, below_above, fmt="o-", color="tab:blue", capsize=2, label=label)
        default = found.parameter.default
        if min(found.values) <= default <= max(found.values):
            axes.axvline(default, color="0.3", linewidth=1, linestyle=":", label=f"default {default:g}")
        axes.set(xlabel=found.parameter.label, ylabel="return of an episode")
        axes.legend()

    return draw


def _span(each: Bin) -> str:
    return f"{each.low:.4g} to {each.high:.4g}"


def _told(estimate: Estimate) -> str:
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"
