"""Starts workers, sees them die or hang, replaces them from their last complete tick, and ends them."""

import contextlib
import os
import signal
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

import multiprocess

from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure, WorkerFailedError, report
from valuescape.sim.crew.starting import (
    UNGUARDED,
    is_stopped,
    quiet_start,
    refused,
    require_main_guard,
    unguarded,
)
from valuescape.sim.crew.worker import worker_main
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.layout import Phase
from valuescape.sim.shared.parcel import Parcel
from valuescape.sim.stepping.spec import WorkerSpec

_STOP_S = 1.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
"""The second restart in a row waits so long, the next ones twice as long each, and at most so long."""

_LOADING_S = 2.0
"""A worker that starts may be silent so long whatever `workers.heartbeat_timeout` says: loading a library,
and the compiler, keep its other threads waiting for a quarter of a second, on a busy machine for longer."""

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of workers that did not end by themselves."""

# A fork has copies of our workers' objects; at its exit multiprocess would end these as daemons of its own.
os.register_at_fork(after_in_child=lambda: multiprocess.process._children.clear())


@dataclass(slots=True)
class _Slot:
    """One slice's worker: the process that has it now, and the pipe its last words come through.

    begun_s: when the process was started (monotonic). resume_s: when it is to be replaced, while it waits
    for that. raised_at: the tick after which the worker before raised an error.
    """

    spec: WorkerSpec
    process: Any
    last_words: Any
    begun_s: float
    buried: bool = False
    resume_s: float | None = None
    raised_at: int | None = None
    deaths: deque[float] = field(default_factory=deque)

    @property
    def killed(self) -> bool:
        """Whether the worker was ended from outside."""
        return self.process.exitcode in _FROM_OUTSIDE

    @property
    def record(self) -> Any:
        """What the worker says of itself in the arena."""
        return self.spec.arena["worker"][self.spec.index]

    @property
    def tick(self) -> int:
        """The tick that the slice last completed."""
        return int(self.record["tick"])

    @property
    def starting(self) -> bool:
        """Whether it is not at work yet."""
        return self.record["phase"] in (Phase.STARTING, Phase.COMPILING)

    @property
    def silent_s(self) -> float:
        """Seconds that it has not beaten, though it should: it is at its own code, or stopped."""
        if self.process.exitcode is not None:
            return 0.0
        if int(self.record["pid"]) != self.process.pid and not is_stopped(self.process.pid):
            return 0.0  # Python itself is starting
        return (time.monotonic_ns() - int(self.record["heartbeat_ns"])) * 1e-9


class Supervisor:
    """Keeps one worker process alive per slice; `check` once a frame, which never waits.

    A dead worker (exit code) or a hung one (no heartbeat for `workers.heartbeat_timeout`, also while it
    starts) is replaced. The newcomer goes on from the tick its slice last completed: nothing is lost, and the
    run stays the same. One that ends by itself again and again is replaced after pauses: none, 0.1 s, 0.2 s,
    0.4 s and so on. An error that Python raises twice after one tick would be raised for ever, and ends the
    run.
    """

    def __init__(self, config: WorkersConfig, specs: list[WorkerSpec]) -> None:
        self.config = config
        self.restarts = 0
        self._context = multiprocess.get_context(config.start_method)
        self._recent: deque[float] = deque()
        self._slots: list[_Slot] = []
        self._checkpoint = Parcel(specs[0].checkpoint)
        require_main_guard()
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
            self._look_after(index, slot)

    def _look_after(self, index: int, slot: _Slot) -> None:
        if slot.resume_s is None and (failure := self._trouble(slot)):
            self._give_up_or_pause(slot, failure)
        if slot.resume_s is not None and time.monotonic() >= slot.resume_s:
            self._slots[index] = self._start(slot.spec, slot)
            self.restarts += 1

    def require_started(self) -> None:
        """Raise UsageError if a worker failed before its first tick; WorkerFailedError if a world raised.

        One that was killed or stopped did not fail, and is replaced.
        """
        for index, slot in enumerate(self._slots):
            waits = slot.resume_s is not None
            if slot.tick >= 0 or waits or slot.killed or self._silence(slot):
                self._look_after(index, slot)
            elif failure := self._trouble(slot):
                raise _failed_to_start(slot, failure)

    def close(self) -> None:
        """End all workers, who have been told to stop: wait a bounded time, kill, collect."""
        deadline = time.monotonic() + _STOP_S
        for slot in self._slots:
            if not slot.buried:
                slot.process.join(max(0.0, deadline - time.monotonic()))
            self._bury(slot)
        self._slots.clear()
        self._checkpoint.close()

    def _start(self, spec: WorkerSpec, before: _Slot | None = None) -> _Slot:
        record = spec.arena["worker"][spec.index]
        record["pid"] = 0
        record["phase"] = Phase.STARTING
        record["heartbeat_ns"] = time.monotonic_ns()
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=worker_main,
            args=(replace(spec, checkpoint=None), self._checkpoint, sender),
            name=f"valuescape-worker-{spec.index}",
            daemon=True,
        )
        try:
            with quiet_start():
                process.start()
        except OSError as error:
            receiver.close()
            raise refused(spec.index, error) from error
        except BaseException:  # an interrupt that was held back until the worker was whole
            process.kill()
            process.join()
            raise
        finally:
            sender.close()
        slot = _Slot(spec, process, receiver, time.monotonic())
        if before:
            slot.raised_at, slot.deaths = before.raised_at, before.deaths
        return slot

    def _trouble(self, slot: _Slot) -> Failure | None:
        """Return why this worker must be replaced, or None."""
        if slot.process.exitcode is not None:
            return _last_words(slot) or Failure(f"exit code {slot.process.exitcode}")
        if silence := self._silence(slot):
            return Failure(f"no heartbeat for {silence:.1f} s")
        if slot.starting and time.monotonic() - slot.begun_s > self.config.start_timeout:
            return Failure(f"not at work after {self.config.start_timeout:g} s (workers.start_timeout)")
        return None

    def _silence(self, slot: _Slot) -> float:
        """Return for how many seconds a worker has been silent if that is too long, else 0."""
        allowed = self.config.heartbeat_timeout
        silent = slot.silent_s
        return silent if silent > (max(allowed, _LOADING_S) if slot.starting else allowed) else 0.0

    def _give_up_or_pause(self, slot: _Slot, failure: Failure) -> None:
        """End a worker and say when it is to be replaced. Raises WorkerFailedError if that is hopeless."""
        told = _report(slot, failure)
        killed = slot.killed or slot.process.exitcode is None  # which is one that hangs
        self._bury(slot)
        now, window = time.monotonic(), self.config.restart_window
        _forget(self._recent, now - window)
        _forget(slot.deaths, now - window)
        hopeless = ""
        if len(self._recent) >= self.config.max_restarts:
            hopeless = f"{len(self._recent)} restarts within {window:g} s; giving up"
        elif failure.raised and slot.raised_at == slot.tick:
            hopeless = "it had failed there before; giving up"
        if hopeless:
            first, _, rest = told.partition("\n")
            message = f"{first}\n  {hopeless}" + (f"\n{rest}" if rest else "")
            raise WorkerFailedError(message) from WorkerFailedError(failure.trace or failure.summary)
        slot.raised_at = slot.tick if failure.raised else None
        slot.resume_s = now + (0 if killed else _pause_s(len(slot.deaths)))
        if not killed:
            slot.deaths.append(now)
        self._recent.append(now)

    def _bury(self, slot: _Slot) -> None:
        if slot.buried:  # it was not replaced, for that failed or was hopeless
            return
        slot.buried = True
        if slot.process.exitcode is None:
            slot.process.kill()
        slot.process.join()
        slot.process.close()
        slot.last_words.close()


def _failed_to_start(slot: _Slot, failure: Failure) -> Exception:
    """Return the error that ends a start: the worker's own where that says what to do."""
    cause = WorkerFailedError(failure.trace or failure.summary)
    error: Exception
    if slot.process.exitcode == UNGUARDED:
        return unguarded()
    if failure.usage:
        error = failure.usage
    elif failure.world_raised:
        error = WorkerFailedError(_report(slot, failure))
    else:
        error = UsageError(
            f"worker {slot.spec.index} failed while starting: {failure.summary}",
            "run again with --debug for its traceback, or with --set workers.count=0",
        )
    error.__cause__ = cause
    return error


def _last_words(slot: _Slot) -> Failure | None:
    # poll() is true at end of file too, where recv() raises EOFError.
    with contextlib.suppress(EOFError, OSError):
        if slot.last_words.poll():
            words: Failure = slot.last_words.recv()
            return words
    return None


def _report(slot: _Slot, failure: Failure) -> str:
    return report(slot.spec.index, slot.process.pid, slot.spec.part, slot.tick, failure)


def _pause_s(deaths: int) -> float:
    """Return how long to wait before a slice is taken up again that has seen so many deaths lately."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (deaths - 1)) if deaths else 0.0


def _forget(times: deque[float], until: float) -> None:
    while times and times[0] < until:
        times.popleft()
