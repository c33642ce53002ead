"""The priority of a viewer beside a trainer: what processor time it takes from it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

_NICE = 10

_AUTOGROUP = Path("/proc/self/autogroup")
"""Linux's share for this process's session, as "/autogroup-2570 nice 0"."""

_RESTORE = """
trap "" INT TERM HUP
read _
for _ in 1 2 3; do echo "$1" > "$2" && break; sleep 0.12; done
"""
"""Waits for the end of its input, and writes a niceness to a file."""

_AGAIN_S = 0.12
"""Linux takes a change of a share from other users than root every 0.1 s."""


class Priority(StrEnum):
    """The share of a core that the viewer gets while others want it."""

    IDLE = "idle"  # hardly any: Linux's SCHED_IDLE
    LOW = "low"  # a tenth: niceness 10
    NORMAL = "normal"  # as much as they


_SESSION_NICE = {Priority.IDLE: 19, Priority.LOW: _NICE}


def take_priority(priority: Priority) -> None:
    """Give this process, and those that it starts from now on, a priority: never a higher one than they have.

    Where that is refused, nothing is changed.
    """
    with suppress(OSError, AttributeError):
        if priority is Priority.IDLE:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        elif priority is Priority.LOW:
            os.setpriority(os.PRIO_PROCESS, 0, max(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))


@contextmanager
def modest_session(priority: Priority, trainer: int | None) -> Iterator[None]:
    """Give this process's session a lower share within, where Linux divides cores among sessions first.

    There (`kernel.sched_autogroup_enabled`), a priority counts only against programs of the same session, as
    of one terminal. trainer: its process, if known; in the same session, nothing is changed. What else was
    started from that terminal has the lower share meanwhile. It has its own again when this process ends,
    however that comes about.
    """
    nice, before = _SESSION_NICE.get(priority), _session_nice()
    if nice is None or before is None or before >= nice or _in_this_session(trainer):
        yield
        return
    try:
        guard = _guard(before)
    except OSError:  # without one, the share could stay lower
        yield
        return
    try:
        _set_session_nice(nice)
        yield
    finally:
        guard.communicate()


def _guard(nice: int) -> "subprocess.Popen[bytes]":
    """Return a shell that gives the session this niceness when its input ends, as with this process."""
    return subprocess.Popen(  # noqa: S603 (our own)
        ["/bin/sh", "-c", _RESTORE, "sh", str(nice), str(_AUTOGROUP)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _session_nice() -> int | None:
    """Return the niceness of this session; None where sessions have none."""
    with suppress(OSError, ValueError, IndexError):
        return int(_AUTOGROUP.read_text().split()[-1])
    return None


def _set_session_nice(nice: int) -> None:
    for _ in range(3):
        with suppress(OSError):
            _AUTOGROUP.write_text(str(nice))
            return
        time.sleep(_AGAIN_S)


def _in_this_session(process: int | None) -> bool:
    with suppress(OSError):
        return process is not None and os.getsid(process) == os.getsid(0)
    return False


def leave_cores(priority: Priority, cores: int) -> None:
    """Have Mesa's software driver use fewer threads than there are cores, unless it was told how many.

    To be called before the driver is loaded. A thread that draws shares cache and arithmetic units with the
    trainer, whatever its priority.
    """
    if priority is not Priority.NORMAL:
        os.environ.setdefault("LP_NUM_THREADS", str(max(1, cores // 2)))
