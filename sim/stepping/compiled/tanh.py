"""The hyperbolic tangent of vectors of agents, of sums that are scaled by `tiles.TANH_SCALE`.

With 512-bit vectors tanh(x) = 1 - 1 / (1/2 + e^2x / 2), and e^2x = 2^(k/16) 2^(r/16), where k is whole and
|r| at most 1/2: the first factor is an entry of a table of 16 plus k/16 in the exponent, the second a
parabola. The scale makes k + r of the sum itself. Four of its instructions need the units that multiply, the
others mostly those that products leave idle. Within 3.5e-7, and 0 for 0. Elsewhere tanh is a rational
function, within 3.1e-7.
"""

from typing import Any

import numpy as np
from llvmlite import ir

from valuescape.sim.stepping.compiled.vectors import (
    LANES,
    VECTOR,
    WIDE,
    WORDS,
    call,
    multiply_add,
    vector,
    words,
)
from valuescape.sim.stepping.tiles import TANH_SCALE

_STEPS = 16
"""Steps of the table; a power of two, as many as a vector has lanes."""

_BOUND = 9.5
"""Where float32 rounds tanh to 1."""

_LOG_STEP = np.log(2) / _STEPS
_LINEAR = _LOG_STEP + _LOG_STEP**3 / 32  # of the three, the best for |r| <= 1/2 that is 1 at 0
_SQUARE = _LOG_STEP**2 / 2
_EXPONENT_BITS = 23 - 4
_ROUNDING = 1.5 * 2**23
"""Adding it leaves a float's whole part in its lowest bits."""

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 8.66, where it is 1 - 6e-8 (as in Eigen).
_RATIONAL_BOUND = 8.66
_P = (1.394553628e-8, 2.102733560e-5, 3.520756727e-3, 1.340216100e-1, 1.0)
_Q = (8.015776984e-7, 3.326951409e-4, 2.597254514e-2, 4.673548340e-1, 1.0)


def scaled_tanh(builder: Any, vectors: list[Any]) -> list[Any]:
    """Return tanh(x / TANH_SCALE) of vectors x; NaN for NaN.

    Each step is made for all of them before the next, as a core looks ahead over few of these long chains.
    """
    return _by_table(builder, vectors) if WIDE else [_by_rational(builder, x) for x in vectors]


def _by_table(builder: Any, vectors: list[Any]) -> list[Any]:
    vectors = [_clamped(builder, x, _BOUND * TANH_SCALE) for x in vectors]
    rounded = [builder.fadd(x, vector(_ROUNDING)) for x in vectors]
    whole = [builder.fsub(x, vector(_ROUNDING)) for x in rounded]
    powers = _powers(builder, rounded, _SQUARE)
    rests = [builder.fsub(x, k) for x, k in zip(vectors, whole, strict=True)]
    linear = [builder.fadd(r, vector(_LINEAR / _SQUARE)) for r in rests]
    parabola = [multiply_add(builder, a, r, vector(1 / _SQUARE)) for a, r in zip(linear, rests, strict=True)]
    inverse = [multiply_add(builder, a, e, vector(0.5)) for a, e in zip(parabola, powers, strict=True)]
    # 1 / inverse by a 14-bit guess and a Newton step, as a division would stall the core
    guesses = [_guess(builder, q) for q in inverse]
    steps = [
        multiply_add(builder, builder.fneg(q), g, vector(2.0)) for q, g in zip(inverse, guesses, strict=True)
    ]
    return [
        multiply_add(builder, builder.fneg(g), step, vector(1.0))
        for g, step in zip(guesses, steps, strict=True)
    ]


def rough_tanh(builder: Any, vectors: list[Any]) -> list[Any]:
    """Return tanh(x / TANH_SCALE) of vectors x within 1.3e-4, for results that are rounded to bfloat16."""
    vectors = [_clamped(builder, x, _BOUND * TANH_SCALE) for x in vectors]
    rounded = [builder.fadd(x, vector(_ROUNDING)) for x in vectors]
    whole = [builder.fsub(x, vector(_ROUNDING)) for x in rounded]
    rests = [builder.fsub(x, k) for x, k in zip(vectors, whole, strict=True)]
    lines = [builder.fadd(r, vector((1 + _LOG_STEP**2 / 16) / _LOG_STEP)) for r in rests]
    powers = _powers(builder, rounded, _LOG_STEP)
    inverse = [multiply_add(builder, a, e, vector(0.5)) for a, e in zip(lines, powers, strict=True)]
    return [builder.fsub(vector(1.0), _guess(builder, q)) for q in inverse]


def _guess(builder: Any, q: Any) -> Any:
    """Return 1 / q to 14 bits."""
    every = ir.Constant(ir.IntType(16), -1)
    return call(builder, "llvm.x86.avx512.rcp14.ps.512", VECTOR, q, vector(0.0), every)


def _powers(builder: Any, rounded: list[Any], factor: float) -> list[Any]:
    """Return factor / 2 times 2^(k/16), of k in the lowest bits of `rounded`."""
    steps = np.arange(_STEPS)
    table = (factor / 2 * 2.0 ** (steps / _STEPS)).astype(np.float32).view(np.int32).astype(np.int64)
    entries = words(table - (steps << _EXPONENT_BITS))  # the shift below adds them again
    lowest = [builder.bitcast(each, WORDS) for each in rounded]
    permute, bits = f"llvm.x86.avx512.permvar.si.{32 * LANES}", words([_EXPONENT_BITS] * LANES)
    found = [call(builder, permute, WORDS, entries, each) for each in lowest]
    exponents = [builder.shl(each, bits) for each in lowest]
    sums = [builder.add(a, b) for a, b in zip(found, exponents, strict=True)]
    return [builder.bitcast(each, VECTOR) for each in sums]


def _by_rational(builder: Any, x: Any) -> Any:
    x = _clamped(builder, x, _RATIONAL_BOUND * TANH_SCALE)
    square = builder.fmul(x, x)
    p, q = (_horner(builder, square, coefficients) for coefficients in (_P, _Q))
    return builder.fdiv(builder.fmul(builder.fmul(p, x), vector(1 / TANH_SCALE)), q)


def _horner(builder: Any, square: Any, coefficients: tuple[float, ...]) -> Any:
    """Return the polynomial of (x / TANH_SCALE)^2, from `square` = x^2."""
    degree = len(coefficients) - 1
    scaled = [c / TANH_SCALE ** (2 * (degree - i)) for i, c in enumerate(coefficients)]
    value = vector(scaled[0])
    for each in scaled[1:]:
        value = multiply_add(builder, value, square, vector(each))
    return value


def _clamped(builder: Any, x: Any, bound: float) -> Any:
    most, least = vector(bound), vector(-bound)
    x = builder.select(builder.fcmp_ordered(">", x, most), most, x)  # in this order NaN stays NaN
    return builder.select(builder.fcmp_ordered("<", x, least), least, x)
