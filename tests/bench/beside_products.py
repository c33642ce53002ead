"""Times what instructions of a tanh cost beside multiply-adds, and the bound that follows for a network.

Each loop has 16 independent multiply-adds of whole vectors, and 8 instructions of one kind between them,
which depend on nothing but themselves. Run it by hand, where vectors have 512 bits:
PYTHONPATH=tests/bench .venv/bin/python tests/bench/beside_products.py
"""

import time

import numpy as np
from engine.products import PRODUCTS
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import compiled
from valuescape.sim.stepping.compiled import vectors
from valuescape.sim.stepping.compiled.vectors import (
    LANES,
    VECTOR,
    WORDS,
    call,
    constant,
    multiply_add,
    vector,
)

SUMS, ASIDE, TURNS, ROUNDS = 16, 8, 4_000, 400
HIDDEN = 128
TANH = {"multiply-add": 4, "reciprocal, 14 bits": 1, "permutation": 1}
"""The instructions of a tanh that cost something beside products; it has eight others."""


def _words(builder, x, change):
    return builder.bitcast(change(builder.bitcast(x, WORDS)), VECTOR)


def _each(value):
    return vectors.words([value] * LANES)


KINDS = {
    "addition": lambda b, x: b.fadd(x, vector(0.5)),
    "shift": lambda b, x: _words(b, x, lambda w: b.shl(w, _each(1))),
    "whole addition": lambda b, x: _words(b, x, lambda w: b.add(w, _each(3))),
    "multiply-add": lambda b, x: multiply_add(b, x, vector(0.9), vector(0.5)),
    "reciprocal, 14 bits": lambda b, x: call(
        b, "llvm.x86.avx512.rcp14.ps.512", VECTOR, x, vector(0.0), ir.Constant(ir.IntType(16), -1)
    ),
    "division": lambda b, x: b.fdiv(vector(1.0), x),
    "permutation": lambda b, x: _words(
        b,
        x,
        lambda w: call(b, "llvm.x86.avx512.permvar.si.512", WORDS, vectors.words(range(3, 3 + LANES)), w),
    ),
}


def loop(kind):
    """Return a function of an address that makes TURNS rounds, with instructions of a kind, or None."""

    @intrinsic
    def rounds(context, out):
        def generate(cg, builder, signature, arguments):
            sums = [cgutils.alloca_once_value(builder, vector(0.01 * k)) for k in range(SUMS)]
            aside = [cgutils.alloca_once_value(builder, vector(1.0 + k)) for k in range(ASIDE if kind else 0)]
            with cgutils.for_range(builder, constant(TURNS)):
                for k, each in enumerate(sums):
                    value = multiply_add(builder, builder.load(each), vector(0.999), vector(0.001))
                    builder.store(value, each)
                    if k < len(aside):
                        builder.store(KINDS[kind](builder, builder.load(aside[k])), aside[k])
            for k, each in enumerate([*sums, *aside]):
                at = vectors.vector_at(builder, arguments[0], constant(k * LANES))
                builder.store(builder.load(each), at, align=4)
            return cg.get_dummy_value()

        return types.void(types.uintp), generate

    @compiled
    def run(out):
        rounds(out.ctypes.data)

    return run


def main() -> None:
    out = np.zeros((SUMS + ASIDE) * LANES, np.float32)
    calls = {None: loop(None), **{kind: loop(kind) for kind in KINDS}}
    best = dict.fromkeys(calls, np.inf)
    for _ in range(ROUNDS):
        for kind, call_it in calls.items():
            began = time.perf_counter()
            call_it(out)
            best[kind] = min(best[kind], time.perf_counter() - began)
    cost = {kind: (best[kind] / best[None] - 1) * SUMS / ASIDE for kind in KINDS}
    print("beside multiply-adds, in the time of one of them:")
    for kind, each in cost.items():
        print(f"  {kind:22} {max(each, 0):5.2f}")
    tanh = sum(count * cost[kind] for kind, count in TANH.items())
    bound = PRODUCTS / (PRODUCTS + HIDDEN * tanh)
    print(
        f"a tanh: {tanh:.1f}; so 2-64-64-1 with tanh reaches {bound:.2f} of the rate of its products at most"
    )


if __name__ == "__main__":
    main()
