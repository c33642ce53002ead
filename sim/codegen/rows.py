"""Reads and writes of a pass over many rows of memory, marked for LLVM as not overlapping.

Without marks LLVM would have to compare every two of a dozen arrays at run time before it vectorised a loop
over them, and gives up. So each access is marked with its row, and with all others as being elsewhere (LLVM's
scoped alias metadata). This holds inside one pass only, which reads rows of one tick and writes other rows.
A pass is therefore a function that is called by its address, so that LLVM moves no code out of it or into it.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_I64 = ir.IntType(64)


@intrinsic(prefer_literal=True)
def row_addresses(context: Any, table: Any, count: Any) -> Any:
    """Return the `count` addresses at address `table`, as a tuple. Call it before a loop, not in it."""
    n = count.literal_value
    result = types.UniTuple(types.uintp, n)

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        base = builder.inttoptr(arguments[0], _I64.as_pointer())
        values = [builder.load(builder.gep(base, [ir.Constant(_I64, at)])) for at in range(n)]
        return cg.make_tuple(builder, result, values)

    return result(types.uintp, count), generate


@intrinsic(prefer_literal=True)
def load_rows(context: Any, rows: Any, at: Any, count: Any, agent: Any) -> Any:
    """Return the float32 of agent `agent` in the `count` rows from row `at` on, as a tuple."""
    first, n = at.literal_value, count.literal_value
    result = types.UniTuple(types.float32, n)

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, _, _, agent = arguments
        values = [_load(cg, builder, table, row, types.float32, agent) for row in range(first, first + n)]
        return cg.make_tuple(builder, result, values)

    return result(rows, at, count, types.intp), generate


@intrinsic(prefer_literal=True)
def load_mixed(context: Any, rows: Any, at: Any, fixed: Any, varying: Any, agent: Any) -> Any:
    """Return the tuple `fixed`, but agent `agent`'s float32 in rows (from `at`) whose bit `varying` has."""
    first, bits = at.literal_value, varying.literal_value

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, _, values, _, agent = arguments
        for row in range(len(fixed)):
            if bits >> row & 1:
                value = _load(cg, builder, table, first + row, types.float32, agent)
                values = builder.insert_value(values, value, row)
        return values

    return fixed(rows, at, fixed, varying, types.intp), generate


@intrinsic(prefer_literal=True)
def store_rows(context: Any, rows: Any, at: Any, agent: Any, elements: Any) -> Any:
    """Write the tuple `elements` to the float32 of agent `agent` in the rows from row `at` on."""
    first, kinds = at.literal_value, [types.float32] * len(elements)
    if list(elements) != kinds:
        raise TypeError(f"{elements}: expected {len(kinds)} float32 numbers; are all constants np.float32?")

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, _, agent, values = arguments
        for offset in range(len(kinds)):
            value = builder.extract_value(values, offset)
            _store(cg, builder, table, first + offset, value, types.float32, agent)
        return cg.get_dummy_value()

    return types.void(rows, at, types.intp, elements), generate


@intrinsic(prefer_literal=True)
def store_together(context: Any, rows: Any, at: Any, agent: Any, elements: Any) -> Any:
    """Write the tuple `elements` of agent `agent` to row `at`, which holds each agent's side by side."""
    row, count = at.literal_value, len(elements)

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, _, agent, values = arguments
        first = builder.mul(agent, ir.Constant(_I64, count), flags=("nsw", "nuw"))
        for offset in range(count):
            place = builder.add(first, ir.Constant(_I64, offset), flags=("nsw", "nuw"))
            value = builder.extract_value(values, offset)
            _store(cg, builder, table, row, value, types.float32, place)
        return cg.get_dummy_value()

    return types.void(rows, at, types.intp, elements), generate


@intrinsic(prefer_literal=True)
def load_number(context: Any, rows: Any, at: Any, index: Any, kind: Any) -> Any:
    """Return number `index`, of type `kind`, of row `at`."""
    row, number = at.literal_value, kind.instance_type

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(cg, builder, arguments[0], row, number, arguments[2])

    return number(rows, at, types.intp, kind), generate


@intrinsic(prefer_literal=True)
def store_number(context: Any, rows: Any, at: Any, index: Any, number: Any) -> Any:
    """Write `number`, in its own type, to place `index` of row `at`."""
    row = at.literal_value

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _store(cg, builder, arguments[0], row, arguments[3], number, arguments[2])
        return cg.get_dummy_value()

    return types.void(rows, at, types.intp, number), generate


@intrinsic
def clip_elements(context: Any, elements: Any, low: Any, high: Any) -> Any:
    """Return the tuple `elements`, each clipped to its bounds; NaN stays NaN."""

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        clipped = []
        for each in zip(*(cgutils.unpack_tuple(builder, values) for values in arguments), strict=True):
            x, least, greatest = each
            x = builder.select(builder.fcmp_ordered("<", x, least), least, x)
            clipped.append(builder.select(builder.fcmp_ordered(">", x, greatest), greatest, x))
        return cg.make_tuple(builder, elements, clipped)

    return elements(elements, elements, elements), generate


def _load(cg: Any, builder: Any, table: Any, row: int, kind: Any, index: Any) -> Any:
    loaded = builder.load(_pointer(cg, builder, table, row, kind, index), align=_align(cg, kind))
    return _of_row(builder, loaded, table, row)


def _store(cg: Any, builder: Any, table: Any, row: int, value: Any, kind: Any, index: Any) -> None:
    stored = builder.store(value, _pointer(cg, builder, table, row, kind, index), align=_align(cg, kind))
    _of_row(builder, stored, table, row)


def _pointer(cg: Any, builder: Any, table: Any, row: int, kind: Any, index: Any) -> Any:
    base = builder.inttoptr(builder.extract_value(table, row), cg.get_value_type(kind).as_pointer())
    return builder.gep(base, [index], inbounds=True)


def _align(cg: Any, kind: Any) -> int:
    return int(cg.get_abi_sizeof(cg.get_value_type(kind)))


def _of_row(builder: Any, access: Any, table: Any, row: int) -> Any:
    """Mark a load or store as one of row `row` of `table`, and of no other row; return it."""
    module = builder.module
    domain = module.add_metadata([ir.MetaDataString(module, "valuescape rows")])
    scopes = [
        module.add_metadata([ir.MetaDataString(module, f"valuescape row {each}"), domain])
        for each in range(table.type.count)
    ]
    access.set_metadata("alias.scope", module.add_metadata([scopes[row]]))
    others = scopes[:row] + scopes[row + 1 :]
    if others:
        access.set_metadata("noalias", module.add_metadata(others))
    return access
