"""Tests of many cells at once: Student's t and the false discovery rate, in NumPy alone."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuescape.sim.arrays import BoolArray, Float64Array

FRACTION_TERMS = 300
"""The most terms of the continued fraction; it needs about the square root of the degrees of freedom."""

TINY = 1e-300


def significant_cells(
    error: ArrayLike,
    standard_error: ArrayLike,
    rollouts: ArrayLike,
    *,
    rate: float = 0.05,
    tolerance: float = 0.0,
) -> BoolArray:
    """Return the cells [h, w] whose error is beyond chance, at a false discovery rate over all cells.

    `standard_error` [h, w] is that of the mean over the cell's rollouts; `rollouts` is one number or [h, w].
    Each cell has a two-sided t-test at rollouts − 1 degrees of freedom of |error| <= tolerance, and
    Benjamini & Hochberg's procedure bounds the share of false ones among those found by `rate`.

    A standard error of 0 says that the return is certain, as with deterministic dynamics and policy, where
    one rollout suffices: such a cell counts if |error| > tolerance. NaN in either, or spread from fewer than
    two rollouts, is never significant.
    """
    errors = np.asarray(error, np.float64)
    spread = np.broadcast_to(np.asarray(standard_error, np.float64), errors.shape)
    counts = np.broadcast_to(np.asarray(rollouts, np.float64), errors.shape)
    excess = np.maximum(np.abs(errors) - tolerance, 0.0)
    known = np.isfinite(errors)
    sampled = known & np.isfinite(spread) & (spread > 0) & (counts >= 2)
    certain = known & (spread == 0)
    p_values = np.full(errors.shape, np.nan)
    p_values[sampled] = student_p_values(excess[sampled] / spread[sampled], counts[sampled] - 1)
    p_values[certain] = np.where(excess[certain] > 0, 0.0, 1.0)
    return discoveries(p_values, rate)


def student_p_values(t: ArrayLike, freedom: ArrayLike) -> Float64Array:
    """Return the two-sided p-values of Student's t at `freedom` > 0 degrees of freedom, elementwise.

    p = I_x(n/2, 1/2) with x = n/(n + t²) at n degrees of freedom, I the regularised incomplete beta function
    (Abramowitz & Stegun 26.5.27). The relative error is about 1e-10, in the tails too.
    """
    squares, n = np.broadcast_arrays(np.square(np.asarray(t, np.float64)), np.asarray(freedom, np.float64))
    whole = n + squares
    return _incomplete_beta(n / whole, squares / whole, n / 2)


def discoveries(p_values: NDArray[np.floating[Any]], rate: float = 0.05) -> NDArray[np.bool_]:
    """Return which hypotheses, by p-values of any shape, are rejected at a false discovery rate; NaN never.

    Benjamini & Hochberg (1995): all p-values up to the largest p_(k) <= rate·k/m, m the number of tests. The
    rate holds for independent tests and for positively dependent ones (Benjamini & Yekutieli, 2001).
    """
    tested = np.sort(p_values[np.isfinite(p_values)])
    passed = np.flatnonzero(tested <= rate * np.arange(1, tested.size + 1) / max(1, tested.size))
    if not passed.size:
        return np.zeros(p_values.shape, np.bool_)
    return np.asarray(p_values <= tested[passed[-1]])


def _incomplete_beta(x: Float64Array, rest: Float64Array, a: Float64Array) -> Float64Array:
    """Return I_x(a, 1/2); `rest` is 1 − x without its rounding.

    The fraction converges for x < (a + 1)/(a + 5/2); beyond that, I_x(a, b) = 1 − I_(1−x)(b, a).
    """
    half = np.full_like(a, 0.5)
    swap = x > (a + 1) / (a + 2.5)
    low, high = np.where(swap, rest, x), np.where(swap, x, rest)
    first, second = np.where(swap, half, a), np.where(swap, a, half)
    with np.errstate(divide="ignore"):
        power = first * np.log(low) + second * np.log(high)
    part = np.exp(power - _log_beta_half(a)) / first * _fraction(low, first, second)
    return np.asarray(np.where(swap, 1 - part, part))


def _log_beta_half(a: Float64Array) -> Float64Array:
    """Return log B(a, 1/2)."""
    values, which = np.unique(a, return_inverse=True)
    each = np.array([math.lgamma(v) + math.lgamma(0.5) - math.lgamma(v + 0.5) for v in values], np.float64)
    return np.asarray(each[which].reshape(a.shape))


def _fraction(x: Float64Array, a: Float64Array, b: Float64Array) -> Float64Array:
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method."""
    c, d = np.ones_like(x), 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value = value * (c * d)
        if np.allclose(value, before, rtol=1e-14, atol=0, equal_nan=True):
            break
    return value


def _away_from_zero(values: Float64Array) -> Float64Array:
    return np.where(np.abs(values) < TINY, TINY, values)
