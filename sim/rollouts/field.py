"""The truth field: the return that really follows, from every cell of a grid of states.

Threads make the rollouts, coarse cells first, while the caller looks at what is there: `TruthField.look`.
"""

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.insight.student import reach_95
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.rollouts.choose import StateRollouts
from valuescape.sim.rollouts.rules import CHUNK, RolloutEnd, Rollouts

_LEAST_CHUNK = 256
"""States of the first piece. In smaller ones each call would cost more than the states."""

_PIECE_S = 0.1
"""Seconds of a core that a piece of a thread's work may take, as far as those before it tell: stopping waits
for it."""

COARSEST = 16
"""Cells are 16 texels wide in the first picture, then 8, 4, 2, 1."""

_NICE = 4  # at 10 the same map takes 67 s in place of 54 (tests/bench/filling.py), at the same frame rate


@dataclass(frozen=True, slots=True)
class Truth:
    """Estimates of a grid's returns: arrays [edge, edge], row by row from the low corner.

    A cell that has no rollout yet shows its coarser neighbour's; NaN where there is none either.
    """

    value: Float64Array
    """The mean discounted return, in units of the world's rewards."""
    half_width: Float64Array
    """Half of the mean's 95 % interval, by Student's t; 0 where a single rollout says all, inf where one says
    nothing."""
    total: Float64Array
    """The mean undiscounted return."""
    steps: Float64Array
    """The mean length of a rollout."""
    terminated: Float64Array
    """The share of rollouts that terminated."""
    cut: Float64Array
    """The mean of gamma ** steps over rollouts that were cut: what the next reward would have counted."""
    rollouts: NDArray[np.int32]
    """Number of rollouts from each cell itself."""
    progress: float
    """The share of all rollouts that are made."""

    @property
    def standard_error(self) -> Float64Array:
        """The standard error of the mean over a cell's own rollouts, as a new [edge, edge] array.

        0 where a single rollout says all; inf where the cell's own say nothing, whatever it shows.
        """
        reach = reach_95(np.maximum(self.rollouts - 1, 0))
        unknown = np.full(self.half_width.shape, np.inf)
        own = np.divide(self.half_width, reach, out=unknown, where=self.rollouts > 1)
        return np.where((self.half_width == 0) & (self.rollouts > 0), 0.0, own)


class TruthField:
    """Makes `rollouts` rollouts from each state of an `edge` x `edge` grid, in threads of low priority.

    states: [state_dim, edge * edge], as `insight.plane.grid_states` gives them. random: whether the policy
    lets rollouts from one state differ; the world may, too (`made_by.random`). If neither does, one is enough
    and its interval has no width. Results are the same, bit by bit, for any number of threads: rollouts of
    a cell are added up in their order. A context manager: leaving it stops the threads, waits for them and
    closes `made_by`.
    """

    def __init__(
        self, made_by: StateRollouts, states: Float32Array, rollouts: int, *, random: bool, threads: int
    ) -> None:
        self.edge = math.isqrt(states.shape[1])
        self._made_by = made_by
        self.random = random or made_by.random
        """Whether rollouts from one state differ."""
        self._order, self._levels = coarse_to_fine(self.edge)
        self._states = np.ascontiguousarray(states[:, self._order])
        self._numbers = rollouts if self.random else 1
        n = len(self._order)
        self._count = np.zeros(n, np.int32)
        self._sums = np.zeros((6, n))
        self._chunk = _LEAST_CHUNK
        self._pieces = self._all_pieces()
        self._lock = threading.Condition()
        self._stopped = False
        self._failure: BaseException | None = None
        self._owned = ExitStack()
        self._done, self._whole = 0, self._numbers * n
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        self._owned.callback(self._made_by.close)
        self._owned.enter_context(one_blas_thread())  # with two, rollouts in Python take eight times as long
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()
        self._owned.close()

    def stop(self) -> None:
        """Let the threads end after their present piece, a tenth of a second, without waiting for it."""
        self._stopped = True

    @property
    def covered(self) -> bool:
        """Whether the coarsest cells are made, so that every cell shows something."""
        return bool(self._count[: self._levels[1]].all())

    @property
    def finished(self) -> bool:
        """Whether every rollout is made."""
        return self._done == self._whole

    @property
    def progress(self) -> float:
        """The share of rollouts that are made. Raises what a thread failed with."""
        if self._failure:
            raise self._failure
        return self._done / self._whole

    def wait(self, seconds: float) -> bool:
        """Wait until all is done, for so long at most; return whether it is."""
        for thread in self._threads:
            thread.join(seconds / len(self._threads))
        return self.progress == 1

    def look(self) -> Truth:
        """Return what is known now, as new arrays. Raises what a thread failed with."""
        with self._lock:
            count, sums, progress = self._count.copy(), self._sums.copy(), self.progress
        with np.errstate(invalid="ignore", divide="ignore"):
            value, total, steps, terminated, cut = sums[:5] / count
            variance = np.maximum(sums[5] - sums[0] * value, 0) / (count - 1)
            half = reach_95(np.maximum(count - 1, 0)) * np.sqrt(variance / count)
        if self.random:
            half[count < 2] = np.inf
        else:
            half[:] = 0
        known = count > 0
        own = np.zeros(len(count), np.int32)
        own[self._order] = count
        return Truth(
            value=self._spread(value, known),
            half_width=self._spread(half, known),
            total=self._spread(total, known),
            steps=self._spread(steps, known),
            terminated=self._spread(terminated, known),
            cut=self._spread(cut, known),
            rollouts=own.reshape(self.edge, self.edge),
            progress=progress,
        )

    def _spread(self, values: Float64Array, known: NDArray[np.bool_]) -> Float64Array:
        """Return the values [n], which are in order of the work, as a grid; gaps take a coarser cell's."""
        grid, gaps = np.full((self.edge, self.edge), np.nan), np.ones((self.edge, self.edge), np.bool_)
        grid.ravel()[self._order], gaps.ravel()[self._order] = np.where(known, values, np.nan), ~known
        for stride in (2, 4, 8, COARSEST):
            rows, columns = np.nonzero(gaps)
            near = rows // stride * stride, columns // stride * stride
            there = ~gaps[near]
            grid[rows[there], columns[there]] = grid[near[0][there], near[1][there]]
            gaps[rows[there], columns[there]] = False
        return grid

    def _all_pieces(self) -> Iterator[tuple[int, slice]]:
        """Yield (number of the rollout, states): every cell once before any is made a second time."""
        most = min(CHUNK, self._made_by.most)
        for number in range(self._numbers):
            ends = self._levels if number == 0 else [0, len(self._order)]
            for begin, end in pairwise(ends):
                first = begin
                while first < end:
                    last = min(first + min(self._chunk, most), end)
                    yield number, slice(first, last)
                    first = last

    def _work(self) -> None:
        be_nice()
        out = Rollouts.empty(len(self._order))
        try:
            while piece := self._take():
                number, part = piece
                began = time.thread_time()
                self._made_by.run(self._states, out, part, number)
                self._add(out, part, number)
                self._adapt(part, time.thread_time() - began)
        except BaseException as error:  # shown by whoever looks
            with self._lock:
                self._failure = error
                self._lock.notify_all()

    def _take(self) -> tuple[int, slice] | None:
        with self._lock:
            return None if self._stopped else next(self._pieces, None)

    def _adapt(self, part: slice, seconds: float) -> None:
        """Let pieces to come be as large as one that takes _PIECE_S, at most twice as large as this one."""
        states = part.stop - part.start
        fitting = min(int(states * _PIECE_S / max(seconds, 1e-9)), 2 * max(states, self._chunk))
        self._chunk = min(max(fitting, _LEAST_CHUNK), CHUNK)

    def _add(self, out: Rollouts, part: slice, number: int) -> None:
        """Add rollout `number` of some cells after those before it: in another order sums differ slightly."""
        value, end = out.value[part], out.end[part]
        terminated = (end == RolloutEnd.TERMINATED).astype(np.float64)
        cut = np.where(end == RolloutEnd.CUT, out.weight[part], 0)
        rows = value, out.total[part], out.steps[part], terminated, cut, value * value
        with self._lock:
            self._lock.wait_for(lambda: self._failure or (self._count[part] == number).all())
            for sums, row in zip(self._sums, rows, strict=True):
                sums[part] += row
            self._count[part] += 1
            self._done += part.stop - part.start
            self._lock.notify_all()


def coarse_to_fine(edge: int) -> tuple[NDArray[np.intp], list[int]]:
    """Return the cells of an `edge` x `edge` grid, coarse ones first, and where each level begins and ends.

    The order is [edge * edge]; of the levels the first has every 16th cell each way, the next those of every
    8th that are not among them, and so on.
    """
    rows, columns = np.divmod(np.arange(edge * edge), edge)
    level = np.full(edge * edge, 4)
    for index, stride in enumerate((2, 4, 8, COARSEST)):
        level[(rows % stride == 0) & (columns % stride == 0)] = 3 - index
    order = np.argsort(level, kind="stable")
    ends = np.cumsum(np.bincount(level, minlength=5)).tolist()
    return order, [0, *ends]


def be_nice() -> None:
    """Give the calling thread low priority: frames come first. Linux has one for each thread."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
