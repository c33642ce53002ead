"""The scale that a signal's colours are on: it follows what is seen, and is steady. Pure arithmetic."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.insight.signals import SignalScale

_OUTSIDE, _EMPTY = 0.05, 0.35
"""Shares of the scale: values may lie so far beyond it, and leave so much of it unused, before it follows."""

_TAIL = 2.0
"""Percent of the values at either end that need not be on the scale: one of them must not grey out all
others."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Ends of a colour scale. known: whether they come from values, or else are a guess."""

    low: float
    high: float
    known: bool = False

    def following(self, values: NDArray[Any], setting: SignalScale) -> Self:
        """Return the scale for `values` [n], of which NaN say nothing: this one while it is good enough."""
        values = values[np.isfinite(values)]
        if not len(values):
            return self
        low, high = (float(end) for end in np.percentile(values, [_TAIL, 100 - _TAIL]))
        if setting.signed:
            high = max(abs(low), abs(high))
            low = -high
        low = low if setting.low is None else setting.low
        high = high if setting.high is None else setting.high
        if high - low < 1e-9 * max(abs(low), abs(high), 1e-3):
            low, high = low - 0.5e-3 * max(abs(low), 1), high + 0.5e-3 * max(abs(high), 1)
        return self if self.known and self._holds(low, high) else type(self)(low, high, known=True)

    def _holds(self, low: float, high: float) -> bool:
        span = self.high - self.low
        inside = low > self.low - _OUTSIDE * span and high < self.high + _OUTSIDE * span
        return inside and high - low > (1 - _EMPTY) * span


def scale_of(setting: SignalScale) -> Scale:
    """Return the scale to begin with, before any value is known."""
    low = 0.0 if setting.low is None else setting.low
    high = low + 1.0 if setting.high is None else setting.high
    return Scale(-high if setting.signed else low, high)
