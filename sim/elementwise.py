"""Arithmetic that gives the same bits on NumPy arrays and, compiled, on single numbers.

The dynamics of a world are written once, with these functions, `+ - * /` and comparisons, and float32
constants. NumPy runs them on whole rows; numba (`sim.simd`) compiles the same source into a vectorised loop.
Both round every operation to float32 alike, so the results are equal bit by bit. `np.sin` would not do: NumPy
and compilers bring different approximations of their own.

Constants must be np.float32: with a Python float numba would calculate in float64, which `sim.simd` refuses.
"""

import math
from typing import Any

import numpy as np

# Functions here take and return float32 arrays, or (compiled) float32 numbers: there is one source for both.
Element = Any

_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_PI = np.float32(math.pi)
_TWO_PI = np.float32(2 * math.pi)
_PER_PI = np.float32(1 / math.pi)
# pi in three parts with few digits each, so that k times the first two is exact (Cody and Waite, 1980).
_PI_1 = np.float32(3.140625)
_PI_2 = np.float32(0.0009670257568359375)
_PI_3 = np.float32(math.pi - 3.140625 - 0.0009670257568359375)
# sin(r) = r + r^3 P(r^2) on [-pi/2, pi/2], fitted for the least maximal error.
_SIN_3 = np.float32(-0.16666656732559204)
_SIN_5 = np.float32(0.008333017118275166)
_SIN_7 = np.float32(-0.00019806614727713168)
_SIN_9 = np.float32(2.600054131107754e-06)


def where(condition: Element, a: Element, b: Element) -> Element:
    """Return `a` where `condition` holds, else `b`; both are evaluated."""
    return np.where(condition, a, b)


def minimum(a: Element, b: Element) -> Element:
    """Return the lesser; `b` if they compare equal or one is NaN (`np.minimum` leaves -0 and 0 open)."""
    return where(a < b, a, b)


def maximum(a: Element, b: Element) -> Element:
    """Return the greater; `b` if they compare equal or one is NaN."""
    return where(a > b, a, b)


def clip(x: Element, low: Element, high: Element) -> Element:
    """Return `x` within [low, high]."""
    return minimum(maximum(x, low), high)


def floor(x: Element) -> Element:
    """Return the greatest whole number not above `x`."""
    return np.floor(x)


def sqrt(x: Element) -> Element:
    """Return the square root."""
    return np.sqrt(x)


def absolute(x: Element) -> Element:
    """Return the magnitude."""
    return where(x < np.float32(0), -x, x)


def sin(x: Element) -> Element:
    """Return the sine of `x` (radians) within 1.2e-7 for |x| < 8,000; beyond, the reduction loses digits."""
    k = floor(x * _PER_PI + _HALF)
    return _half_turns(k, ((x - k * _PI_1) - k * _PI_2) - k * _PI_3)


def cos(x: Element) -> Element:
    """Return the cosine of `x` (radians) within 1.2e-7 for |x| < 8,000: sin(x + pi/2), reduced as one."""
    k = floor(x * _PER_PI + _ONE)
    h = k - _HALF
    return _half_turns(k, ((x - h * _PI_1) - h * _PI_2) - h * _PI_3)


def wrap_angle(x: Element) -> Element:
    """Return the angle in [-pi, pi) that points as `x` does (Gymnasium's `angle_normalize`)."""
    return x - floor((x + _PI) / _TWO_PI) * _TWO_PI


def _half_turns(k: Element, r: Element) -> Element:
    """Return sin(r) for |r| <= pi/2, negated if `k` is odd."""
    sign = _ONE - _TWO * (k - _TWO * floor(k * _HALF))
    y = r * r
    return sign * (r + r * y * (_SIN_3 + y * (_SIN_5 + y * (_SIN_7 + y * _SIN_9))))
