"""The connection to a Ray cluster, and the sentences for what can go wrong before work begins."""

import contextlib
import importlib.util
import os
import re
import socket
from collections.abc import Iterator
from typing import Any

from valuescape.sim.errors import UsageError

ADDRESSES = "expected auto (a cluster that this machine is part of), local, ray://HOST:PORT or HOST:PORT"

REACH_S = 5.0
"""Seconds for an address to answer."""

_HOST_AND_PORT = re.compile(r"(?:ray://)?(\[[^\]/]+\]|[^\]\[:/]+):(\d{1,5})")

_INSTALL = "pip install 'valuescape[ray]'"


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Connect this process to a cluster while inside; yields the module `ray`.

    address: "auto", "local" (starts one on this machine, which ends with the block), "ray://HOST:PORT" (from
    a machine that is no part of it), or "HOST:PORT" of the head (from one that is).
    A connection that is there already, such as one of a user's script, is used and stays. Raises UsageError,
    one sentence each, for an address of another form or one that does not answer within REACH_S, and if Ray
    is missing or has another version than the cluster.
    """
    require_address(address)
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    _require_answer(address)
    try:
        _connect(ray, address)
    except (ConnectionError, RuntimeError, OSError, ValueError) as error:
        ray.shutdown()
        raise _in_words(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def require_address(address: str) -> None:
    """Raise UsageError unless `address` has a form that `connected` knows."""
    if address in ("auto", "local") or _HOST_AND_PORT.fullmatch(address):
        return
    raise UsageError(f"--cluster {address} (workers.cluster): is no address of a cluster", ADDRESSES)


def _ray() -> Any:
    if importlib.util.find_spec("ray") is None:
        raise UsageError("--cluster needs Ray, which is not installed", _INSTALL)
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of a change to come
    import ray

    return ray


def _require_answer(address: str) -> None:
    """Raise UsageError unless something listens at the address; Ray itself would try for minutes."""
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    found = _HOST_AND_PORT.fullmatch(named)
    if found is None:
        return
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), REACH_S).close()
    except (OSError, OverflowError) as error:
        said = "no answer" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or error
        of = " (RAY_ADDRESS)" if address == "auto" else ""
        raise UsageError(
            f"{named}{of} cannot be reached within {REACH_S:g} s: {said}",
            "is the head there, and its port open to this machine? docs/cluster.md lists the ports",
        ) from None


def _connect(ray: Any, address: str) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address == "local":
        quiet |= {"include_dashboard": False}
    with contextlib.suppress(AttributeError):
        # A thread of Ray's prints what happens to nodes to standard output, whatever `log_to_driver` says.
        ray._private.worker.print_to_stdstream = lambda *_, **__: None
    ray.init(address=address, **quiet)


def _in_words(address: str, error: Exception) -> UsageError:
    text = str(error)
    versions = re.search(
        r"Ray: (\S+)\s+Python: (\S+)\s+This process .*?Ray: (\S+)\s+Python: (\S+)", text, re.DOTALL
    )
    if versions:
        theirs, here = versions.group(1, 2), versions.group(3, 4)
        return UsageError(
            f"{address}: the cluster has Ray {theirs[0]} with Python {theirs[1]}, this machine Ray {here[0]} "
            f"with Python {here[1]}",
            "install the same on both",
        )
    if address == "auto" and isinstance(error, ConnectionError):
        return UsageError(
            "--cluster auto: no Ray cluster runs on this machine",
            "ray start --head starts one; --cluster local makes one for this command alone",
        )
    first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
    return UsageError(f"{address}: Ray does not connect: {first}", "docs/cluster.md has what to look at")
