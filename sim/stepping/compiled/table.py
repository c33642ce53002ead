"""A tabulated actor in machine code: the outputs of LANES agents at a time, between four nodes of a table.

It is `sim.stepping.tabulated.interpolated`, bit by bit. Performance (`tests/bench/network_kernels.py`; one
core of an EPYC with 512-bit vectors): a tick of the continuous mountain car with 256 cells each way takes
5 ns an agent, an eighth of the tick in which a 2-64-64-1 network is evaluated.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import compiled_inside
from valuescape.sim.codegen.machine import FLOAT_BYTES
from valuescape.sim.stepping.compiled.mlp import TILE_AGENTS
from valuescape.sim.stepping.compiled.vectors import (
    I32,
    LANES,
    VECTOR,
    WIDE,
    WORDS,
    call,
    constant,
    load_float,
    splat,
    vector,
    vector_at,
    words,
)

_SLACK = 1e-3
"""As `tabulated._SLACK`."""


@compiled_inside
def look_up(policy: Any, block: Any, agent: Any, outputs: Any) -> Any:
    """Write the outputs of TILE_AGENTS agents of a block to address `outputs`; return whether of all.

    Outputs of agents whose state is beyond the table, or NaN, are left as they are.
    """
    nodes, whole = policy.cells + 1, True
    for output in range(policy.outputs):
        table = policy.table.ctypes.data + FLOAT_BYTES * output * nodes * nodes
        for first in range(0, TILE_AGENTS, LANES):
            states = block.ctypes.data + FLOAT_BYTES * (agent + first)
            target = outputs + FLOAT_BYTES * (output * TILE_AGENTS + first)
            whole &= _interpolate(
                states, block.strides[0], policy.grid.ctypes.data, policy.cells, table, target
            )
    return whole


@intrinsic
def _interpolate(
    context: Any, states: Any, stride: Any, grid: Any, cells: Any, table: Any, target: Any
) -> Any:
    """Write an output of LANES agents where the table has their states; return whether it has all.

    states: address of their first variable, the second is `stride` bytes further. grid: address of
    `tabulated.grid_of`. table: address of the output's nodes, of which there are `cells` + 1 each way.
    """

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        states, stride, grid, cells, table, target = arguments
        count = builder.trunc(cells, I32)
        (i, x, has_x), (j, y, has_y) = (
            _place(builder, builder.add(states, builder.mul(stride, constant(each))), grid, each, count)
            for each in range(2)
        )
        nodes = builder.add(count, I32(1))
        near = builder.add(builder.mul(i, _each(builder, nodes)), j)
        far = builder.add(near, _each(builder, nodes))
        value = _mixed(builder, _between(builder, table, near, y), _between(builder, table, far, y), x)
        has = builder.and_(has_x, has_y)
        place = vector_at(builder, target, constant(0))
        builder.store(builder.select(has, value, builder.load(place, align=4)), place, align=4)
        bits = ir.IntType(LANES)
        return builder.icmp_signed("==", builder.bitcast(has, bits), bits(-1))

    address = types.uintp
    return types.boolean(address, types.intp, address, types.intp, address, address), generate


def _place(builder: Any, values: Any, grid: Any, variable: int, count: Any) -> tuple[Any, Any, Any]:
    """Return the cells that a variable's values lie in, how far in each, and whether the grid has them."""
    low, rate, wrap = (
        splat(builder, load_float(builder, grid, constant(3 * variable + each))) for each in range(3)
    )
    single = builder.sitofp(count, ir.FloatType())
    most = splat(builder, single)
    turns = splat(builder, builder.fdiv(ir.FloatType()(1.0), single))
    at = builder.load(vector_at(builder, values, constant(0)), align=4)
    at = builder.fmul(builder.fsub(at, low), rate)
    whole = call(builder, f"llvm.floor.v{LANES}f32", VECTOR, builder.fmul(at, turns))
    at = builder.fsub(at, builder.fmul(whole, wrap))
    above = builder.fcmp_ordered(">=", at, vector(-_SLACK))
    below = builder.fcmp_ordered("<=", at, builder.fadd(most, vector(_SLACK)))
    at = builder.select(builder.fcmp_ordered(">", at, vector(0.0)), at, vector(0.0))
    at = builder.select(builder.fcmp_ordered("<", at, most), at, most)
    cell = builder.fptosi(at, WORDS)
    last = _each(builder, builder.sub(count, I32(1)))
    cell = builder.select(builder.icmp_signed("<", cell, last), cell, last)
    return cell, builder.fsub(at, builder.sitofp(cell, VECTOR)), builder.and_(above, below)


def _between(builder: Any, table: Any, row: Any, y: Any) -> Any:
    """Return the values between the nodes `row` and those after them."""
    following = builder.add(row, words([1] * LANES))
    one, other = (_gathered(builder, table, each) for each in (row, following))
    return _mixed(builder, one, other, y)


def _mixed(builder: Any, one: Any, other: Any, share: Any) -> Any:
    return builder.fadd(one, builder.fmul(share, builder.fsub(other, one)))


def _gathered(builder: Any, table: Any, index: Any) -> Any:
    """Return the floats at places `index` of the table."""
    if WIDE:
        base = builder.inttoptr(table, ir.IntType(8).as_pointer())
        every = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
        name = "llvm.x86.avx512.mask.gather.dps.512"
        return call(builder, name, VECTOR, vector(0.0), base, index, every, I32(FLOAT_BYTES))
    found = ir.Constant(VECTOR, ir.Undefined)
    for lane in range(LANES):
        at = builder.zext(builder.extract_element(index, I32(lane)), ir.IntType(64))
        found = builder.insert_element(found, load_float(builder, table, at), I32(lane))
    return found


def _each(builder: Any, value: Any) -> Any:
    """Return a vector with the 32-bit `value` in every lane."""
    undefined = ir.Constant(WORDS, ir.Undefined)
    single = builder.insert_element(undefined, value, I32(0))
    return builder.shuffle_vector(single, undefined, words([0] * LANES))
