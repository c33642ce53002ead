"""A worker process: steps its slice of the arena until it is told to stop or the main process is gone.

Imports neither torch nor OpenGL, so that a worker starts in a fraction of a second and stays small.
"""

import os
import select
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import multiprocess
from threadpoolctl import threadpool_limits

from valuescape.sim.codegen import notice as compiling
from valuescape.sim.crew.failures import Failure
from valuescape.sim.interrupts import ignore_interrupts
from valuescape.sim.measuring.profiler import SpanRing
from valuescape.sim.plugins.loading import receive
from valuescape.sim.shared.layout import NO_LIMIT, Phase
from valuescape.sim.shared.orders import read_orders
from valuescape.sim.shared.parcel import Parcel
from valuescape.sim.shared.turns import Turn, Turns
from valuescape.sim.stepping.choose import make_stepper, make_turns
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds.interacting import InteractingWorld

_TICKS = 0
_WAITS = {Turn.LIMIT: 1, Turn.OTHERS: 2, Turn.CLOCK: 3}
"""Indices of `sim.measuring.profiler.WORKER_SECTIONS`."""

HEARTBEAT_S = 0.2
"""The longest that a waiting worker goes without a heartbeat."""


def _orphaned() -> bool:
    """Return whether the main process is gone. With `forkserver`, that is not this process's parent."""
    alive = multiprocess.parent_process().sentinel
    return bool(select.select([alive], [], [], 0)[0])


def worker_main(spec: WorkerSpec, parcel: Parcel, failures: Any) -> None:
    """Run a worker; the process's entry point.

    spec: without checkpoint and plug-ins. parcel: holds both for `spec`. failures: the writing end of a pipe,
    through which a `Failure` is sent before the process ends with an error.
    """
    ignore_interrupts()  # Ctrl-C reaches the whole process group; the main process decides
    record = spec.arena["worker"][spec.index]
    record["heartbeat_ns"] = time.monotonic_ns()
    record["pid"] = os.getpid()  # from here on the supervisor expects heartbeats
    try:
        with _Beats(record) as beats, threadpool_limits(1):  # BLAS threads would fight other workers
            _keep_to_a_core(spec)
            record["asleep"] = 0
            record["waits_for"] = NO_LIMIT
            compiling.listen(lambda: _note_compiling(record))
            checkpoint, plugins = parcel.open()
            receive(plugins)
            spec = replace(spec, checkpoint=checkpoint, plugins=plugins)
            _Loop(spec, make_stepper(spec), make_turns(spec)).run(beats)
    except BaseException as error:
        record["phase"] = Phase.FAILED
        failures.send(Failure.of(error))
        raise SystemExit(1) from None


class _Beats:
    """Inside, a thread writes heartbeats, while imports and the compiler keep the main thread busy.

    Neither holds the interpreter for long at a time, so the thread gets its turn. A process that is stopped
    writes none. The thread ends the process if the main process is gone.
    """

    def __init__(self, record: Any) -> None:
        self._record = record
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop; from here on the caller writes the heartbeats."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_S):
            if _orphaned():
                os._exit(1)
            self._record["heartbeat_ns"] = time.monotonic_ns()


def _keep_to_a_core(spec: WorkerSpec) -> None:
    """With as many workers as cores, pin each to a core of its own; otherwise leave it to the scheduler.

    The scheduler may put two workers on one core and the main process, which hardly works, on another. It
    leaves them there, since that core is never idle for long, and a tick takes twice its time. With fewer
    workers than cores there is room to move, and other programs may use the machine too.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(spec.bells) == len(cores):
        os.sched_setaffinity(0, {cores[spec.index]})


def _note_compiling(record: Any) -> None:
    if record["phase"] == Phase.STARTING:
        record["phase"] = Phase.COMPILING


class _Loop:
    """Makes ticks, publishes them, and waits: for orders, for the slowest worker, or for the clock."""

    def __init__(self, spec: WorkerSpec, stepper: Stepper, turns: Turns) -> None:
        self.spec = spec
        self.stepper = stepper
        self.turns = turns
        self.arena = spec.arena
        self.record = spec.arena["worker"][spec.index]
        self.bell = spec.bells[spec.index]
        self.spans = None
        if spec.arena.layout.spans:
            self.spans = SpanRing(spec.arena["spans"][spec.index], spec.arena["span_count"][spec.index])
        # Agents that see each other need the tick before of all others, so that no worker may run ahead.
        meets = isinstance(stepper.world, InteractingWorld)
        self.lead = 1 if meets else spec.config.workers.max_lead

    def run(self, beats: _Beats) -> None:
        """Make ticks until told to stop. beats: ended as soon as the loop writes heartbeats itself."""
        self.stepper.prepare(self.turns)
        first = self.record["tick"] < 0
        if first:
            self.stepper.initialise()
        beats.end()
        # Before tick 0 is published: a caller that has waited for it may expect a worker at work, of which
        # silence is noticed sooner than of one that is starting.
        self.record["heartbeat_ns"] = time.monotonic_ns()
        self.record["phase"] = Phase.RUNNING
        if first:
            self.turns.publish(self.spec.index, 0)
        while not _orphaned():
            self.record["heartbeat_ns"] = time.monotonic_ns()
            turn = self._turn() if self.spans else self.stepper.run(self.turns, self.spec.index, self.lead)
            if turn is Turn.STOP:
                return
            if turn is not Turn.AGAIN:
                self._sleep(turn)

    def _turn(self) -> Turn:
        """Let the stepper run; if it made ticks, record how long they took."""
        assert self.spans
        began, tick = time.perf_counter_ns(), int(self.record["tick"])
        turn = self.stepper.run(self.turns, self.spec.index, self.lead)
        if int(self.record["tick"]) != tick:
            self.spans.add(_TICKS, 0, began, time.perf_counter_ns() - began)
        return turn

    def _sleep(self, turn: Turn) -> None:
        """Sleep until woken, until the next tick is due, or for HEARTBEAT_S."""
        began, section = time.perf_counter_ns(), _WAITS.get(turn)
        if turn is Turn.OTHERS:
            self.record["waits_for"] = int(self.record["tick"]) + 1 - self.lead
        self.record["asleep"] = 1
        # Look again: what it waits for may have come before others could see that it sleeps.
        turn = self.turns.wait(self.spec.index, self.lead)
        if turn in (Turn.LIMIT, Turn.OTHERS, Turn.CLOCK):
            self.bell.wait(self._longest_s(turn))
        self.record["asleep"] = 0
        self.record["waits_for"] = NO_LIMIT
        if self.spans and section is not None:
            self.spans.add(section, 0, began, time.perf_counter_ns() - began)

    def _longest_s(self, turn: Turn) -> float:
        if turn is not Turn.CLOCK:
            return HEARTBEAT_S
        due_ns = read_orders(self.arena).due_ns(int(self.record["tick"]) + 1)
        return min(HEARTBEAT_S, (due_ns - time.monotonic_ns()) * 1e-9)
