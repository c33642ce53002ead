"""Cores and memory that this process may use: the machine's, or less if its control groups limit them.

A container sees all cores and all memory of its host. Its limits are in the files of its control groups,
version 1 or 2, and of their ancestors (kernel documentation: admin-guide/cgroup-v1, cgroup-v2).
"""

import math
import os
import platform
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from threadpoolctl import threadpool_limits

MOUNT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return the number of cores that may be used, by affinity and by CPU quota (rounded up)."""
    cores = len(os.sched_getaffinity(0))
    quotas = [math.ceil(quota) for group in _groups("cpu") if (quota := _cpu_quota(group)) is not None]
    return max(1, min([cores, *quotas]))


def processor() -> str:
    """Return the name of the processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


_blas_lock = threading.Lock()
_blas_limits: list[Any] = []
"""The limit that `one_blas_thread` has set, once for each that is inside."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread in this process until the last that is inside leaves.

    Networks this small only wait for more threads, and sums depend on their number. Unlike limits of
    threadpoolctl these may overlap: engines and maps that follow each other end in any order.
    """
    with _blas_lock:
        _blas_limits.append(_blas_limits[0] if _blas_limits else threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _blas_lock:
            limit = _blas_limits.pop()
            if not _blas_limits:
                limit.restore_original_limits()


def available_memory() -> int:
    """Return the bytes that this process may still allocate; droppable page cache counts as free."""
    machine: int = psutil.virtual_memory().available
    rooms = [room for group in _groups("memory") if (room := _memory_room(group)) is not None]
    return max(0, min([machine, *rooms]))


def memory_with(pids: Iterable[int]) -> int:
    """Return the bytes that this process and those of `pids` take, the memory they share counted once.

    Processes that have ended are left out.
    """
    total = int(psutil.Process().memory_info().rss)
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            info = psutil.Process(pid).memory_info()
            total += int(info.rss - info.shared)
    return total


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control group and its ancestors, for both versions."""
    try:
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = MOUNT / controllers if controllers else MOUNT
        group = top / path.lstrip("/")
        yield group
        # In a container the path may be the host's, of which only the mount's own folder exists.
        yield from (parent for parent in group.parents if parent == top or top in parent.parents)


def _cpu_quota(group: Path) -> float | None:
    """Return the CPU time that a group may use, in cores; None without a limit."""
    with suppress(OSError, ValueError):
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError):
        quota_us, period_us = (_number(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        return quota_us / period_us if quota_us > 0 else None
    return None


def _memory_room(group: Path) -> int | None:
    """Return the bytes left to a group; None without a limit."""
    for limit, used, droppable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        with suppress(OSError, ValueError):
            room = _number(group / limit) - _number(group / used)
            return room + _statistic(group / "memory.stat", droppable)
    return None


def _statistic(path: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return 0


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
