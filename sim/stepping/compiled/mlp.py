"""Multilayer perceptrons of 64 agents at a time, as register-tiled vector code.

The sums of TILE_UNITS units for vectors of agents stay in registers, so that each weight that is read serves
many products (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008). For a
2-64-64-1 tanh network on one core of a 2.3 GHz Xeon (512-bit vectors), loops that LLVM vectorises by itself
reach 0.8 million agents a second, and these 12.9 million: 80 % of the rate of the products alone.

Tiles are always whole, so an agent's result does not depend on the agents beside it. Results differ from
NumPy's by the order of sums and the tanh; see `sim.stepping.compiled.network`.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import CPU_FEATURES, compiled
from valuescape.sim.codegen.machine import FLOAT_BYTES
from valuescape.sim.policy.network import Activation
from valuescape.sim.stepping.tiles import ACTIVATIONS, TILE_UNITS

TILE_AGENTS = 64
"""Agents that go through the network together."""

_WIDE = CPU_FEATURES.get("avx512f", False)
_LANES = 16 if _WIDE else 8
_VECTORS = 4 if _WIDE else 2
STRIP_AGENTS = _LANES * _VECTORS
"""Agents whose sums fit the registers: 4 units x 4 vectors take 16 of 32, or 4 x 2 take 8 of 16."""

_FUSED = CPU_FEATURES.get("fma", True)
_FLOAT, _I64 = ir.FloatType(), ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, _LANES)

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 8.66, where it is 1 - 6e-8; within 3.1e-7 (as in Eigen).
_TANH_BOUND = 8.66
_TANH_P = (1.394553628e-8, 2.102733560e-5, 3.520756727e-3, 1.340216100e-1, 1.0)
_TANH_Q = (8.015776984e-7, 3.326951409e-4, 2.597254514e-2, 4.673548340e-1, 1.0)

_IDENTITY, _RELU, _TANH, _ELU, _LEAKY_RELU, _SIGMOID = (
    ACTIVATIONS.index(each)
    for each in (
        Activation.IDENTITY,
        Activation.RELU,
        Activation.TANH,
        Activation.ELU,
        Activation.LEAKY_RELU,
        Activation.SIGMOID,
    )
)


@intrinsic
def dense_tile(context: Any, x: Any, y: Any, weights: Any, bias: Any, inputs: Any) -> Any:
    """Write the sums of TILE_UNITS units for STRIP_AGENTS agents.

    All are addresses of float32: x of [inputs, TILE_AGENTS] and y of [TILE_UNITS, TILE_AGENTS], both at the
    strip's first agent; weights of [inputs, TILE_UNITS], bias of [TILE_UNITS].
    """

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, y, weights, bias, inputs = arguments
        sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(_VECTORS)] for _ in range(TILE_UNITS)]
        for unit, row in enumerate(sums):
            start = _splat(builder, _load_float(builder, bias, _constant(unit)))
            for each in row:
                builder.store(start, each)
        with cgutils.for_range(builder, inputs) as loop:
            _add_products(builder, sums, x, weights, loop.index)
        for unit, row in enumerate(sums):
            for vector, each in enumerate(row):
                offset = _constant(unit * TILE_AGENTS + vector * _LANES)
                builder.store(builder.load(each), _vector_at(builder, y, offset), align=4)
        return cg.get_dummy_value()

    address = types.uintp
    return types.void(address, address, address, address, types.intp), generate


def _add_products(builder: Any, sums: Any, x: Any, weights: Any, index: Any) -> None:
    row = builder.mul(index, _constant(TILE_AGENTS))
    inputs = [
        builder.load(_vector_at(builder, x, builder.add(row, _constant(vector * _LANES))), align=4)
        for vector in range(_VECTORS)
    ]
    first = builder.mul(index, _constant(TILE_UNITS))
    for unit, unit_sums in enumerate(sums):
        weight = _splat(builder, _load_float(builder, weights, builder.add(first, _constant(unit))))
        for value, each in zip(inputs, unit_sums, strict=True):
            builder.store(_multiply_add(builder, weight, value, builder.load(each)), each)


@intrinsic
def tanh_in_place(context: Any, x: Any, count: Any) -> Any:
    """Replace `count` floats at address `x` (a multiple of TILE_AGENTS) by their hyperbolic tangents."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, count = arguments
        with cgutils.for_range(builder, builder.sdiv(count, _constant(_LANES))) as loop:
            pointer = _vector_at(builder, x, builder.mul(loop.index, _constant(_LANES)))
            builder.store(_tanh(builder, builder.load(pointer, align=4)), pointer, align=4)
        return cg.get_dummy_value()

    return types.void(types.uintp, types.intp), generate


def _tanh(builder: Any, x: Any) -> Any:
    bound, least = _vector(_TANH_BOUND), _vector(-_TANH_BOUND)
    x = builder.select(builder.fcmp_ordered(">", x, bound), bound, x)  # in this order NaN stays NaN
    x = builder.select(builder.fcmp_ordered("<", x, least), least, x)
    square = builder.fmul(x, x)
    p, q = _vector(_TANH_P[0]), _vector(_TANH_Q[0])
    for a, b in zip(_TANH_P[1:], _TANH_Q[1:], strict=True):
        p = _multiply_add(builder, p, square, _vector(a))
        q = _multiply_add(builder, q, square, _vector(b))
    return builder.fmul(builder.fmul(p, x), _reciprocal(builder, q))


def _reciprocal(builder: Any, q: Any) -> Any:
    """Return 1/q; with 512 bits by a 14-bit guess and a Newton step, as a division would stall the core."""
    one = _vector(1.0)
    if not _WIDE:
        return builder.fdiv(one, q)
    kind = ir.FunctionType(_VECTOR, [_VECTOR, _VECTOR, ir.IntType(16)])
    guess_14_bits = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.rcp14.ps.512")
    guess = builder.call(guess_14_bits, [q, _vector(0.0), ir.Constant(ir.IntType(16), -1)])
    error = _multiply_add(builder, builder.fneg(q), guess, one)
    return _multiply_add(builder, error, guess, guess)


def _multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    if not _FUSED:  # the intrinsic would call the C library for every number
        return builder.fadd(builder.fmul(a, b), c)
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{_LANES}f32")
    return builder.call(fma, [a, b, c])


def _constant(value: int) -> Any:
    return ir.Constant(_I64, value)


def _vector(value: float) -> Any:
    return ir.Constant(_VECTOR, [ir.Constant(_FLOAT, float(np.float32(value)))] * _LANES)


def _splat(builder: Any, value: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
    return builder.shuffle_vector(single, undefined, zeros)


def _load_float(builder: Any, address: Any, index: Any) -> Any:
    return builder.load(builder.gep(builder.inttoptr(address, _FLOAT.as_pointer()), [index]))


def _vector_at(builder: Any, address: Any, index: Any) -> Any:
    """Return a pointer to the vector that begins `index` floats after `address`."""
    float_pointer = builder.gep(builder.inttoptr(address, _FLOAT.as_pointer()), [index])
    return builder.bitcast(float_pointer, _VECTOR.as_pointer())


ZERO, HALF, ONE, TWO, LEAK = (np.float32(value) for value in (0, 0.5, 1, 2, 0.01))


@compiled
def dense(x: Any, y: Any, weights: Any, bias: Any, inputs: Any, units: Any) -> None:
    """Write the sums of `units` units, a multiple of TILE_UNITS, for TILE_AGENTS agents. See `dense_tile`."""
    for unit in range(0, units, TILE_UNITS):
        for agent in range(0, TILE_AGENTS, STRIP_AGENTS):
            dense_tile(
                x + FLOAT_BYTES * agent,
                y + FLOAT_BYTES * (unit * TILE_AGENTS + agent),
                weights + FLOAT_BYTES * unit * inputs,
                bias + FLOAT_BYTES * unit,
                inputs,
            )


@compiled
def activate(values: Any, scratch: Any, kind: Any) -> None:
    """Apply activation `kind` to `values`, [n] float32, in place; `scratch`, as long, is overwritten."""
    n = len(values)
    if kind == _RELU:
        for i in range(n):
            values[i] = ZERO if values[i] < ZERO else values[i]
    elif kind == _TANH:
        tanh_in_place(values.ctypes.data, n)
    elif kind == _LEAKY_RELU:
        for i in range(n):
            values[i] = values[i] if values[i] > ZERO else LEAK * values[i]
    elif kind != _IDENTITY:
        _activate_by_tanh(values, scratch, kind)


@compiled
def _activate_by_tanh(values: Any, scratch: Any, kind: Any) -> None:
    """Apply ELU, sigmoid or SiLU, all of which follow from t = tanh(x / 2)."""
    n = len(values)
    for i in range(n):
        scratch[i] = HALF * values[i]
    tanh_in_place(scratch.ctypes.data, n)
    for i in range(n):
        t = scratch[i]
        if kind == _ELU:
            x = values[i]
            t = ZERO if t > ZERO else t
            values[i] = x if x > ZERO else TWO * t / (ONE - t)
        else:
            gate = HALF * t + HALF
            values[i] = gate if kind == _SIGMOID else values[i] * gate
