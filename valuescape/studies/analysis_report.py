"""The model of a critic's analysis, `summary.json`, for `compare`: numbers with intervals."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field

from valuescape.parsing import Count, Figure, Part, Text
from valuescape.studies.report_base import Interval, Report, Unknown, number

_MORE_IS_BETTER = ("mean_return", "iqm_return", "explained_variance", "spearman")
_LESS_IS_BETTER = ("norm_q_bias_std", "calibration_error", "mean_abs_td_error", "quantile_coverage_error")
_BEST_AT_ZERO = ("q_bias", "norm_q_bias")


class Estimate(Part):
    """A number and its 95 % interval; None where undefined."""

    value: Unknown
    low: Unknown
    high: Unknown

    @property
    def interval(self) -> Interval:
        """The ends; NaN where undefined."""
        return number(self.low), number(self.high)


_NONE = Estimate(value=None, low=None, high=None)


class AnalysisReport(Report):
    """The `summary.json` of the analysis of one checkpoint."""

    kind = "an analysis"
    keys = frozenset({"mean_return", "q_bias"})
    is_judged_by_share = True

    world: Text | None = None
    checkpoint: Annotated[str, Field(max_length=100_000)] | None = None
    algorithm: Text | None = None
    gamma: Figure | None = None
    episodes: Count | None = None
    cells: Count | None = None
    rollouts_per_cell: Count | None = None
    seed: Annotated[int, Field(ge=0, lt=2**64)] | None = None
    entropy_coefficient: Figure | None = None
    slice: Text | None = None
    complete: bool | None = None

    mean_return: Estimate
    iqm_return: Estimate = _NONE
    mean_length: Estimate = _NONE
    median_length: Estimate = _NONE
    share_terminated: Estimate = _NONE
    share_truncated: Estimate = _NONE
    start_value_predicted: Estimate = _NONE
    start_value_realised: Estimate = _NONE
    q_bias: Estimate
    norm_q_bias: Estimate = _NONE
    norm_q_bias_std: Estimate = _NONE
    explained_variance: Estimate = _NONE
    spearman: Estimate = _NONE
    calibration_error: Estimate = _NONE
    quantile_coverage_error: Estimate = _NONE
    mean_td_error: Estimate = _NONE
    mean_abs_td_error: Estimate = _NONE

    def _estimates(self) -> Iterator[tuple[str, Estimate]]:
        for name in type(self).model_fields:
            each = getattr(self, name)
            if isinstance(each, Estimate):
                yield name, each

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the numbers that are defined."""
        known = ((name, each.value) for name, each in self._estimates())
        yield from ((name, value) for name, value in known if value is not None)

    def intervals(self) -> dict[str, Interval]:
        """Return the 95 % intervals of the numbers."""
        return {name: each.interval for name, each in self._estimates()}

    def made_with(self) -> Iterator[tuple[str, Any]]:
        """Yield world, seed, episodes, gamma and what else decides the numbers; settings by their names."""
        yield from (("world.name", self.world), ("run.seed", self.seed))
        yield from (("policy.checkpoint", self.checkpoint), ("algorithm", self.algorithm))
        yield from (("episodes", self.episodes), ("gamma", self.gamma), ("cells", self.cells))
        yield from (("rollouts a cell", self.rollouts_per_cell), ("slice", self.slice))
        yield from (("entropy coefficient", self.entropy_coefficient), ("complete", self.complete))

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield the numbers that are worse by more than both intervals leave open."""
        earlier, later = dict(_badness(before)), dict(_badness(self))
        for name, (value, interval) in later.items():
            then, interval_then = earlier[name]
            low, _ = difference(then, interval_then, value, interval)
            if low > 0:
                yield f"{_told(name, before, self)}, by more than chance"

    def worse_by_more(self, before: Self, tolerance: float) -> Iterator[str]:
        """Yield the numbers that are worse by more than `tolerance`, a share of the size before."""
        earlier = dict(_badness(before))
        for name, (value, _) in _badness(self):
            then = earlier[name][0]
            if value - then > tolerance * abs(then):
                yield _told(name, before, self)


def difference(then: float, interval_then: Interval, now: float, interval: Interval) -> Interval:
    """Return the 95 % interval of `now` - `then`, from the intervals of both; NaN where one is unknown.

    The two are taken to be independent (MOVER: Zou & Donner, 2008, Statistics in Medicine 27, 1693).
    """
    change = now - then
    low = math.hypot(now - interval[0], interval_then[1] - then)
    high = math.hypot(interval[1] - now, then - interval_then[0])
    return change - low, change + high


def several_checkpoints(tables: Mapping[str, Any]) -> bool:
    """Return whether decoded JSON is the summary of several checkpoints, or of a training run."""
    return {"checkpoints", "complete"} <= tables.keys()


def _badness(report: AnalysisReport) -> Iterator[tuple[str, tuple[float, Interval]]]:
    """Yield the numbers that can be worse, turned so that more is worse, with their intervals."""
    for name, each in report._estimates():
        value, (low, high) = number(each.value), each.interval
        if name in _LESS_IS_BETTER:
            yield name, (value, (low, high))
        elif name in _MORE_IS_BETTER:
            yield name, (-value, (-high, -low))
        elif name in _BEST_AT_ZERO:
            ends = abs(low), abs(high)
            yield name, (abs(value), (0.0 if low <= 0 <= high else min(ends), max(ends)))


def _told(name: str, before: AnalysisReport, after: AnalysisReport) -> str:
    then, now = (number(getattr(each, name).value) for each in (before, after))
    return f"{name} is {now:.4g}, before {then:.4g}"
