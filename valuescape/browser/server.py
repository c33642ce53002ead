"""The server of a page: its files and its messages, in a thread of its own, on one port."""

import asyncio
import contextlib
import errno
import json
import logging
import socket
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from valuescape import remarks
from valuescape.browser.admission import Admission, Answer, admission_at
from valuescape.browser.limits import LONGEST_MESSAGE, MOST_CONNECTIONS, MOST_VIEWERS, Rate
from valuescape.browser.outbox import Outbox
from valuescape.browser.site import File, Site
from valuescape.render.displays.streaming.audience import Audience
from valuescape.sim.errors import UsageError

MESSAGES_PATH = "/messages"
"""The path of the WebSocket."""

_OPEN_S, _CLOSE_S = 10.0, 2.0
"""Seconds for a request to arrive, and for a page to answer that the connection ends."""

_PING_S = 10.0
_LOOK_S = 2.0
"""Seconds between two looks for pages that have stopped reading."""

_JOIN_S, _LAST_S = 5.0, 0.5
"""Seconds for the server to stop, and of these for what pages are still to be told."""

_log = logging.getLogger("valuescape.browser")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # requests that make no sense are not the user's concern


class _Connection(ServerConnection):
    """A connection that is refused at once if there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.server.handler_tasks) > MOST_CONNECTIONS:
            self.transport.abort()


class Server:
    """Serves a site, and an audience if there is one; a context manager.

    Everything but the site's files and the audience's messages is refused, and so is whoever has not got the
    token: see `Admission`. site: lent. audience: lent; its pages leave when the server ends. host, port:
    where it listens; 0 is any free port. Raises UsageError if it cannot listen there.
    """

    def __init__(self, site: Site, audience: Audience | None, host: str, port: int) -> None:
        self._site, self._audience = site, audience
        self._socket = _listening(host, port)
        self.host, self.port = host, self._socket.getsockname()[1]
        self.admission: Admission = admission_at(host, self.port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._outboxes: set[Outbox] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="valuescape-server", daemon=True)
        self._thread.start()
        self._started.wait()

    def close(self) -> None:
        """Tell pages that it ends, and stop; a second call does nothing."""
        if self._loop and self._end:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(_JOIN_S)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # --- In its own thread ---

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = serve(
            self._talk,
            sock=self._socket,
            process_request=self._answer,
            server_header=None,
            compression=None,  # pictures are compressed already
            create_connection=_Connection,
            max_size=LONGEST_MESSAGE,
            open_timeout=_OPEN_S,
            close_timeout=_CLOSE_S,
            ping_interval=_PING_S,
            ping_timeout=_PING_S,
            logger=_log,
        )
        async with server as running:
            self._started.set()
            while not self._end.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._end.wait(), _LOOK_S)
                for connection in self._silent(running.connections):
                    connection.transport.abort()
            await self._send_the_last()

    async def _send_the_last(self) -> None:
        """Let what waits be sent, for at most _LAST_S: that the run has ended is behind a picture, maybe."""
        end = asyncio.get_running_loop().time() + _LAST_S
        while any(each.busy for each in self._outboxes) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.01)

    def _silent(self, connections: set[ServerConnection]) -> list[ServerConnection]:
        """Return the connections of pages that owe answers for too long."""
        silent = self._audience.silent() if self._audience else []
        return [each for each in connections if getattr(each, "viewer", None) in silent]

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the answer to a request; None to open a WebSocket."""
        if getattr(request, "method", "GET") != "GET":
            return _said(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered.", {"Allow": "GET"})
        path = request.path.partition("?")[0]
        upgrades = path == MESSAGES_PATH
        match self.admission.look(request.path, request.headers, upgrades=upgrades):
            case Answer.REFUSE_HOST:
                return _said(HTTPStatus.MISDIRECTED_REQUEST, "This is not the machine that was asked for.")
            case Answer.REFUSE_ORIGIN:
                return _said(HTTPStatus.FORBIDDEN, "Pages of other sites are not answered.")
            case Answer.REFUSE:
                return _said(HTTPStatus.FORBIDDEN, _UNKNOWN)
            case Answer.LET_IN if path == "/":
                return self._let_in(request)
        if upgrades:
            return self._open(connection)
        file = self._site.get(path)
        return _served(file) if file else _said(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _let_in(self, request: Request) -> Response:
        """Give the cookie, and lead to the same page without the token in its address.

        A browser that comes from another site would not send the cookie along with a redirect: there the page
        itself leads on.
        """
        more = {"Set-Cookie": self.admission.set_cookie()}
        if request.headers.get_all("Sec-Fetch-Site") in ([], ["none"], ["same-origin"]):
            return _said(HTTPStatus.SEE_OTHER, "", {**more, "Location": "/"})
        return _said(HTTPStatus.OK, "One moment …", {**more, "Refresh": "0; url=/"})

    def _open(self, connection: ServerConnection) -> Response | None:
        if self._audience is None:
            return _said(HTTPStatus.NOT_FOUND, "There is no such page.")
        return None

    async def _talk(self, connection: ServerConnection) -> None:
        """Carry messages between a page and the audience until either ends."""
        assert self._audience
        outbox = Outbox()
        if self._audience.viewers >= MOST_VIEWERS:
            await connection.close(CloseCode.TRY_AGAIN_LATER, "too many viewers")
            return
        viewer = self._audience.join(outbox.put)
        connection.viewer = viewer  # type: ignore[attr-defined]
        self._outboxes.add(outbox)
        sending = asyncio.create_task(_send(connection, outbox))
        try:
            await self._receive(connection, viewer)
        except ConnectionClosed:
            pass
        except Exception as error:  # the run goes on, whatever a page sends
            remarks.tell([f"browser: {type(error).__name__}: {error}"])
        finally:
            self._audience.leave(viewer)
            self._outboxes.discard(outbox)
            sending.cancel()

    async def _receive(self, connection: ServerConnection, viewer: int) -> None:
        assert self._audience
        rate = Rate()
        async for message in connection:
            if not rate.allows():
                await connection.close(CloseCode.POLICY_VIOLATION, "too many messages")
                return
            try:
                content = json.loads(message) if isinstance(message, str) else None
            except (ValueError, RecursionError):
                content = None
            if content is None:
                await connection.close(CloseCode.INVALID_DATA, "expected JSON")
                return
            self._audience.receive(viewer, content)


async def _send(connection: ServerConnection, outbox: Outbox) -> None:
    """Send what waits, for as long as the connection is there."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            try:
                message = await outbox.take()
            except OverflowError:
                connection.transport.abort()
                return
            await connection.send(message)


_UNKNOWN = (
    "This page needs the token: open the whole address that the program printed, with ?token=…\n"
    "If you have opened it before, the program was started again since then."
)


def _said(status: HTTPStatus, text: str, more: Mapping[str, str] | None = None) -> Response:
    return _response(status, File(f"{text}\n".encode(), "text/plain; charset=utf-8"), more or {})


def _served(file: File) -> Response:
    return _response(HTTPStatus.OK, file, {})


def _response(status: HTTPStatus, file: File, more: Mapping[str, str]) -> Response:
    said = {**file.headers(), "Content-Length": str(len(file.content)), "Connection": "close", **more}
    return Response(status.value, status.phrase, Headers(said), file.content)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises UsageError if that is impossible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError:
        raise UsageError(f"--port {port}: expected 0 to 65535") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"--port {port} is taken by another program", "take another one, or 0 for any that is free"
            ) from None
        why = f"{error.strerror or error}".partition(" (while")[0]  # Python adds the address, which is said
        asked = f"--host {host}{f', --port {port}' * bool(port)}"
        raise UsageError(f"{asked}: cannot listen there: {why}", "name an address of this machine") from None
