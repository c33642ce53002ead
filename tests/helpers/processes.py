"""Looking at processes from outside, for tests that end some."""

import contextlib
import os
import re
import time
from multiprocessing import resource_tracker as multiprocessing_tracker
from pathlib import Path

import psutil
from multiprocess import forkserver, resource_tracker


def running(pid: int) -> bool:
    """Whether a process still runs; one that has ended but that nobody has collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> set[int]:
    """Return all processes below `pid` that run."""
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return set()
    return {each.pid for each in found if running(each.pid)}


def wait_until(condition, timeout_s: float, what: str) -> None:
    """Return as soon as `condition()` holds; fails the test if it does not in time."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s} s: {what}"
        time.sleep(0.005)


def wait_for_end(pids, timeout_s: float) -> None:
    """Return when none of `pids` runs any more; fails the test if one does after the time-out."""
    wait_until(lambda: not any(map(running, pids)), timeout_s, "processes end")


def own_descendants() -> set[int]:
    """Return the processes that this one has started, without multiprocess's own two, which stay.

    These are its tracker and its fork server. By the kernel's lists of children, since every test asks twice.
    """
    found, parents = set(), [os.getpid()]
    for parent in parents:  # the list grows
        children = [pid for pid in _children(parent) if not _is_tracker(pid)]
        parents += children
        found.update(children)
    return {pid for pid in found - {forkserver._forkserver._forkserver_pid} if running(pid)}


def _children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    found = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            found += map(int, tasks.read_text().split())
    return found


def _is_tracker(pid: int) -> bool:
    trackers = {each._resource_tracker._pid for each in (resource_tracker, multiprocessing_tracker)}
    if pid in trackers:
        return True
    try:
        return "resource_tracker" in " ".join(psutil.Process(pid).cmdline())
    except psutil.NoSuchProcess:
        return True


def open_files() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def shared_names() -> set[str]:
    """Return the names in /dev/shm that multiprocessing libraries give, and those of training runs."""
    root = Path("/dev/shm")
    names = {path.name for path in root.iterdir() if path.name.startswith(("psm_", "mp-", "sem."))}
    return names | {str(path.relative_to(root)) for path in root.glob("valuescape*/*")}


def names_since(before: set[str]) -> set[str]:
    """Return the names in shared memory that are new since `shared_names` gave `before`.

    Without those that processes of others map, and training runs that have another test process in their
    name: another pytest may run on this machine.
    """
    new = {name for name in shared_names() - before if not _is_of_another_test(name)}
    others = set(psutil.pids()) - {os.getpid(), *descendants(os.getpid())} if new else set()
    return new - {name for name in new for pid in others if _maps(pid, name)}


def _is_of_another_test(name: str) -> bool:
    pids = {int(digits) for digits in re.findall(r"-(\d+)", name.rpartition("/")[2])}
    return os.getpid() not in pids and any(map(psutil.pid_exists, pids))


def _maps(pid: int, name: str) -> bool:
    try:
        return f"/dev/shm/{name}" in Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False
