"""The truth field: the return that really follows, from every cell of a grid of states.

Threads make the rollouts, coarse cells first, while the caller looks at what is there: `TruthField.look`.
"""

import os
import threading
import time
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import Self

from valuescape.sim.arrays import Float32Array
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.rollouts.choose import StateRollouts
from valuescape.sim.rollouts.pieces import Piece, fitting, pieces
from valuescape.sim.rollouts.rules import CHUNK, Rollouts
from valuescape.sim.rollouts.truth import Truth, TruthSums, one_rollout, truth_of

_LEAST_CHUNK = 256
"""States of the first piece. In smaller ones each call would cost more than the states."""

_PIECE_S = 0.1
"""Seconds of a core that a piece of a thread's work may take, as far as those before it tell: stopping waits
for it."""

_NICE = 4  # at 10 the same map takes 67 s in place of 54 (tests/bench/filling.py), at the same frame rate


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
        self._made_by = made_by
        self.random = random or made_by.random
        """Whether rollouts from one state differ."""
        self._field = TruthSums(states, rollouts, random=self.random)
        self._chunk = _LEAST_CHUNK
        most, once = min(CHUNK, made_by.most), pairwise(range(self._field.numbers + 1))
        self._pieces = pieces(self._field, once, lambda *_: min(self._chunk, most))
        self._lock = threading.Condition()
        self._stopped = False
        self._working = threads
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._owned = ExitStack()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        self._owned.callback(self._made_by.close)
        self._owned.enter_context(one_blas_thread())  # with two, rollouts in Python take eight times as long
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._ended.wait()
        for thread in self._threads:
            thread.join()
        self._owned.close()

    def stop(self) -> None:
        """Let the threads end after their present piece, a tenth of a second, without waiting for it."""
        self._stopped = True

    @property
    def edge(self) -> int:
        """The cells each way."""
        return self._field.edge

    @property
    def covered(self) -> bool:
        """Whether the coarsest cells are made, so that every cell shows something."""
        return self._field.covered

    @property
    def finished(self) -> bool:
        """Whether every rollout is made."""
        return self._field.done == self._field.whole

    @property
    def progress(self) -> float:
        """The share of rollouts that are made. Raises what a thread failed with."""
        if self._failure:
            raise self._failure
        return self._field.progress

    def wait(self, seconds: float) -> bool:
        """Wait until all is done, for so long at most; return whether it is."""
        # Thread.join, once KeyboardInterrupt ends it, takes a running thread for an ended one in Python 3.11.
        self._ended.wait(seconds)
        return self.progress == 1

    def look(self) -> Truth:
        """Return what is known now, as new arrays. Raises what a thread failed with."""
        with self._lock:
            if self._failure:
                raise self._failure
            count, sums = self._field.count.copy(), self._field.sums.copy()
        return truth_of(self._field, count, sums)

    def _work(self) -> None:
        be_nice()
        out = Rollouts.empty(len(self._field.count))
        try:
            while piece := self._take():
                number, _, part = piece
                began = time.thread_time()
                self._made_by.run(self._field.states, out, part, number)
                self._add(out, part, number)
                self._adapt(part, time.thread_time() - began)
        except BaseException as error:  # shown by whoever looks
            with self._lock:
                self._failure = error
                self._lock.notify_all()
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._working -= 1
            if not self._working:
                self._ended.set()

    def _take(self) -> Piece | None:
        with self._lock:
            return None if self._stopped else next(self._pieces, None)

    def _adapt(self, part: slice, seconds: float) -> None:
        """Let pieces to come be as large as one that takes _PIECE_S."""
        suits = fitting(part.stop - part.start, seconds, _PIECE_S, self._chunk)
        self._chunk = min(max(suits, _LEAST_CHUNK), CHUNK)

    def _add(self, out: Rollouts, part: slice, number: int) -> None:
        """Add rollout `number` of some cells after those before it."""
        rows = one_rollout(out, part)
        with self._lock:
            self._lock.wait_for(lambda: self._failure or self._field.has(part, number))
            self._field.put(part, number + 1, self._field.sums[:, part] + rows)
            self._lock.notify_all()


def be_nice() -> None:
    """Give the calling thread low priority: frames come first. Linux has one for each thread."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
