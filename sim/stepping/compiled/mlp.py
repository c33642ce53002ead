"""Multilayer perceptrons of 64 agents at a time, as register-tiled vector code.

The sums of TILE_UNITS units for vectors of agents stay in registers, so that each weight that is read serves
many products (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008), and ReLU or
tanh is applied on their way to memory, while the core goes on with the next tile's products.

Performance (`tests/bench/network_kernels.py`; one core of a 4.2 GHz EPYC, 512-bit vectors, two multiply-adds
a cycle): 2-64-64-1 with ReLU reaches 0.87 of the rate of its products alone, with tanh 0.70; 4-256-256-1
reaches 0.95 and 0.90. What is missing for tanh are the cycles of its chains, of which a core overlaps only a
part with products.

Tiles are always whole, so an agent's result does not depend on the agents beside it. Results differ from
NumPy's by the order of sums and the tanh; see `sim.stepping.compiled.network`.
"""

from functools import partial
from typing import Any

import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import compiled_inside
from valuescape.sim.codegen.machine import FLOAT_BYTES
from valuescape.sim.policy.network import Activation
from valuescape.sim.stepping.compiled.tanh import rough_tanh, scaled_tanh
from valuescape.sim.stepping.compiled.vectors import (
    HAS_BFLOAT16,
    LANES,
    VECTOR,
    WIDE,
    add_pairs,
    constant,
    load_float,
    multiply_add,
    packed,
    splat,
    vector,
    vector_at,
)
from valuescape.sim.stepping.tiles import ACTIVATIONS, PACKS, PAIRS, PAIRS_PACKS, TANH_SCALE, TILE_UNITS

TILE_AGENTS = 64
"""Agents that go through the network together."""

_VECTORS = 4 if WIDE else 2
STRIP_AGENTS = LANES * _VECTORS
"""Agents whose sums fit the registers: 4 units x 4 vectors take 16 of 32, or 4 x 2 take 8 of 16."""

IDENTITY, RELU, TANH, _ELU, _LEAKY_RELU, _SIGMOID = (
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


def _tile_of(units: int, *, pairs: bool = False, packs: bool = False) -> Any:
    """Return a function for the first `units` of a tile's TILE_UNITS units.

    pairs: inputs and weights are pairs of bfloat16, each 32 bits of two inputs. packs: outputs will be.
    """

    @intrinsic
    def tile(context: Any, x: Any, y: Any, weights: Any, bias: Any, inputs: Any, kind: Any) -> Any:
        """Write outputs for STRIP_AGENTS agents: sums, activated if `kind` is ReLU or tanh.

        All but the last two are addresses of float32: x of [inputs, TILE_AGENTS] and y of
        [units, TILE_AGENTS], both at the strip's first agent; weights of [inputs, TILE_UNITS], bias of
        [TILE_UNITS].
        """

        def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            x, y, weights, bias, inputs, kind = arguments
            if (pairs or packs) and not HAS_BFLOAT16:
                return cg.get_dummy_value()  # nothing calls it
            sums = _biases(builder, bias, units)
            add = add_pairs if pairs else multiply_add
            with cgutils.for_range(builder, inputs) as loop:
                _add_products(builder, sums, x, weights, loop.index, add)
            _store_activated(builder, sums, y, kind, packs)
            return cg.get_dummy_value()

        address = types.uintp
        return types.void(address, address, address, address, types.intp, types.intp), generate

    return tile


full_tile, single_tile = _tile_of(TILE_UNITS), _tile_of(1)
packing_tile = _tile_of(TILE_UNITS, packs=True)
pairs_tile, single_pairs_tile = _tile_of(TILE_UNITS, pairs=True), _tile_of(1, pairs=True)
pairs_packing_tile = _tile_of(TILE_UNITS, pairs=True, packs=True)


def _biases(builder: Any, bias: Any, units: int) -> list[list[Any]]:
    sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(_VECTORS)] for _ in range(units)]
    for unit, row in enumerate(sums):
        start = splat(builder, load_float(builder, bias, constant(unit)))
        for each in row:
            builder.store(start, each)
    return sums


def _add_products(builder: Any, sums: Any, x: Any, weights: Any, index: Any, add: Any) -> None:
    row = builder.mul(index, constant(TILE_AGENTS))
    inputs = [
        builder.load(vector_at(builder, x, builder.add(row, constant(each * LANES))), align=4)
        for each in range(_VECTORS)
    ]
    first = builder.mul(index, constant(TILE_UNITS))
    for unit, unit_sums in enumerate(sums):
        weight = splat(builder, load_float(builder, weights, builder.add(first, constant(unit))))
        for value, each in zip(inputs, unit_sums, strict=True):
            builder.store(add(builder, weight, value, builder.load(each)), each)


def _store_activated(builder: Any, sums: Any, y: Any, kind: Any, packs: bool) -> None:
    store, tanh_of = (_store_packed, rough_tanh) if packs else (_store, scaled_tanh)
    is_tanh, is_relu = (builder.icmp_signed("==", kind, constant(each)) for each in (TANH, RELU))
    with builder.if_else(is_tanh) as (tanh, otherwise):
        with tanh:
            store(builder, sums, y, tanh_of)
        with otherwise:  # one code for both halves the time to compile it, and a comparison is free
            least = builder.select(is_relu, vector(0.0), vector(-np.inf))
            store(builder, sums, y, partial(_at_least, least))


def _store(builder: Any, sums: Any, y: Any, activation: Any) -> None:
    for unit, row in enumerate(sums):
        values = activation(builder, [builder.load(place) for place in row])
        for each, value in enumerate(values):
            at = vector_at(builder, y, constant(unit * TILE_AGENTS + each * LANES))
            builder.store(value, at, align=4)


def _store_packed(builder: Any, sums: Any, y: Any, activation: Any) -> None:
    """Store units in pairs, as bfloat16 in the halves of 32 bits."""
    for pair in range(0, len(sums), 2):
        values = activation(builder, [builder.load(place) for row in sums[pair : pair + 2] for place in row])
        for each in range(_VECTORS):
            at = vector_at(builder, y, constant(pair // 2 * TILE_AGENTS + each * LANES))
            builder.store(packed(builder, values[each], values[_VECTORS + each]), at, align=4)


def _at_least(least: Any, builder: Any, vectors: list[Any]) -> list[Any]:
    return [builder.select(builder.fcmp_ordered("<", x, least), least, x) for x in vectors]  # NaN is not less


@intrinsic
def _tanh_of(context: Any, x: Any, count: Any, scale: Any) -> Any:
    """Replace `count` floats at address `x` (a multiple of TILE_AGENTS) by tanh(scale / TANH_SCALE * x)."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, count, scale = arguments
        with cgutils.for_range(builder, builder.sdiv(count, constant(LANES))) as loop:
            pointer = vector_at(builder, x, builder.mul(loop.index, constant(LANES)))
            scaled = builder.fmul(builder.load(pointer, align=4), splat(builder, scale))
            builder.store(scaled_tanh(builder, [scaled])[0], pointer, align=4)
        return cg.get_dummy_value()

    return types.void(types.uintp, types.intp, types.float32), generate


ZERO, HALF, ONE, TWO, LEAK = (np.float32(value) for value in (0, 0.5, 1, 2, 0.01))
_SCALE = np.float32(TANH_SCALE)


@compiled_inside
def tanh_in_place(x: Any, count: Any) -> None:
    """Replace `count` floats at address `x` (a multiple of TILE_AGENTS) by their hyperbolic tangents."""
    _tanh_of(x, count, _SCALE)


@compiled_inside
def dense(x: Any, y: Any, weights: Any, bias: Any, inputs: Any, units: Any, kind: Any) -> None:
    """Write a layer's outputs for TILE_AGENTS agents, in rows for whole tiles of units.

    Activation `kind` is applied if it is ReLU or tanh; others are left to `activate`. See `_tile_of`.
    """
    for unit in range(0, units, TILE_UNITS):
        for agent in range(0, TILE_AGENTS, STRIP_AGENTS):
            source, target = x + FLOAT_BYTES * agent, y + FLOAT_BYTES * (unit * TILE_AGENTS + agent)
            weight, start = weights + FLOAT_BYTES * unit * inputs, bias + FLOAT_BYTES * unit
            if units - unit == 1:
                single_tile(source, target, weight, start, inputs, kind)
            else:
                full_tile(source, target, weight, start, inputs, kind)


@compiled_inside
def dense_in_pairs(
    x: Any, y: Any, weights: Any, bias: Any, inputs: Any, units: Any, kind: Any, form: Any
) -> None:
    """Do as `dense` does, with bfloat16 at one side of the layer or both: `form` is of `tiles`.

    Sums are float32, to which pairs of products are added.
    """
    steps = inputs if form == PACKS else (inputs + 1) // 2
    for unit in range(0, units, TILE_UNITS):
        row = unit if form == PAIRS else unit // 2
        weight, start = weights + FLOAT_BYTES * unit * steps, bias + FLOAT_BYTES * unit
        for agent in range(0, TILE_AGENTS, STRIP_AGENTS):
            source, target = x + FLOAT_BYTES * agent, y + FLOAT_BYTES * (row * TILE_AGENTS + agent)
            if form == PACKS:
                packing_tile(source, target, weight, start, steps, kind)
            elif form == PAIRS_PACKS:
                pairs_packing_tile(source, target, weight, start, steps, kind)
            elif units - unit == 1:
                single_pairs_tile(source, target, weight, start, steps, kind)
            else:
                pairs_tile(source, target, weight, start, steps, kind)


@compiled_inside
def activate(values: Any, scratch: Any, kind: Any, done: Any) -> None:
    """Apply activation `kind` to `values`, [n] float32, in place; `scratch`, as long, is overwritten.

    done: whether `dense` has applied ReLU and tanh. Arguments of tanh are scaled by TANH_SCALE.
    """
    n = len(values)
    if kind == RELU and not done:
        for i in range(n):
            values[i] = ZERO if values[i] < ZERO else values[i]
    elif kind == TANH and not done:
        _tanh_of(values.ctypes.data, n, ONE)
    elif kind == _LEAKY_RELU:
        for i in range(n):
            values[i] = values[i] if values[i] > ZERO else LEAK * values[i]
    elif kind not in (IDENTITY, RELU, TANH):
        _activate_by_tanh(values, scratch, kind)


@compiled_inside
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
