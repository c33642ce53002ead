"""Conditions for starting worker processes, and the messages for those that are not met."""

import contextlib
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import multiprocess
from multiprocess import resource_tracker, spawn
from multiprocess.connection import wait

from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import signals_held

PRELOADED = ("__main__", "valuescape.sim.crew.worker", "valuescape.sim.crew.preloaded")
"""What a fork server imports: the last needs numba, and is left out without it."""

UNGUARDED = 77
"""Exit code of a worker whose script starts workers when it is imported."""

_FILES, _FILES_A_WORKER = 8, 6
"""File descriptors that an engine takes, and each of its workers: memory, bells, pipes; some only during a
start."""

_CHILDREN = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONSAFEPATH": "1",
}
"""Environment of a child: one thread of BLAS, and no modules from the current folder. A child is started by
`python -c`, which would search that folder first; it then takes over the parent's own path."""


def start_context(method: str) -> Any:
    """Return the context that starts processes by `method`, as `workers.start_method` names it.

    A fork server loads the code of workers once for all of them, so that each starts in a tenth of the time.
    """
    context = multiprocess.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(list(PRELOADED))
    return context


def require_descriptors(workers: int) -> None:
    """Raise UsageError if this process may not open as many files as `workers` processes take."""
    needed = len(list(Path("/proc/self/fd").iterdir())) + _FILES + _FILES_A_WORKER * workers
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if needed > limit:
        raise UsageError(
            f"workers.count = {workers} takes about {needed} open files, but the limit is {limit}",
            "lower workers.count, or raise the limit: ulimit -n",
        )


def require_main_guard() -> None:
    """End this process, silently, if it is a worker whose script, imported again, is about to start workers.

    Python itself would print forty lines per worker here.
    """
    if getattr(multiprocess.current_process(), "_inheriting", False):
        raise SystemExit(UNGUARDED)


def unguarded() -> UsageError:
    """Return the error for a worker that has ended with UNGUARDED."""
    return UsageError(
        "worker processes import the script that starts them, and this one would start them again",
        'put what it does under `if __name__ == "__main__":`, or take num_workers=0 (workers.count=0)',
    )


def refused(name: str, error: OSError) -> UsageError:
    """Return the error for a process that the system refuses to start."""
    return UsageError(
        f"{name} cannot be started: {error.strerror}",
        "lower workers.count, or raise the limit of processes: ulimit -u",
    )


def end_with_parent() -> None:
    """Have this child end at once when its parent does, however that ends, whatever this one is doing."""

    def watch() -> None:
        wait([multiprocess.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def is_stopped(pid: int) -> bool:
    """Return whether a process is stopped, by SIGSTOP or by a debugger."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return status.rpartition(")")[2].split()[0] in "Tt"
    return False


@contextlib.contextmanager
def quiet_start(*, imports_main: bool) -> Iterator[None]:
    """Hold back signals while a child is started within, and give it the environment `_CHILDREN`.

    The child has SIGINT and SIGTERM blocked until it calls `ignore_interrupts`. imports_main: whether it
    imports the script that this process runs. Without, scripts need no guard, and may come from a pipe.
    """
    with _starting, _children_environment():
        resource_tracker.ensure_running()  # otherwise the child's start starts it, which unblocks the signals
        with signals_held(), contextlib.nullcontext() if imports_main else _main_left_out():
            yield


_starting = threading.Lock()
"""Held while a child starts: what is changed for it is changed for all threads, of which several do."""


@contextlib.contextmanager
def _children_environment() -> Iterator[None]:
    """Let children that are started within have the environment `_CHILDREN`."""
    before = {name: os.environ.get(name) for name in _CHILDREN}
    os.environ.update(_CHILDREN)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _main_left_out() -> Iterator[None]:
    """Let children that are started within not import the main module."""
    prepare = spawn.get_preparation_data

    def without_main(name: str) -> dict[str, Any]:
        told: dict[str, Any] = prepare(name)
        return {key: value for key, value in told.items() if not key.startswith("init_main_")}

    spawn.get_preparation_data = without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = prepare
