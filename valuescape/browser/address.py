"""Where a browser finds a server: the port, the address with the token, and the way through a tunnel."""

import contextlib
import getpass
import os
import socket
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from valuescape import remarks
from valuescape.browser.admission import is_loopback
from valuescape.browser.browsing import Browsing
from valuescape.browser.server import Server
from valuescape.browser.site import Site
from valuescape.render.displays.streaming.audience import Audience
from valuescape.sim.errors import UsageError

PORT = 8765
"""The port if none is asked for and it is free; else any free one."""


def open_server(site: Site, audience: Audience | None, browsing: Browsing) -> Server:
    """Return a server that listens as the options say. Raises UsageError if it cannot."""
    host = browsing.host or "127.0.0.1"
    if browsing.port is not None:
        return Server(site, audience, host, browsing.port)
    try:
        return Server(site, audience, host, PORT)
    except UsageError:
        server = Server(site, audience, host, 0)
        remarks.tell(
            [f"port {PORT} is taken, so this is port {server.port}; a tunnel to {PORT} leads elsewhere"]
        )
        return server


def address_of(server: Server) -> str:
    """Return the address with the token, which lets in whoever has it."""
    host = server.host
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    return f"http://{name}:{server.port}/?token={server.admission.token}"


def told_of(server: Server) -> list[str]:
    """Return the lines that say where the page is, and how to get there from another machine."""
    if not is_loopback(server.host):
        return [
            f"open in a browser: {address_of(server)}",
            f"warning: nothing is encrypted: whoever reads what goes to {server.host} can control this run",
        ]
    port, user = server.port, getpass.getuser()
    tunnel = f"ssh -N -L {port}:{_target(server.host)}:{port} {user}@{_machine()}"
    return [f"open in a browser: {address_of(server)}", f"from another machine, first: {tunnel}"]


def _target(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _machine() -> str:
    """Return the name or address by which this machine was reached through ssh, else its own name."""
    parts = os.environ.get("SSH_CONNECTION", "").split()
    return parts[2] if len(parts) == 4 else socket.gethostname()


@contextlib.contextmanager
def opened(server: Server) -> Iterator[bool]:
    """Open a browser here; gives whether there is one. Inside, the file that leads it to the page is there.

    The token is in a file that only this user can read, not on a command line that others see.
    """
    with TemporaryDirectory(prefix="valuescape-") as folder:
        file = Path(folder) / "open.html"
        file.touch(mode=0o600)
        file.write_text(
            f'<!doctype html><meta http-equiv="refresh" content="0; url={address_of(server)}">', "utf-8"
        )
        yield webbrowser.open(file.as_uri())
