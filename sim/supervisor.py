"""Starts workers, sees them die or hang, replaces them from their last complete tick, and ends them."""

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import multiprocess
from multiprocess import resource_tracker

from sim.config import WorkersConfig
from sim.errors import UsageError
from sim.interrupts import signals_held
from sim.layout import Phase
from sim.worker import WorkerSpec, worker_main

_STOP_S = 1.0
_SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerFailedError(Exception):
    """Workers failed more often than `workers.max_restarts` allows, or raised; holds the report."""


@dataclass(slots=True)
class _Slot:
    """One slice's worker: the process that has it now, and the pipe its last words come through."""

    spec: WorkerSpec
    process: Any
    last_words: Any
    buried: bool = False


class Supervisor:
    """Keeps one worker process alive per slice; `check` once a frame, which never waits.

    A dead worker (exit code) or a hung one (no heartbeat for `workers.heartbeat_timeout`) is replaced. The
    newcomer goes on from the tick its slice last completed: nothing is lost, and the run stays the same.
    """

    def __init__(self, config: WorkersConfig, specs: list[WorkerSpec]) -> None:
        self.config = config
        self.restarts = 0
        self._context = multiprocess.get_context(config.start_method)
        self._recent: deque[float] = deque()
        self._slots: list[_Slot] = []
        try:
            for spec in specs:
                self._slots.append(self._start(spec))
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers now running."""
        return [slot.process.pid for slot in self._slots if not slot.buried]

    def check(self) -> None:
        """Replace workers that ended or hang. Raises WorkerFailedError when that is hopeless."""
        for index, slot in enumerate(self._slots):
            reason = self._trouble(slot)
            if reason:
                self._replace(index, reason)

    def require_started(self) -> None:
        """Raise UsageError if a worker failed before it made its first tick."""
        for slot in self._slots:
            record = slot.spec.arena["worker"][slot.spec.index]
            if record["tick"] < 0 and (reason := self._trouble(slot)):
                raise UsageError(
                    f"worker {slot.spec.index} failed while starting: {_summary(reason)}",
                    "run again with --debug for its traceback, or with --set workers.count=0",
                ) from WorkerFailedError(reason)

    def close(self) -> None:
        """End all workers, who have been told to stop: wait a bounded time, kill, collect."""
        deadline = time.monotonic() + _STOP_S
        for slot in self._slots:
            if not slot.buried:
                slot.process.join(max(0.0, deadline - time.monotonic()))
            self._bury(slot)
        self._slots.clear()

    def _start(self, spec: WorkerSpec) -> _Slot:
        record = spec.arena["worker"][spec.index]
        record["phase"] = Phase.STARTING
        record["heartbeat_ns"] = time.monotonic_ns()
        with _quiet_start():
            receiver, sender = self._context.Pipe(duplex=False)
            process = self._context.Process(
                target=worker_main, args=(spec, sender), name=f"valuescape-worker-{spec.index}", daemon=True
            )
            process.start()
            sender.close()
        return _Slot(spec, process, receiver)

    def _trouble(self, slot: _Slot) -> str:
        """Return why this worker must be replaced, or nothing."""
        if slot.process.exitcode is not None:
            return _last_words(slot) or f"exit code {slot.process.exitcode}"
        record = slot.spec.arena["worker"][slot.spec.index]
        starting = record["phase"] == Phase.STARTING
        allowed = self.config.start_timeout if starting else self.config.heartbeat_timeout
        silent = (time.monotonic_ns() - int(record["heartbeat_ns"])) * 1e-9
        return f"no heartbeat for {silent:.1f} s" if silent > allowed else ""

    def _replace(self, index: int, reason: str) -> None:
        slot = self._slots[index]
        tick = int(slot.spec.arena["worker"][slot.spec.index]["tick"])
        pid = slot.process.pid
        self._bury(slot)
        now = time.monotonic()
        while self._recent and now - self._recent[0] > self.config.restart_window:
            self._recent.popleft()
        if len(self._recent) >= self.config.max_restarts:
            raise WorkerFailedError(
                f"worker {slot.spec.index} (pid {pid}, agents {slot.spec.part.start} to "
                f"{slot.spec.part.stop - 1}) failed after tick {tick}: {_summary(reason)}\n"
                f"  {len(self._recent)} restarts within {self.config.restart_window:g} s; giving up"
            ) from WorkerFailedError(reason)
        self._recent.append(now)
        self.restarts += 1
        self._slots[index] = self._start(slot.spec)

    def _bury(self, slot: _Slot) -> None:
        if slot.buried:  # it was not replaced, for that failed or was hopeless
            return
        slot.buried = True
        if slot.process.exitcode is None:
            slot.process.kill()
        slot.process.join()
        slot.process.close()
        slot.last_words.close()


def _last_words(slot: _Slot) -> str:
    # poll() is true at end of file too, where recv() raises EOFError.
    with contextlib.suppress(EOFError, OSError):
        if slot.last_words.poll():
            return str(slot.last_words.recv())
    return ""


def _summary(reason: str) -> str:
    """Return the line of a traceback that names the error; what is no traceback has one line."""
    return [line for line in reason.splitlines() if not line.startswith(" ")][-1]


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Start a child whole, with signals blocked until it ignores them, and with single-threaded BLAS."""
    resource_tracker.ensure_running()  # else the child's start starts it, and that unblocks the signals
    before = {name: os.environ.get(name) for name in _SINGLE_THREADED}
    os.environ.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    try:
        with signals_held():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
