"""Decides which requests are answered: by name of the machine, origin, token and cookie."""

import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from urllib.parse import parse_qs

TOKEN_BYTES = 24

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
"""A machine's name or address in a Host header, and its port."""

_LONGEST_QUERY = 1000


class Headers(Protocol):
    """The headers of a request."""

    def get_all(self, key: str) -> Sequence[str]:
        """Return the values of a header, whatever case its name is written in."""


class Answer(Enum):
    """What is done with a request."""

    REFUSE_HOST = "refuse host"  # it names another machine
    REFUSE_ORIGIN = "refuse origin"  # a page of another site made it
    REFUSE = "refuse"  # it has neither token nor cookie
    LET_IN = "let in"  # it has the token, and gets the cookie
    SERVE = "serve"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names by which this server may be asked for, whatever the port.

    A browser sends the name in the address, so that a name of someone else's domain that leads here (DNS
    rebinding) is noticed. Ports are not compared, for a tunnel may have another one. names: in lower case.
    any_address: whether every IP address is right, which nobody can redirect.
    """

    names: frozenset[str]
    any_address: bool

    def admit(self, host: str) -> bool:
        """Whether a Host header names this server."""
        found = _HOST.fullmatch(host)
        if not found:
            return False
        name = found[1].lower()
        return name in self.names or (self.any_address and _is_address(name))


def hosts_of(host: str) -> Hosts:
    """Return the names of a server that listens at `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        names = _LOOPBACK | {socket.gethostname().lower(), socket.getfqdn().lower()}
        return Hosts(frozenset(names), any_address=True)
    name = f"[{host}]" if ":" in host else host
    return Hosts(_LOOPBACK | {name.lower()}, any_address=False)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server at `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _secret() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Admission:
    """Looks at requests. token: in the address that is printed. cookie: what a browser gets for it.

    The cookie has another value than the token, and a name of its own for each machine and port, for browsers
    do not keep cookies of ports apart.
    """

    hosts: Hosts
    cookie_name: str
    token: str = field(default_factory=_secret, repr=False)
    cookie: str = field(default_factory=_secret, repr=False)

    def look(self, path: str, headers: Headers, *, upgrades: bool) -> Answer:
        """Return what is to be done with a request. upgrades: whether it asks for a WebSocket.

        A WebSocket needs an Origin, which browsers always send, for they let any page open one; other
        requests may have none.
        """
        hosts = headers.get_all("Host")
        if len(hosts) != 1 or not self.hosts.admit(hosts[0]):
            return Answer.REFUSE_HOST
        if not self._is_origin_ours(headers.get_all("Origin"), hosts[0], needed=upgrades):
            return Answer.REFUSE_ORIGIN
        if not upgrades and self._has_token(path):
            return Answer.LET_IN
        return Answer.SERVE if self._has_cookie(headers.get_all("Cookie")) else Answer.REFUSE

    def set_cookie(self) -> str:
        """Return the header that gives the cookie: scripts cannot read it, and other sites not send it."""
        return f"{self.cookie_name}={self.cookie}; HttpOnly; SameSite=Strict; Path=/"

    @staticmethod
    def _is_origin_ours(origins: Sequence[str], host: str, *, needed: bool) -> bool:
        if not origins:
            return not needed
        return len(origins) == 1 and origins[0].lower() in (
            f"http://{host.lower()}",
            f"https://{host.lower()}",
        )

    def _has_token(self, path: str) -> bool:
        query = path.partition("?")[2]
        if len(query) > _LONGEST_QUERY:
            return False
        given = parse_qs(query, max_num_fields=10).get("token", []) if query.count("&") < 10 else []
        return len(given) == 1 and _same(given[0], self.token)

    def _has_cookie(self, cookies: Sequence[str]) -> bool:
        """Whether one of the cookies is ours; all are compared, so that the time says nothing."""
        pairs = [each.strip().partition("=") for line in cookies for each in line.split(";")]
        values = [value for name, _, value in pairs if name == self.cookie_name]
        return sum(_same(value, self.cookie) for value in values) > 0


def admission_at(host: str, port: int) -> Admission:
    """Return the admission to a server, with a new token and a new cookie."""
    machine = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    return Admission(hosts_of(host), f"valuescape-{machine}-{port}")


def _same(given: str, secret: str) -> bool:
    """Compare in a time that does not depend on where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
