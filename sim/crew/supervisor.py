"""Starts worker processes, replaces those that die or hang, and ends them.

`Supervisor.check` is where the death of a worker is noticed.
"""

import contextlib
import os
import signal
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import multiprocess

from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure, WorkerFailedError, report
from valuescape.sim.crew.recent import Recent
from valuescape.sim.crew.starting import (
    UNGUARDED,
    is_stopped,
    quiet_start,
    refused,
    require_main_guard,
    start_context,
    unguarded,
)
from valuescape.sim.crew.worker import worker_main
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.loading import NOTHING
from valuescape.sim.resources import usable_cores
from valuescape.sim.shared.layout import Phase
from valuescape.sim.shared.parcel import Parcel
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.worlds.gym_making import GYMNASIUM

_STOP_S = 1.0
"""Time for all workers together to end by themselves before they are killed."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
"""Before the second restart in a row, doubled before each further one; and the longest such pause."""

_LOADING_S = 2.0
"""A starting worker may go this long without a heartbeat, even if `workers.heartbeat_timeout` is less:
loading libraries and compiling delay the thread that writes it by 0.25 s, more on a busy machine."""

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of workers that were ended from outside."""

# A fork of this process inherits the objects of our workers. When the fork exits, multiprocess would end them
# as daemons of its own.
os.register_at_fork(after_in_child=lambda: multiprocess.process._children.clear())


@dataclass(slots=True)
class _Slot:
    """The worker of one slice.

    process: the one that has the slice now. failures: the reading end of a pipe through which it sends a
    `Failure` before it ends with an error. begun_s: when it was started (monotonic). collected: it has ended
    and its process object is closed. resume_s: when it is to be replaced, None while it runs. raised_at: the
    tick after which its predecessor raised an error. raised: the report of that error. deaths: recent ones,
    of the slice's workers that ended by themselves.
    """

    spec: WorkerSpec
    process: Any
    failures: Any
    begun_s: float
    deaths: Recent
    collected: bool = False
    resume_s: float | None = None
    raised_at: int | None = None
    raised: WorkerFailedError | None = None

    @property
    def killed(self) -> bool:
        """Whether the worker was ended from outside."""
        return self.process.exitcode in _FROM_OUTSIDE

    @property
    def record(self) -> Any:
        """The worker's record in the arena (`sim.shared.layout.WORKER`)."""
        return self.spec.arena["worker"][self.spec.index]

    @property
    def tick(self) -> int:
        """The tick that the slice last completed."""
        return int(self.record["tick"])

    @property
    def starting(self) -> bool:
        """Whether it is still starting, compiling included."""
        return self.record["phase"] in (Phase.STARTING, Phase.COMPILING)

    @property
    def silent_s(self) -> float:
        """Seconds since its last heartbeat; 0 while none can be expected."""
        if self.process.exitcode is not None:
            return 0.0
        if int(self.record["pid"]) != self.process.pid and not is_stopped(self.process.pid):
            return 0.0  # Python itself is starting, and no code of ours runs yet
        return (time.monotonic_ns() - int(self.record["heartbeat_ns"])) * 1e-9


class Supervisor:
    """Keeps one worker process alive per slice; call `check` once a frame.

    A worker is replaced when it is dead (it has an exit code) or hung (no heartbeat for
    `workers.heartbeat_timeout`, also while it starts). Its successor continues from the last complete tick of
    the slice, so that nothing is lost and the run stays the same.

    A worker that keeps exiting restarts with exponential back-off: at once, then after 0.1 s, 0.2 s, 0.4 s,
    and so on. An error raised twice after the same tick would be raised again for ever, so it ends the run.
    An error of a plug-in ends it at once.
    """

    def __init__(self, config: WorkersConfig, specs: list[WorkerSpec], *, gradual: bool = False) -> None:
        """Start all workers. gradual: only the first; each `check` or `require_started` may start another.

        Gradually, no more are starting at a time than leave a core to those that are at work meanwhile.

        Performance: starting a process takes 2 to 10 ms of the calling one (EPYC).
        """
        self.config = config
        self.restarts = 0
        self._context = start_context(config.start_method)
        self._recent = Recent(config.restart_window)
        self._slots: list[_Slot] = []
        self._unstarted = deque(specs)
        self._starting_at_once = max(1, usable_cores() - 1) if gradual else len(specs)
        self._stop_by_s: float | None = None
        self._parcel = Parcel((specs[0].checkpoint, specs[0].plugins))
        require_main_guard()
        try:
            self._start_next()
            while self._unstarted and not gradual:
                self._start_next()
        except BaseException:
            self.close()
            raise

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers now running."""
        return [slot.process.pid for slot in self._slots if not slot.collected]

    def check(self) -> None:
        """Replace workers that ended or hang; never waits. Raises WorkerFailedError when that is hopeless."""
        self._start_next()
        for index, slot in enumerate(self._slots):
            self._check_slot(index, slot)

    def _check_slot(self, index: int, slot: _Slot) -> None:
        if slot.resume_s is None and (failure := self._trouble(slot)):
            self._give_up_or_pause(slot, failure)
        if slot.resume_s is not None and time.monotonic() >= slot.resume_s:
            self._slots[index] = self._start(slot.spec, slot)
            self.restarts += 1

    def require_started(self) -> None:
        """Raise UsageError if a worker failed before its first tick; WorkerFailedError if the world raised.

        A worker that was killed or stopped from outside did not fail; it is replaced.
        """
        self._start_next()
        for index, slot in enumerate(self._slots):
            waits = slot.resume_s is not None
            failure = None if waits else self._trouble(slot)  # before `killed`: it may be killed in between
            if slot.tick >= 0 or waits or slot.killed or self._silence(slot):
                self._check_slot(index, slot)
            elif failure:
                raise _failed_to_start(slot, failure)

    def require_sound(self) -> None:
        """Raise WorkerFailedError if a worker raised an error and no successor has gone beyond its tick."""
        self.check()
        for slot in self._slots:
            if slot.raised and slot.raised_at == slot.tick:
                raise slot.raised

    def have_ended(self) -> bool:
        """Return whether all workers, which have been told to stop, have ended; never waits.

        Those that still run _STOP_S after the first call are killed.
        """
        now = time.monotonic()
        if self._stop_by_s is None:
            self._stop_by_s = now + _STOP_S
        left = [slot for slot in self._slots if not slot.collected and slot.process.exitcode is None]
        for slot in left if now > self._stop_by_s else ():
            slot.process.kill()
        return not left

    def close(self) -> None:
        """End all workers, which have been told to stop: wait for _STOP_S, then kill those that still run."""
        deadline = time.monotonic() + _STOP_S
        for slot in self._slots:
            if not slot.collected:
                slot.process.join(max(0.0, deadline - time.monotonic()))
            self._collect(slot)
        self._slots.clear()
        self._unstarted.clear()
        self._parcel.close()

    def _start_next(self) -> None:
        """Start the next of the workers that have not been started at all, if there is a core for that."""
        if self._unstarted and sum(slot.starting for slot in self._slots) < self._starting_at_once:
            self._slots.append(self._start(self._unstarted[0]))
            self._unstarted.popleft()

    def _start(self, spec: WorkerSpec, before: _Slot | None = None) -> _Slot:
        record = spec.arena["worker"][spec.index]
        record["pid"] = 0
        record["phase"] = Phase.STARTING
        record["heartbeat_ns"] = time.monotonic_ns()
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=worker_main,
            args=(replace(spec, checkpoint=None, plugins=NOTHING), self._parcel, sender),
            name=f"valuescape-worker-{spec.index}",
            daemon=True,
        )
        try:
            # Environments that the script registers are known to workers only if they import it.
            with quiet_start(imports_main=spec.config.world.name.startswith(GYMNASIUM)):
                process.start()
        except OSError as error:
            receiver.close()
            raise refused(f"worker {spec.index}", error) from error
        except BaseException:  # an interrupt, held back until the process was started completely
            process.kill()
            process.join()
            raise
        finally:
            sender.close()
        deaths = before.deaths if before else Recent(self.config.restart_window)
        slot = _Slot(spec, process, receiver, time.monotonic(), deaths)
        if before:
            slot.raised_at, slot.raised = before.raised_at, before.raised
        return slot

    def _trouble(self, slot: _Slot) -> Failure | None:
        """Return why a worker must be replaced, or None."""
        if slot.process.exitcode is not None:
            return _sent_failure(slot) or Failure(f"exit code {slot.process.exitcode}")
        if silence := self._silence(slot):
            return Failure(f"no heartbeat for {silence:.1f} s")
        if slot.starting and time.monotonic() - slot.begun_s > self.config.start_timeout:
            return Failure(f"not at work after {self.config.start_timeout:g} s (workers.start_timeout)")
        return None

    def _silence(self, slot: _Slot) -> float:
        """Return how many seconds a worker has been without a heartbeat if that is too long, else 0."""
        allowed = self.config.heartbeat_timeout
        silent = slot.silent_s
        return silent if silent > (max(allowed, _LOADING_S) if slot.starting else allowed) else 0.0

    def _give_up_or_pause(self, slot: _Slot, failure: Failure) -> None:
        """End a worker and set when it is replaced. Raises WorkerFailedError if that is hopeless."""
        told = _report(slot, failure)
        killed = slot.killed or slot.process.exitcode is None  # one without exit code hangs
        self._collect(slot)
        if failure.of_plugin:
            raise _failed(told, failure)
        if hopeless := self._hopeless(slot, failure):
            first, _, rest = told.partition("\n")
            raise _failed(f"{first}\n  {hopeless}" + (f"\n{rest}" if rest else ""), failure)
        slot.raised_at = slot.tick if failure.raised else None
        slot.raised = _failed(told, failure) if failure.raised else None
        slot.resume_s = time.monotonic() + (0 if killed else _pause_s(len(slot.deaths)))
        if not killed:
            slot.deaths.note()
        self._recent.note()

    def _hopeless(self, slot: _Slot, failure: Failure) -> str:
        """Return why another restart would not help; "" if it may."""
        if len(self._recent) >= self.config.max_restarts:
            return f"{len(self._recent)} restarts within {self.config.restart_window:g} s; giving up"
        if failure.raised and slot.raised_at == slot.tick:
            return "it had failed there before; giving up"
        return ""

    def _collect(self, slot: _Slot) -> None:
        """End the process if it still runs, and release what belongs to it; a second call does nothing."""
        if slot.collected:
            return
        slot.collected = True
        if slot.process.exitcode is None:
            slot.process.kill()
        slot.process.join()
        slot.process.close()
        slot.failures.close()


def _failed(message: str, failure: Failure) -> WorkerFailedError:
    """Return the error that ends a run, with the traceback or the summary of `failure` as its cause."""
    error = WorkerFailedError(message)
    error.__cause__ = WorkerFailedError(failure.trace or failure.summary)
    return error


def _failed_to_start(slot: _Slot, failure: Failure) -> Exception:
    """Return the error that ends a start: the worker's own if it says what to do."""
    cause = WorkerFailedError(failure.trace or failure.summary)
    error: Exception
    if slot.process.exitcode == UNGUARDED:
        return unguarded()
    if failure.usage:
        error = failure.usage
    elif failure.raised:
        error = WorkerFailedError(_report(slot, failure))
    else:
        error = UsageError(
            f"worker {slot.spec.index} failed while starting: {failure.summary}",
            "run again with --debug for its traceback, or with --set workers.count=0",
        )
    error.__cause__ = cause
    return error


def _sent_failure(slot: _Slot) -> Failure | None:
    """Return what a worker sent before it ended, or None."""
    # poll() is true at end of file too, where recv() raises EOFError.
    with contextlib.suppress(EOFError, OSError):
        if slot.failures.poll():
            failure: Failure = slot.failures.recv()
            return failure
    return None


def _report(slot: _Slot, failure: Failure) -> str:
    return report(slot.spec.index, slot.process.pid, slot.spec.numbers, slot.tick, failure)


def _pause_s(deaths: int) -> float:
    """Return how long to wait before a restart, after `deaths` recent ones of the same slice."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (deaths - 1)) if deaths else 0.0
