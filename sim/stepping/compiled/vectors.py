"""Vectors of agents in machine code: constants, loads, and multiply-adds of whole registers."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from valuescape.sim.codegen.compiler import CPU_FEATURES

WIDE = CPU_FEATURES.get("avx512f", False)
"""Whether registers have 512 bits, and there are 32 of them."""

HAS_BFLOAT16 = bool(WIDE and CPU_FEATURES.get("avx512bf16", False))
"""Whether the machine multiplies pairs of bfloat16."""

LANES = 16 if WIDE else 8
FLOAT, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(FLOAT, LANES)
WORDS = ir.VectorType(I32, LANES)


class _BFloat(ir.Type):  # type: ignore[misc]  # llvmlite has no types
    """LLVM's bfloat, which llvmlite has no name for."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


_PAIRS = ir.VectorType(_BFloat(), 2 * LANES)
_FUSED = CPU_FEATURES.get("fma", True)


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, rounded once where the machine can."""
    if not _FUSED:  # the intrinsic would call the C library for every number
        return builder.fadd(builder.fmul(a, b), c)
    return call(builder, f"llvm.fma.v{LANES}f32", VECTOR, a, b, c)


def add_pairs(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return c plus both products of the bfloat16 in each 32 bits of a and b; denormal numbers count as 0."""
    a, b = (builder.bitcast(each, _PAIRS) for each in (a, b))
    return call(builder, "llvm.x86.avx512bf16.dpbf16ps.512", VECTOR, c, a, b)


def packed(builder: Any, low: Any, high: Any) -> Any:
    """Return both vectors as bfloat16, rounded to the nearest, in the halves of each lane's 32 bits."""
    half, shift, mask = (words([each] * LANES) for each in (1 << 15, 16, 0xFFFF0000))
    low, high = (builder.add(builder.bitcast(each, WORDS), half) for each in (low, high))
    return builder.bitcast(builder.or_(builder.lshr(low, shift), builder.and_(high, mask)), VECTOR)


def call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Return what LLVM's intrinsic `name` makes of `arguments`."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def constant(value: int) -> Any:
    """Return a 64-bit integer."""
    return ir.Constant(I64, value)


def vector(value: float) -> Any:
    """Return a vector with `value`, as float32, in every lane."""
    return ir.Constant(VECTOR, [ir.Constant(FLOAT, float(np.float32(value)))] * LANES)


def words(values: Any) -> Any:
    """Return a vector of 32-bit words, one value for each lane."""
    return ir.Constant(WORDS, [int(value) for value in values])


def splat(builder: Any, value: Any) -> Any:
    """Return a vector with the float `value` in every lane."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    single = builder.insert_element(undefined, value, ir.Constant(I32, 0))
    return builder.shuffle_vector(single, undefined, words([0] * LANES))


def load_float(builder: Any, address: Any, index: Any) -> Any:
    """Return the float32 `index` floats after `address`."""
    return builder.load(builder.gep(builder.inttoptr(address, FLOAT.as_pointer()), [index]))


def vector_at(builder: Any, address: Any, index: Any) -> Any:
    """Return a pointer to the vector that begins `index` floats after `address`."""
    float_pointer = builder.gep(builder.inttoptr(address, FLOAT.as_pointer()), [index])
    return builder.bitcast(float_pointer, VECTOR.as_pointer())
