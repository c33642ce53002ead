"""The connection of this process to a Ray cluster, shared by all that use it at a time."""

import contextlib
import logging
import os
import re
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.resources import available_memory, usable_cores

LOCAL, AUTO = "local", "auto"

SETTING = "workers.cluster"

_ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(?P<port>\d{1,5})")
_EXPECTED = 'expected "auto", "local", "ray://HOST:PORT" or "HOST:PORT"'

_REACH_S = 5.0
"""The longest that a connection to a cluster's port may take."""

_LEAVE_S = 5.0

_STORE_BYTES = 256 * 2**20
"""Object store of a cluster that a run starts for itself: rows on their way between its nodes."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Environment of Ray where the user has set nothing else: nothing is reported to anyone."""

_lock = threading.Lock()
_users = 0
_connected_to = ""


def ray_module() -> Any:
    """Return the module `ray`. Raises UsageError if it is not installed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        said = f"{SETTING} needs Ray, which is not installed ({error})"
        raise UsageError(said, "pip install 'valuescape[ray]'") from None
    return ray


def require_address(cluster: str) -> None:
    """Raise UsageError unless `cluster` is a value of `workers.cluster` that names a cluster; asks none."""
    match = _ADDRESS.fullmatch(cluster)
    if cluster in (LOCAL, AUTO) or (match and 0 < int(match["port"]) < 2**16):
        return
    raise UsageError(f"{SETTING} = {cluster!r}: {_EXPECTED}")


@contextlib.contextmanager
def connected(cluster: str) -> Iterator[Any]:
    """Connect to a cluster while inside, and give the module `ray`.

    cluster: a value of `workers.cluster`. Connections of one process overlap; the last that ends disconnects,
    and ends a cluster that the first one started (`local`). Raises UsageError if Ray is missing, there is no
    such cluster, it is of another version, or this process is connected to another one.
    """
    global _users
    require_address(cluster)
    ray = ray_module()
    with _lock:
        if _users == 0:
            _connect(ray, cluster)
        elif cluster != _connected_to:
            said = f"{SETTING} = {cluster!r}: this process is connected to {_connected_to!r}"
            raise UsageError(said, "one process uses one cluster at a time")
        _users += 1
    try:
        yield ray
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and not _was_there:
                _disconnect(ray)


_was_there = False
"""Whether the caller's own program had connected Ray before."""


def _connect(ray: Any, cluster: str) -> None:
    global _connected_to, _was_there
    _was_there = bool(ray.is_initialized())
    if not _was_there:
        _require_port(cluster)
        with _own_signals(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _silence(ray)
            try:
                ray.init(**_arguments(cluster))
            except Exception as error:  # Ray raises a dozen kinds, of Python's and its own
                ray.shutdown()
                raise _refused(cluster, error) from error
    _connected_to = cluster


def _disconnect(ray: Any) -> None:
    """Disconnect, for at most _LEAVE_S: Ray may wait for a head that is gone."""
    leaving = threading.Thread(target=ray.shutdown, name="ray-shutdown", daemon=True)
    leaving.start()
    leaving.join(_LEAVE_S)


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
    return {"address": LOCAL, **own, **common}


def _require_port(cluster: str) -> None:
    """Raise UsageError, soon, if nothing listens where the cluster should be: Ray itself waits minutes."""
    named = os.environ.get("RAY_ADDRESS", "") if cluster == AUTO else cluster
    match = _ADDRESS.fullmatch(named)
    if not match:
        return
    try:
        socket.create_connection((match["host"].strip("[]"), int(match["port"])), _REACH_S).close()
    except OSError as error:
        where = f"{SETTING} = {cluster!r}" + (f" (RAY_ADDRESS = {named!r})" if cluster == AUTO else "")
        why = (
            f"no answer within {_REACH_S:g} s" if isinstance(error, TimeoutError) else error.strerror or error
        )
        raise UsageError(
            f"{where}: no connection: {why}",
            "start the cluster, or use the address that `ray start` printed; docs/cluster.md lists the ports",
        ) from None


_VERSIONS = re.compile(
    r"started with:\s+Ray: (\S+)\s+Python: (\S+).*started with:\s+Ray: (\S+)\s+Python: (\S+)", re.DOTALL
)
"""The versions of the cluster and of this process in Ray's message."""


def _refused(cluster: str, error: Exception) -> UsageError:
    """Return what is to be said of a cluster that Ray could not connect to."""
    if match := _VERSIONS.search(str(error)):
        there, here = (f"Ray {match[at]} and Python {match[at + 1]}" for at in (1, 3))
        said = f"{SETTING} = {cluster!r}: the cluster has {there}, this process {here}"
        return UsageError(said, "install the same versions here and there")
    if cluster == AUTO and isinstance(error, ConnectionError):
        said = f"{SETTING} = 'auto': no Ray cluster runs on this machine"
        return UsageError(said, "start one with: ray start --head; or take workers.cluster = 'local'")
    text = " ".join(str(error).split())
    return UsageError(f"{SETTING} = {cluster!r}: {type(error).__name__}: {text}")


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
