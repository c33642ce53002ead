"""Measures the bound that multiply-adds alone, on 2 threads, set for a 2-64-64-1 network: no loads, no tanh.

Sixteen vectors of sums are in registers, enough to hide the latency of a multiply-add.
"""

import threading
import time

import numpy as np
from measuring import answer, arguments
from numba.core import cgutils, types
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import compiled
from valuescape.sim.stepping.compiled.vectors import LANES, VECTOR, constant, multiply_add, vector, vector_at

THREADS, SUMS, TURNS = 2, 16, 100_000
PRODUCTS = 2 * 64 + 64 * 64 + 64
"""Multiply-adds for one agent."""


@intrinsic
def sum_products(context, out):
    """Do TURNS rounds of SUMS multiply-adds of whole vectors; store the sums at address `out`."""

    def generate(cg, builder, signature, arguments):
        sums = [cgutils.alloca_once_value(builder, vector(0.01 * k)) for k in range(SUMS)]
        factor, addend = vector(0.999), vector(0.001)
        with cgutils.for_range(builder, constant(TURNS)):
            for each in sums:
                builder.store(multiply_add(builder, builder.load(each), factor, addend), each)
        for k, each in enumerate(sums):
            at = vector_at(builder, arguments[0], constant(k * LANES))
            builder.store(builder.load(each), at, align=4)
        return cg.get_dummy_value()

    return types.void(types.uintp), generate


@compiled
def run(out):
    sum_products(out.ctypes.data)


def main() -> None:
    args = arguments()
    outs = np.zeros((THREADS, SUMS * VECTOR.count), np.float32)
    run(outs[0])
    rates = [0.0] * THREADS

    def work(index: int) -> None:
        began, calls = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - began) < args["seconds"]:
            run(outs[index])
            calls += 1
        rates[index] = calls * TURNS * SUMS * LANES / PRODUCTS / elapsed

    threads = [threading.Thread(target=work, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer(sum(rates))


if __name__ == "__main__":
    main()
