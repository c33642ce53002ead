"""Starts workers, sees them die or hang, replaces them from their last complete tick, and ends them."""

import contextlib
import os
import resource
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import multiprocess
from multiprocess import resource_tracker

from sim.errors import UsageError
from sim.interrupts import signals_held
from sim.layout import Phase
from sim.sections import WorkersConfig
from sim.worker import WorkerSpec, worker_main

_STOP_S = 1.0
_FILES, _FILES_A_WORKER = 8, 6
"""Descriptors that an engine takes: memory, bells and pipes, a few of them only while a worker starts."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
"""The second restart in a row waits so long, the next ones twice as long each, and at most so long."""

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of workers that did not end by themselves."""

# A fork has copies of our workers' objects; at its exit multiprocess would end these as daemons of its own.
os.register_at_fork(after_in_child=lambda: multiprocess.process._children.clear())

_SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerFailedError(Exception):
    """Workers failed more often than `workers.max_restarts` allows, or on one tick again; holds the report.

    Where Python raised, the report ends with the traceback.
    """


@dataclass(slots=True)
class _Slot:
    """One slice's worker: the process that has it now, and the pipe its last words come through.

    resume_s: when it is to be replaced (monotonic), while it waits for that. raised_at: the tick after which
    the worker before raised an error.
    """

    spec: WorkerSpec
    process: Any
    last_words: Any
    buried: bool = False
    resume_s: float | None = None
    raised_at: int | None = None
    deaths: deque[float] = field(default_factory=deque)

    @property
    def killed(self) -> bool:
        """Whether the worker was ended from outside."""
        return self.process.exitcode in _FROM_OUTSIDE

    @property
    def tick(self) -> int:
        """The tick that the slice last completed."""
        return int(self.spec.arena["worker"][self.spec.index]["tick"])


class Supervisor:
    """Keeps one worker process alive per slice; `check` once a frame, which never waits.

    A dead worker (exit code) or a hung one (no heartbeat for `workers.heartbeat_timeout`) is replaced. The
    newcomer goes on from the tick its slice last completed: nothing is lost, and the run stays the same.
    Who ends by himself again and again is replaced after pauses: none, 0.1 s, 0.2 s, 0.4 s and so on. An
    error that Python raises twice after one tick would be raised for ever, and ends the run.
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
            self._look_after(index, slot)

    def _look_after(self, index: int, slot: _Slot) -> None:
        if slot.resume_s is None and (reason := self._trouble(slot)):
            self._give_up_or_pause(slot, reason)
        if slot.resume_s is not None and time.monotonic() >= slot.resume_s:
            self._slots[index] = self._start(slot.spec, slot)
            self.restarts += 1

    def require_started(self) -> None:
        """Raise UsageError if a worker failed before its first tick; WorkerFailedError if a world raised.

        One that was killed did not fail, and is replaced.
        """
        for index, slot in enumerate(self._slots):
            if slot.tick >= 0 or slot.resume_s is not None or slot.killed:
                self._look_after(index, slot)
            elif reason := self._trouble(slot):
                if _world_raised(reason):
                    raise WorkerFailedError(_report(slot, reason)) from WorkerFailedError(reason)
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

    def _start(self, spec: WorkerSpec, before: _Slot | None = None) -> _Slot:
        record = spec.arena["worker"][spec.index]
        record["phase"] = Phase.STARTING
        record["heartbeat_ns"] = time.monotonic_ns()
        with _quiet_start():
            receiver, sender = self._context.Pipe(duplex=False)
            process = self._context.Process(
                target=worker_main, args=(spec, sender), name=f"valuescape-worker-{spec.index}", daemon=True
            )
            try:
                process.start()
            except OSError as error:
                receiver.close()
                raise _refused(spec, error) from error
            finally:
                sender.close()
        slot = _Slot(spec, process, receiver)
        if before:
            slot.raised_at, slot.deaths = before.raised_at, before.deaths
        return slot

    def _trouble(self, slot: _Slot) -> str:
        """Return why this worker must be replaced, or nothing."""
        if slot.process.exitcode is not None:
            return _last_words(slot) or f"exit code {slot.process.exitcode}"
        record = slot.spec.arena["worker"][slot.spec.index]
        starting = record["phase"] in (Phase.STARTING, Phase.COMPILING)
        allowed = self.config.start_timeout if starting else self.config.heartbeat_timeout
        silent = (time.monotonic_ns() - int(record["heartbeat_ns"])) * 1e-9
        return f"no heartbeat for {silent:.1f} s" if silent > allowed else ""

    def _give_up_or_pause(self, slot: _Slot, reason: str) -> None:
        """End a worker and say when it is to be replaced. Raises WorkerFailedError if that is hopeless."""
        report = _report(slot, reason)
        killed = slot.killed or slot.process.exitcode is None  # which is one that hangs
        self._bury(slot)
        now, window = time.monotonic(), self.config.restart_window
        _forget(self._recent, now - window)
        _forget(slot.deaths, now - window)
        hopeless = ""
        if len(self._recent) >= self.config.max_restarts:
            hopeless = f"{len(self._recent)} restarts within {window:g} s; giving up"
        elif _raised(reason) and slot.raised_at == slot.tick:
            hopeless = "it had failed there before; giving up"
        if hopeless:
            first, _, rest = report.partition("\n")
            message = f"{first}\n  {hopeless}" + (f"\n{rest}" if rest else "")
            raise WorkerFailedError(message) from WorkerFailedError(reason)
        slot.raised_at = slot.tick if _raised(reason) else None
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


def require_descriptors(workers: int) -> None:
    """Raise UsageError if this process may not open as many files as `workers` processes take."""
    needed = len(list(Path("/proc/self/fd").iterdir())) + _FILES + _FILES_A_WORKER * workers
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if needed > limit:
        raise UsageError(
            f"workers.count = {workers} takes about {needed} open files, but the limit is {limit}",
            "lower workers.count, or raise the limit: ulimit -n",
        )


def _refused(spec: WorkerSpec, error: OSError) -> UsageError:
    return UsageError(
        f"worker {spec.index} cannot be started: {error.strerror}",
        "lower workers.count, or raise the limit of processes: ulimit -u",
    )


def _last_words(slot: _Slot) -> str:
    # poll() is true at end of file too, where recv() raises EOFError.
    with contextlib.suppress(EOFError, OSError):
        if slot.last_words.poll():
            return str(slot.last_words.recv())
    return ""


def failure_here(index: int, part: slice, tick: int, reason: str) -> str:
    """Return the report of a slice that failed in this process after `tick`; `reason` is a traceback."""
    return _told(index, os.getpid(), part, tick, reason)


def _report(slot: _Slot, reason: str) -> str:
    return _told(slot.spec.index, slot.process.pid, slot.spec.part, slot.tick, reason)


def _told(index: int, pid: int, part: slice, tick: int, reason: str) -> str:
    """Say which worker failed where and why, with the traceback if it was an error that Python raised."""
    said = (
        f"worker {index} (pid {pid}, agents {part.start} to {part.stop - 1}) failed after tick {tick}: "
        f"{_summary(reason)}"
    )
    return f"{said}\n{reason.rstrip()}" if _world_raised(reason) else said


def _raised(reason: str) -> bool:
    return reason.startswith("Traceback")


def _world_raised(reason: str) -> bool:
    """Whether it is a traceback that helps: a UsageError says in its own words what to do."""
    return _raised(reason) and not _summary(reason).startswith("sim.errors.UsageError")


def _pause_s(deaths: int) -> float:
    """Return how long to wait before a slice is taken up again that has seen so many deaths lately."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (deaths - 1)) if deaths else 0.0


def _forget(times: deque[float], until: float) -> None:
    while times and times[0] < until:
        times.popleft()


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
