"""Primitives of compiled code: elements of blocks, memory fences, waiting, and the clock."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BLOCK_AGENTS = 2048
"""Agents calculated at a time: the numbers of a block stay in the inner caches between a tick's loops.

It is a constant of the machine code. As the rows of a block are at fixed distances, LLVM knows without checks
that a store to one does not change another, and vectorises loops over any number of rows.
"""

FLOAT_BYTES, WORD_BYTES = 4, 8
"""Sizes of a float32, and of the words that `load_word` reads."""

sched_yield: Any = types.ExternalFunction("sched_yield", types.int32())
eventfd_write: Any = types.ExternalFunction("eventfd_write", types.int32(types.int32, types.uint64))
clock_gettime: Any = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.uintp))
CLOCK_MONOTONIC = 1

_I64 = ir.IntType(64)
_FLOAT = ir.FloatType()


@intrinsic(prefer_literal=True)
def load_elements(context: Any, block: Any, agent: Any, count: Any) -> Any:
    """Return the first `count` float32 of agent `agent` in the block at address `block`, as a tuple."""
    n = count.literal_value
    result = types.UniTuple(types.float32, n)

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = [builder.load(_element(builder, arguments[0], arguments[1], row)) for row in range(n)]
        return cg.make_tuple(builder, result, values)

    return result(block, agent, count), generate


@intrinsic(prefer_literal=True)
def load_varying(context: Any, block: Any, fixed: Any, varying: Any, agent: Any) -> Any:
    """Return the tuple `fixed`, but those float32 of agent `agent` whose bit is set in `varying`."""
    bits = varying.literal_value

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block, values, _, agent = arguments
        for row in range(len(fixed)):
            if bits >> row & 1:
                value = builder.load(_element(builder, block, agent, row))
                values = builder.insert_value(values, value, row)
        return values

    return fixed(types.uintp, fixed, varying, types.intp), generate


@intrinsic
def store_elements(context: Any, block: Any, agent: Any, elements: Any) -> Any:
    """Write the tuple `elements` to the first float32 of agent `agent` in the block at address `block`."""
    count = len(elements)
    kinds = [types.float32] * count
    if list(elements) != kinds:
        raise TypeError(f"{elements}: expected {count} float32 numbers; are all constants np.float32?")

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for row in range(count):
            value = builder.extract_value(arguments[2], row)
            builder.store(value, _element(builder, arguments[0], arguments[1], row))
        return cg.get_dummy_value()

    return types.void(block, agent, elements), generate


@intrinsic
def store_flag(context: Any, flags: Any, agent: Any, flag: Any) -> Any:
    """Write a boolean to byte `agent` of the bytes at address `flags`."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        byte = builder.zext(arguments[2], ir.IntType(8))
        builder.store(byte, builder.gep(base, [arguments[1]], inbounds=True))
        return cg.get_dummy_value()

    return types.void(types.uintp, types.intp, types.boolean), generate


@intrinsic
def load_word(context: Any, address: Any) -> Any:
    """Return the WORD_BYTES bytes at `address`, which need not be aligned, as one number."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _I64.as_pointer()), align=1)

    return types.uint64(types.uintp), generate


def _element(builder: Any, block: Any, agent: Any, row: int) -> Any:
    """Return a pointer to row `row` of agent `agent`."""
    base = builder.inttoptr(block, _FLOAT.as_pointer())
    at = builder.add(agent, ir.Constant(_I64, row * BLOCK_AGENTS), flags=("nsw", "nuw"))
    return builder.gep(base, [at], inbounds=True)


@intrinsic
def copy_bytes(context: Any, target: Any, source: Any, count: Any) -> Any:
    """Copy `count` bytes between addresses that do not overlap."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [builder.inttoptr(each, cgutils.voidptr_t) for each in arguments[:2]]
        cgutils.raw_memcpy(builder, *pointers, arguments[2], 1)
        return cg.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.intp), generate


@intrinsic
def call_at(context: Any, function: Any, block: Any, count: Any, flags: Any) -> Any:
    """Call the C function at address `function` with three 64-bit addresses or numbers."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [_I64] * 3)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return cg.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.intp, types.uintp), generate


@intrinsic
def call_with(context: Any, function: Any, values: Any) -> Any:
    """Call the C function at address `function` with a tuple of numbers and addresses."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = cgutils.unpack_tuple(builder, arguments[1])
        kind = ir.FunctionType(ir.VoidType(), [each.type for each in given])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), given)
        return cg.get_dummy_value()

    return types.void(types.uintp, values), generate


def _fence(ordering: str) -> Any:
    @intrinsic
    def fence(context: Any) -> Any:
        def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.fence(ordering)
            return cg.get_dummy_value()

        return types.void(), generate

    return fence


fence_acquire = _fence("acquire")
"""No read after the fence happens before a read ahead of it."""

fence_release = _fence("release")
"""No write after the fence is visible before a write ahead of it."""

fence_full = _fence("seq_cst")
"""Writes ahead of the fence are visible to all cores before any read after it."""
