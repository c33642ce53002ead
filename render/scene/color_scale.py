"""Colour scale of a signal: it follows the values that are shown, but not every small change of them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.insight.signals import SignalScale

_OUTSIDE, _EMPTY = 0.05, 0.35
"""Shares of the scale that values may lie beyond it, and may leave unused, before it follows."""

_TAIL = 2.0
"""Percent of the values at either end that may lie beyond the scale: an outlier must not grey out all others.
"""


@dataclass(frozen=True, slots=True)
class ColorScale:
    """Ends of a colour scale. known: they come from values; else they are a guess."""

    low: float
    high: float
    known: bool = False

    def following(self, values: NDArray[Any], setting: SignalScale) -> Self:
        """Return the scale for the finite ones of `values` [n]: this one while it is good enough.

        setting: ends that are fixed, and whether 0 is the middle.
        """
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


def scale_of(setting: SignalScale) -> ColorScale:
    """Return the scale to begin with, before any value is known."""
    low = 0.0 if setting.low is None else setting.low
    high = low + 1.0 if setting.high is None else setting.high
    return ColorScale(-high if setting.signed else low, high)
