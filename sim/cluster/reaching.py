"""Whether a cluster can be reached, and the sentences for one that cannot."""

import importlib
import os
import re
import socket
import threading

from valuescape.sim.errors import UsageError

LOCAL, AUTO = "local", "auto"

_CLIENT = "ray://"

SETTING = "workers.cluster"

INSTALL = "pip install 'valuescape[ray]'"

_ADDRESS = re.compile(r"(?P<client>ray://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]]+):(?P<port>\d{1,5})")
_EXPECTED = 'expected "auto", "local", "ray://HOST:PORT" or "HOST:PORT"'

_REACH_S = 5.0
"""The longest that a connection to a cluster's port may take."""

_HEAD_S = 10.0
"""The longest that the head of a cluster may take to answer."""


def require_address(cluster: str) -> None:
    """Raise UsageError unless `cluster` is a value of `workers.cluster` that names a cluster; asks none."""
    match = _ADDRESS.fullmatch(cluster)
    if cluster in (LOCAL, AUTO) or (match and 0 < int(match["port"]) < 2**16):
        return
    raise UsageError(f"{SETTING} = {cluster!r}: {_EXPECTED}")


def require_reachable(cluster: str) -> None:
    """Raise UsageError, in seconds, if no cluster is where `cluster` says: Ray itself tries for minutes."""
    _require_port(cluster)
    _require_head(cluster)


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


def _require_head(cluster: str) -> None:
    """Raise UsageError, soon, unless the head answers that this machine should be a node of.

    Ray itself waits for minutes for one that is gone, or for something else that listens there. Of the server
    of clients only the token is asked for here: Ray's client gives up sooner.
    """
    if cluster == LOCAL:
        return
    said = _asked_in_time(cluster)
    if _wants_token(said) and _use_own_token():
        said = _asked_in_time(cluster)
    where = f"{SETTING} = {cluster!r}"
    if not said and not cluster.startswith(_CLIENT):
        raise UsageError(
            f"{where}: what listens there does not answer as the head of a Ray cluster within {_HEAD_S:g} s",
            "use the address that `ray start --head` printed; `ray stop` forgets a head that is gone",
        )
    if _wants_token(said):
        raise UsageError(
            f"{where}: the cluster wants its token, and this process has none or another",
            "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to what `ray get-auth-token` prints on the head",
        )


def _asked_in_time(cluster: str) -> list[Exception | None]:
    """Return the answer of `_ask_head`; nothing if it does not come in time."""
    said: list[Exception | None] = []
    asking = threading.Thread(target=lambda: said.append(_ask_head(cluster)), daemon=True)
    asking.start()  # a thread, for the call cannot be given up
    asking.join(_HEAD_S)
    return said


def _wants_token(said: list[Exception | None]) -> bool:
    """Return whether an answer is an error for want of the token: Ray's own, or one of gRPC."""
    error = said[0] if said else None
    code = getattr(error, "code", None)
    by_grpc = callable(code) and getattr(code(), "name", "") == "UNAUTHENTICATED"
    return by_grpc or type(error).__name__ == "AuthenticationError"


def _use_own_token() -> bool:
    """Have Ray send this user's token, if there is one and RAY_AUTH_MODE is unset; return whether it will.

    `ray start` does so by itself: its cluster asks for the token as soon as the user has one, which the first
    cluster of `workers.cluster = "local"` sees to.
    """
    if os.environ.get("RAY_AUTH_MODE"):
        return False
    try:
        inner = importlib.import_module("ray._raylet")
        setup = importlib.import_module("ray._private.authentication.authentication_token_setup")
        if not inner.AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True):
            return False
        setup._enable_token_auth()
    except (ImportError, AttributeError, TypeError):  # another version's names: the message says what to do
        return False
    return True


def _ask_head(cluster: str) -> Exception | None:
    """Return what the head of a cluster raises when it is asked for a sign of life; None if it gives one."""
    try:
        if cluster.startswith(_CLIENT):
            _ping_server_of_clients(cluster.removeprefix(_CLIENT))
            return None
        inner, services = (
            importlib.import_module(f"ray.{each}") for each in ("_raylet", "_private.services")
        )
        address = services.canonicalize_bootstrap_address(cluster)
        if address:  # none: `ray.init` will say that there is no cluster
            inner.GcsClient(address=address).check_alive([], timeout=_HEAD_S)
    except Exception as error:
        return error
    return None


def _ping_server_of_clients(address: str) -> None:
    """Ask Ray's server of clients for a sign of life, as its client does. Raises ImportError without one."""
    messages, services, channels = (
        importlib.import_module(f"ray.{each}")
        for each in (
            "core.generated.ray_client_pb2",
            "core.generated.ray_client_pb2_grpc",
            "_private.grpc_utils",
        )
    )
    asked = messages.ClusterInfoRequest(type=messages.ClusterInfoType.PING)
    with channels.init_grpc_channel(address) as channel:
        services.RayletDriverStub(channel).ClusterInfo(asked, timeout=_HEAD_S)


_VERSIONS = re.compile(
    r"started with:\s+Ray: (\S+)\s+Python: (\S+).*started with:\s+Ray: (\S+)\s+Python: (\S+)", re.DOTALL
)
"""The versions of the cluster and of this process in Ray's message."""


def refused(cluster: str, error: Exception) -> UsageError:
    """Return what is to be said of a cluster that Ray could not connect to."""
    if match := _VERSIONS.search(str(error)):
        there, here = (f"Ray {match[at]} and Python {match[at + 1]}" for at in (1, 3))
        said = f"{SETTING} = {cluster!r}: the cluster has {there}, this process {here}"
        return UsageError(said, "install the same versions here and there")
    if cluster == AUTO and isinstance(error, ConnectionError):
        said = f"{SETTING} = 'auto': no Ray cluster runs on this machine"
        return UsageError(said, "start one with: ray start --head; or take workers.cluster = 'local'")
    text = " ".join(str(error).split())
    if "ray[client]" in text:
        said = f"{SETTING} = {cluster!r}: Ray is installed without its client"
        return UsageError(said, INSTALL)
    if cluster.startswith(_CLIENT) and isinstance(error, ConnectionError):
        said = (
            f"{SETTING} = {cluster!r}: what listens there does not answer as Ray's server of clients ({text})"
        )
        return UsageError(
            said, "its port is 10001, unless `ray start --head --ray-client-server-port` says else"
        )
    return UsageError(f"{SETTING} = {cluster!r}: {type(error).__name__}: {text}")
