"""95 % confidence intervals of differences between paired measurements, by Student's t."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Self

from valuescape.sim.insight.student import reach_95


@dataclass(frozen=True, slots=True)
class Change:
    """A mean change with the half-width (`reach`) of its 95 % confidence interval; infinite for one pair."""

    mean: float
    reach: float

    @classmethod
    def of(cls, on: Sequence[float], off: Sequence[float]) -> Self:
        """Return the mean of `on` - `off` over pairs; NaN without a pair."""
        pairs = [a - b for a, b in zip(on, off, strict=False)]
        if len(pairs) < 2:
            return cls(pairs[0] if pairs else math.nan, math.inf)
        return cls(mean(pairs), float(reach_95(len(pairs) - 1)) * stdev(pairs) / math.sqrt(len(pairs)))

    def __str__(self) -> str:
        return f"{self.mean:+.1f}" + ("" if math.isinf(self.reach) else f" ± {self.reach:.1f}")


@dataclass(frozen=True, slots=True)
class Ratio:
    """A mean ratio (`times`) and its 95 % confidence interval; 0 to infinity for one pair."""

    times: float
    low: float
    high: float

    @classmethod
    def of(cls, more: Sequence[float], less: Sequence[float]) -> Self:
        """Return the geometric mean of `more` / `less` over pairs of positive values."""
        logs = Change.of([math.log(each) for each in more], [math.log(each) for each in less])
        return cls(*map(_exp, (logs.mean, logs.mean - logs.reach, logs.mean + logs.reach)))


def _exp(value: float) -> float:
    """Return e^value; infinity where that overflows."""
    return math.exp(value) if value < 700 else math.inf
