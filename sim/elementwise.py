"""Arithmetic that gives the same bits on NumPy arrays and, compiled, on single numbers.

The dynamics of a world are written once, with these functions, `+ - * /`, comparisons and float32 constants.
NumPy runs them on whole rows; `sim.codegen` compiles the same source into a vectorised loop. Both round every
operation to float32 in the same way, so the results are equal bit by bit. `np.sin` and others are not used,
because NumPy and compilers approximate them differently.

Constants must be np.float32: a Python float makes numba compute in float64, which `sim.codegen` refuses.
"""

import math
from typing import Any

import numpy as np

Element = Any
"""A float32 array, or in compiled code a float32 number: the functions here take and return either."""

_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_PI = np.float32(math.pi)
_TWO_PI = np.float32(2 * math.pi)
_PER_PI = np.float32(1 / math.pi)
# pi as a sum of three parts with few digits each, so that k times the first two is exact (Cody, Waite, 1980).
_PI_1 = np.float32(3.140625)
_PI_2 = np.float32(0.0009670257568359375)
_PI_3 = np.float32(math.pi - 3.140625 - 0.0009670257568359375)
# sin(r) = r + r^3 P(r^2) on [-pi/2, pi/2], fitted for the least maximal error.
_SIN_3 = np.float32(-0.16666656732559204)
_SIN_5 = np.float32(0.008333017118275166)
_SIN_7 = np.float32(-0.00019806614727713168)
_SIN_9 = np.float32(2.600054131107754e-06)
# log(1 + f) = f - f^2/2 + f^3 P(f) on [sqrt(1/2) - 1, sqrt(2) - 1]; logf of Cephes (Moshier, 1992).
_LOG = tuple(
    np.float32(coefficient)
    for coefficient in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_SQRT_2 = np.float32(math.sqrt(2))
_LN_2_HIGH, _LN_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_EXPONENT_SHIFT, _EXPONENT_BIAS = np.int32(23), np.int32(127)
_MANTISSA, _EXPONENT_OF_ONE = np.int32(0x007FFFFF), np.int32(0x3F800000)


def where(condition: Element, a: Element, b: Element) -> Element:
    """Return `a` where `condition` holds, else `b`; both are evaluated."""
    return np.where(condition, a, b)


def minimum(a: Element, b: Element) -> Element:
    """Return the lesser; `b` if they are equal or one is NaN (`np.minimum` does not order -0 and 0)."""
    return where(a < b, a, b)


def maximum(a: Element, b: Element) -> Element:
    """Return the greater; `b` if they are equal or one is NaN."""
    return where(a > b, a, b)


def clip(x: Element, low: Element, high: Element) -> Element:
    """Return `x` within [low, high]; NaN stays NaN."""
    x = where(x < low, low, x)
    return where(x > high, high, x)


def symmetric(draw: Element, reach: Element) -> Element:
    """Return the uniform `draw` in [0, 1) scaled to [-reach, reach)."""
    return (draw * _TWO - _ONE) * reach


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
    """Return the sine of `x` (radians), within 1.2e-7 for |x| < 8,000; beyond, the error grows."""
    k = floor(x * _PER_PI + _HALF)
    return _half_turns(k, ((x - k * _PI_1) - k * _PI_2) - k * _PI_3)


def cos(x: Element) -> Element:
    """Return the cosine of `x` (radians), within 1.2e-7 for |x| < 8,000; beyond, the error grows."""
    k = floor(x * _PER_PI + _ONE)
    h = k - _HALF
    return _half_turns(k, ((x - h * _PI_1) - h * _PI_2) - h * _PI_3)


def wrap_angle(x: Element) -> Element:
    """Return the angle in [-pi, pi) that is equivalent to `x` (Gymnasium's `angle_normalize`)."""
    return x - floor((x + _PI) / _TWO_PI) * _TWO_PI


def log(x: Element) -> Element:
    """Return the natural logarithm of `x` > 0 (not subnormal), within 1e-7, relative or absolute."""
    bits = float_bits(x)
    exponent = to_float((bits >> _EXPONENT_SHIFT) - _EXPONENT_BIAS)
    mantissa = bits_float((bits & _MANTISSA) | _EXPONENT_OF_ONE)
    upper = mantissa > _SQRT_2
    f = where(upper, mantissa * _HALF, mantissa) - _ONE
    exponent = where(upper, exponent + _ONE, exponent)
    polynomial = _LOG[0]
    for coefficient in _LOG[1:]:
        polynomial = polynomial * f + coefficient
    square = f * f
    tail = f * square * polynomial + _LN_2_LOW * exponent - _HALF * square
    return f + tail + _LN_2_HIGH * exponent


def float_bits(x: Element) -> Element:
    """Return the bits of float32 `x` as int32."""
    return x.view(np.int32)


def bits_float(bits: Element) -> Element:
    """Return the float32 with the bits of int32 `bits`."""
    return bits.view(np.float32)


def to_float(whole: Element) -> Element:
    """Return whole numbers as float32."""
    return np.float32(whole)


def _half_turns(k: Element, r: Element) -> Element:
    """Return sin(r) for |r| <= pi/2, negated if `k` is odd."""
    sign = _ONE - _TWO * (k - _TWO * floor(k * _HALF))
    y = r * r
    return sign * (r + r * y * (_SIN_3 + y * (_SIN_5 + y * (_SIN_7 + y * _SIN_9))))
