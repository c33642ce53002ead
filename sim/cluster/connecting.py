"""The connection of this process to a Ray cluster, shared by all that use it at a time."""

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from valuescape.sim.cluster.reaching import (
    INSTALL,
    LOCAL,
    SETTING,
    refused,
    require_address,
    require_reachable,
)
from valuescape.sim.errors import UsageError
from valuescape.sim.resources import available_memory, usable_cores

_LEAVE_S = 2.0

_FOLDER = "valuescape-ray-"
"""Beginning of the names of Ray's folders of clusters of ours; the process's id follows."""

_STORE_BYTES = 256 * 2**20
"""Object store of a cluster that a run starts for itself: rows on their way between its nodes."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Environment of Ray where the user has set nothing else: nothing is reported to anyone."""


@dataclass(slots=True)
class _Connection:
    """The connection of this process. users: that are inside of `connected`.

    was_there: the caller's own program had connected Ray before. folder: Ray's files of a cluster of ours.
    """

    users: int = 0
    cluster: str = ""
    was_there: bool = False
    folder: str = ""


_lock = threading.Lock()
_now = _Connection()


def ray_module() -> Any:
    """Return the module `ray`. Raises UsageError if it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        said = f"{SETTING} needs Ray, which is not installed ({error})"
        raise UsageError(said, INSTALL) from None
    return ray


@contextlib.contextmanager
def connected(cluster: str) -> Iterator[Any]:
    """Connect to a cluster while inside, and give the module `ray`.

    cluster: a value of `workers.cluster`. Connections of one process overlap; the last that ends disconnects,
    and ends a cluster that the first one started (`local`). Raises UsageError if Ray is missing, there is no
    such cluster, it is of another version, or this process is connected to another one.
    """
    require_address(cluster)
    ray = ray_module()
    with _lock:
        if _now.users == 0:
            _connect(ray, cluster)
        elif cluster != _now.cluster:
            said = f"{SETTING} = {cluster!r}: this process is connected to {_now.cluster!r}"
            raise UsageError(said, "one process uses one cluster at a time")
        _now.users += 1
    try:
        yield ray
    finally:
        with _lock:
            _now.users -= 1
            if _now.users == 0 and not _now.was_there:
                _disconnect(ray)


def _connect(ray: Any, cluster: str) -> None:
    _now.was_there = bool(ray.is_initialized())
    if not _now.was_there:
        with _quiet_errors():
            require_reachable(cluster)
        if cluster == LOCAL:
            _remove_left_folders()
            _now.folder = tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
        with _own_signals(), _quiet_errors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _silence(ray)
            try:
                ray.init(**_arguments(cluster))
            except Exception as error:  # Ray raises a dozen kinds, of Python's and its own
                _disconnect(ray)
                raise refused(cluster, error) from error
    _now.cluster = cluster


def _remove_left_folders() -> None:
    """Remove the folders of processes that were killed, of which only Ray's logs are left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _quiet_errors() -> Iterator[None]:
    """Drop what the libraries of Ray write to the standard error while they start: notes on their log."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _disconnect(ray: Any) -> None:
    """Disconnect, for at most _LEAVE_S: Ray may wait for a head that is gone."""
    leaving = threading.Thread(target=ray.shutdown, name="ray-shutdown", daemon=True)
    leaving.start()
    leaving.join(_LEAVE_S)
    if _now.folder:
        shutil.rmtree(_now.folder, ignore_errors=True)
        _now.folder = ""


def _silence(ray: Any) -> None:
    """Keep a thread of Ray's from printing to standard output what happens to nodes: no option does."""
    with contextlib.suppress(AttributeError):
        ray._private.worker.print_to_stdstream = lambda *_, **__: None


def _arguments(cluster: str) -> dict[str, Any]:
    common = {"logging_level": logging.ERROR, "log_to_driver": False}
    if cluster != LOCAL:
        return {"address": cluster, **common}
    store = max(80 * 2**20, min(_STORE_BYTES, available_memory() // 10))
    own = {"num_cpus": usable_cores(), "object_store_memory": store, "include_dashboard": False}
    return {"address": LOCAL, "_temp_dir": _now.folder, **own, **common}


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what this program does with SIGTERM and SIGINT, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            if handler is not None:
                signal.signal(number, handler)
