"""The compiled step of the flock: a counting sort into cells, then vector sums over runs of neighbours.

It adds in the same order as `sim.worlds.flock.cells`, so results are equal bit by bit.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.types.containers import UniTuple
from numba.extending import intrinsic

from valuescape.sim.codegen.compiler import compiled, compiled_whole, source_key
from valuescape.sim.codegen.machine import BLOCK_AGENTS, load_elements, store_elements
from valuescape.sim.worlds.flock.cells import LANES
from valuescape.sim.worlds.flock.rules import STATE, SUMS, FlockRules, fly
from valuescape.sim.worlds.interacting import CompiledStepAmong

BIRD = STATE + SUMS
"""Rows of a block: the states of birds, then the sums over their neighbours."""

MAX_RUNS = 6
"""Runs of cells around a bird: two in each of three rows."""


class FlockScratch(NamedTuple):
    """Memory that a step fills anew; nothing in it outlives the step. N is the number of birds."""

    cell: Any  # [N] int32, the cell of each bird
    first: Any  # [cells + 2] int32; the birds of cell c are at places first[c] to first[c + 1] of the list
    order: Any  # [N] int32, the list: bird numbers in the order of their cells
    place: Any  # [N] int32, the place of each bird in the list
    listed: Any  # [STATE, N + LANES] float32, states in the order of the list; the last LANES are padding
    own: Any  # [N + 1] int32, the places of the slice's birds
    runs: Any  # [MAX_RUNS, 2] int32, where the runs of one bird's candidates begin and end in the list
    block: Any  # [BIRD, BLOCK_AGENTS] float32
    result: Any  # [STATE + 1, N] float32, new states and rewards, in the order of the list
    addresses: tuple[int, int, int]  # of listed, runs and block


def make_step(rules: FlockRules, num_agents: int) -> CompiledStepAmong:
    """Return the compiled `Flock.step_among` for `num_agents` birds, with scratch memory of its own."""
    kernel, key = _kernel()
    return CompiledStepAmong(kernel, ((rules, _make_scratch(rules, num_agents)),), key)


def _make_scratch(rules: FlockRules, num_agents: int) -> FlockScratch:
    cell, order, place = np.zeros((3, num_agents), np.int32)
    first = np.zeros(rules.columns**2 + 2, np.int32)
    own = np.zeros(num_agents + 1, np.int32)
    listed = np.zeros((STATE, num_agents + LANES), np.float32)
    runs, block = np.zeros((MAX_RUNS, 2), np.int32), np.zeros((BIRD, BLOCK_AGENTS), np.float32)
    result = np.zeros((STATE + 1, num_agents), np.float32)
    addresses = listed.ctypes.data, runs.ctypes.data, block.ctypes.data
    return FlockScratch(cell, first, order, place, listed, own, runs, block, result, addresses)


@cache
def _kernel() -> tuple[Callable[..., None], str]:
    """Return the compiled step of a slice, and the key of its source.

    step_slice(context, …) takes context = (rules, scratch) and else what `Flock.step_among` takes.
    """
    key = source_key(fly, _list_birds, _own_places, _look_around, constants=(STATE, SUMS, LANES))
    move = compiled_whole(fly)
    list_birds, own_places = compiled_whole(_list_birds), compiled_whole(_own_places)
    look_around = compiled_whole(_look_around)

    def step_slice(
        context: Any,
        everyone: Any,
        begin: int,
        end: int,
        action: Any,
        out: Any,
        reward: Any,
        terminated: Any,
    ) -> None:
        rules, scratch = context
        list_birds(rules, scratch, everyone)
        own = own_places(scratch, begin, end)
        block = scratch.addresses[2]
        for start in range(0, own, BLOCK_AGENTS):
            count = min(BLOCK_AGENTS, own - start)
            for b in range(count):
                look_around(rules, scratch, scratch.own[start + b], b)
            for b in range(count):
                bird = load_elements(block, b, BIRD)
                store_elements(block, b, move(rules, bird[:STATE], bird[STATE:]))
            for row in range(STATE + 1):
                for b in range(count):
                    scratch.result[row, scratch.own[start + b]] = scratch.block[row, b]
        for row in range(STATE):
            for i in range(end - begin):
                out[row, i] = scratch.result[row, scratch.place[begin + i]]
        for i in range(end - begin):
            reward[i] = scratch.result[STATE, scratch.place[begin + i]]
            terminated[i] = False

    return compiled_whole(step_slice), key


def _list_birds(rules: Any, scratch: Any, everyone: Any) -> None:
    """Sort all birds by cell and, within a cell, by number; copy their states in that order.

    A counting sort: count the birds of each cell, add the counts up to places, then fill the list.
    """
    x, y, n = everyone[0], everyone[1], everyone.shape[1]
    cell, first, order, last = scratch.cell, scratch.first, scratch.order, np.int32(rules.columns - 1)
    for i in range(n):
        column = min(np.int32(x[i] * rules.columns_per_unit), last)
        row = min(np.int32(y[i] * rules.columns_per_unit), last)
        cell[i] = row * (last + np.int32(1)) + column
    first[:] = 0
    for i in range(n):
        first[cell[i] + 2] += 1
    for c in range(1, first.size):
        first[c] += first[c - 1]
    for i in range(n):
        place = first[cell[i] + 1]
        order[place] = i
        scratch.place[i] = place
        first[cell[i] + 1] = place + 1
    for axis in range(STATE):
        listed, values = scratch.listed[axis], everyone[axis]
        for at in range(n):
            listed[at] = values[order[at]]


def _own_places(scratch: Any, begin: int, end: int) -> int:
    """Write the places of the birds [begin, end) in the list, in ascending order; return their number."""
    count = 0
    for place in range(scratch.order.size):
        bird = scratch.order[place]
        scratch.own[count] = place
        count += (bird >= begin) & (bird < end)
    return count


def _look_around(rules: Any, scratch: Any, me: int, b: int) -> None:
    """Write the bird at place `me`, with the sums over its neighbours, to column `b` of the block."""
    columns = rules.columns
    column = min(np.int32(scratch.listed[0, me] * rules.columns_per_unit), columns - 1)
    row = min(np.int32(scratch.listed[1, me] * rules.columns_per_unit), columns - 1)
    few = columns < 3
    runs: int = 0
    for up in range(0 if few else -1, columns if few else 2):
        at = row + up
        at += columns if at < 0 else 0
        at -= columns if at >= columns else 0
        at *= columns
        if few:
            runs = _add_run(scratch, runs, at, at + columns)
        elif column == 0:
            runs = _add_run(scratch, runs, at, at + 2)
            runs = _add_run(scratch, runs, at + columns - 1, at + columns)
        elif column == columns - 1:
            runs = _add_run(scratch, runs, at, at + 1)
            runs = _add_run(scratch, runs, at + columns - 2, at + columns)
        else:
            runs = _add_run(scratch, runs, at + column - 1, at + column + 2)
    for axis in range(STATE):
        scratch.block[axis, b] = scratch.listed[axis, me]
    numbers = (rules.extent, rules.half_extent, rules.visual_distance_2, rules.separation_2)
    sum_neighbours(scratch.addresses, scratch.listed.shape[1], runs, me, numbers, b)


@compiled
def _add_run(scratch: Any, runs: int, begin: int, end: int) -> int:
    """Append the part of the list that holds the cells [begin, end); return the new number of runs."""
    scratch.runs[runs, 0], scratch.runs[runs, 1] = scratch.first[begin], scratch.first[end]
    return runs + 1


@intrinsic
def sum_neighbours(
    context: Any, addresses: Any, width: Any, count: Any, me: Any, numbers: Any, b: Any
) -> Any:
    """Write the sums that `fly` takes for the bird at place `me` to column `b` of the block, below its state.

    addresses: as in the scratch memory. width: the length of a row of `listed`. count: the number of runs.
    numbers: extent, its half, and the squares of visual distance and separation. The vectors are written out
    because LLVM by itself leaves the sums in memory.
    """
    del context
    n = types.intp
    signature = types.void(UniTuple(n, 3), n, n, n, UniTuple(types.float32, 4), n)

    def generate(cg: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        addresses, width, count, me, numbers, b = arguments
        listed, runs, block = cgutils.unpack_tuple(builder, addresses)
        birds = _Birds(builder, listed, width, me, numbers)
        runs = builder.inttoptr(runs, _I32.as_pointer())
        with cgutils.for_range(builder, count) as run:
            begin, end = (_run_end(builder, runs, run.index, side) for side in (0, 1))
            with cgutils.for_range_slice(builder, begin, end, _int(LANES)) as (place, _):
                birds.add(place, end)
        block = builder.inttoptr(block, _FLOAT.as_pointer())
        for row, total in enumerate(birds.folded(), STATE):
            at = builder.add(b, _int(row * BLOCK_AGENTS))
            builder.store(total, builder.gep(block, [at]))
        return cg.get_dummy_value()

    return signature, generate


_I32, _I64, _FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_NOTHING = ir.Constant(_VECTOR, [0.0] * LANES)
_ONES = ir.Constant(_VECTOR, [1.0] * LANES)
_LANE = ir.Constant(ir.VectorType(_I64, LANES), list(range(LANES)))


def _int(value: int) -> Any:
    return ir.Constant(_I64, value)


def _run_end(builder: Any, runs: Any, run: Any, side: int) -> Any:
    at = builder.add(builder.mul(run, _int(2)), _int(side))
    return builder.sext(builder.load(builder.gep(runs, [at])), _I64)


class _Birds:
    """Emits code that sums over one bird's neighbours: LANES partial sums of each kind, kept in registers."""

    def __init__(self, builder: Any, listed: Any, width: Any, me: Any, numbers: Any) -> None:
        self.builder, self.width, self.me = builder, width, me
        self.listed = builder.inttoptr(listed, _FLOAT.as_pointer())
        self.totals = [cgutils.alloca_once_value(builder, _NOTHING) for _ in range(SUMS)]
        for total in self.totals:
            builder.store(_NOTHING, total)
        self.here = [self._broadcast(builder.load(self._at(axis, me))) for axis in range(2)]
        self.numbers = [self._broadcast(builder.extract_value(numbers, index)) for index in range(4)]

    def add(self, place: Any, end: Any) -> None:
        """Add LANES birds from `place` on, but none from `end` on."""
        builder, (extent, half, visual_distance_2, separation_2) = self.builder, self.numbers
        there = [self._load(axis, place) for axis in range(STATE)]
        dx, dy = (
            self._shortest(builder.fsub(there[axis], self.here[axis]), extent, half) for axis in range(2)
        )
        distance_2 = builder.fadd(builder.fmul(dx, dx), builder.fmul(dy, dy))
        before_end = builder.icmp_signed("<", _LANE, self._broadcast(builder.sub(end, place)))
        other = builder.icmp_signed("!=", _LANE, self._broadcast(builder.sub(self.me, place)))
        near = builder.fcmp_ordered("<=", distance_2, visual_distance_2)
        near = builder.and_(near, builder.and_(before_end, other))
        close = builder.and_(near, builder.fcmp_ordered("<", distance_2, separation_2))
        terms = (_ONES, dx, dy, dx, dy, *there[2:])
        for total, term, mask in zip(
            self.totals, terms, (near,) * 3 + (close,) * 2 + (near,) * 2, strict=True
        ):
            before = builder.load(total)
            builder.store(builder.select(mask, builder.fadd(before, term), before), total)

    def folded(self) -> list[Any]:
        """Return the SUMS totals: the upper half of the lanes is added to the lower, until one is left."""
        return [self._fold(self.builder.load(total)) for total in self.totals]

    def _fold(self, vector: Any) -> Any:
        builder, half = self.builder, LANES // 2
        while half:
            halves = (ir.Constant(ir.VectorType(_I32, half), list(range(k, k + half))) for k in (0, half))
            vector = builder.fadd(*(builder.shuffle_vector(vector, vector, each) for each in halves))
            half //= 2
        return builder.extract_element(vector, ir.Constant(_I32, 0))

    def _shortest(self, way: Any, extent: Any, half: Any) -> Any:
        builder = self.builder
        too_far = builder.fcmp_ordered(">", way, half)
        way = builder.select(too_far, builder.fsub(way, extent), way)
        too_far = builder.fcmp_ordered("<", way, builder.fneg(half))
        return builder.select(too_far, builder.fadd(way, extent), way)

    def _at(self, row: int, place: Any) -> Any:
        return self.builder.gep(
            self.listed, [self.builder.add(place, self.builder.mul(self.width, _int(row)))]
        )

    def _load(self, row: int, place: Any) -> Any:
        return self.builder.load(self.builder.bitcast(self._at(row, place), _VECTOR.as_pointer()), align=4)

    def _broadcast(self, value: Any) -> Any:
        kind = ir.VectorType(value.type, LANES)
        single = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(_I32, 0))
        lanes = ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES)
        return self.builder.shuffle_vector(single, single, lanes)
