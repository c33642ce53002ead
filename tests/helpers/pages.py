"""Browsers without a browser: clients of the server of a page, and sockets that speak to it byte by byte."""

import http.client
import json
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


def request(server, path="/", method="GET", **headers):
    """Return (status, headers, body) of a request; underscores in names of headers stand for dashes."""
    link = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        link.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        link.close()


def cookie_of(server):
    """Return the cookie that the token gets."""
    _, headers, _ = request(server, f"/?token={server.admission.token}")
    return headers["Set-Cookie"].split(";")[0]


def cookie_at(address):
    """Return (host with its port, cookie) of an address that was printed."""
    parts = urlsplit(address)
    link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    link.request("GET", f"/?{parts.query}")
    answer = link.getresponse()
    answer.read()
    link.close()
    return parts.netloc, answer.headers["Set-Cookie"].split(";")[0]


def host(server, name="127.0.0.1"):
    """Return a name of this machine with the port of a server."""
    return f"{name}:{server.port}"


def websocket(server, *, origin="http://{}", name="127.0.0.1", cookie=None, path="/messages"):
    """Open a WebSocket as a browser would, with another Origin, Host, cookie or path."""
    headers = {"Cookie": cookie_of(server) if cookie is None else cookie}
    raw_link = socket.create_connection(("127.0.0.1", server.port), timeout=5)
    return connect(
        f"ws://{host(server, name)}{path}",
        sock=raw_link,
        origin=None if origin is None else origin.format(host(server, name)),
        additional_headers=headers,
        open_timeout=5,
        compression=None,
    )


def refusal(server, **how):
    """Return the status that a WebSocket is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        websocket(server, **how)
    return refused.value.response.status_code


def touched(name, value, number=1):
    """Return the message of a widget of the panel that was given a value."""
    return {"type": "widget", "name": name, "value": value, "held": False, "number": number}


def unpack(data):
    """Return a message and its bytes, as the page reads them."""
    if isinstance(data, str):
        return json.loads(data), None
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length]), data[4 + length :]


class Page:
    """A page that answers every frame, in a thread; a context manager.

    host, cookie: as `cookie_at` returns them. answers: whether frames are answered.
    """

    def __init__(self, host, cookie, *, size=(640, 360), ratio=1, answers=True, accepts=None):
        self.got = []  # (when, message, bytes)
        self.answers = answers
        self._news = threading.Condition()
        self._owned = ExitStack()
        link = connect(
            f"ws://{host}/messages",
            origin=f"http://{host}",
            additional_headers={"Cookie": cookie},
            max_size=None,
            compression=None,
        )
        self.socket = self._owned.enter_context(link)
        self.closed = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if accepts:
            self.send({"type": "accepts", **accepts})
        self.send({"type": "size", "width": size[0], "height": size[1], "ratio": ratio})
        self.send({"type": "watching", "on": True})

    def send(self, message):
        self.socket.send(json.dumps(message))

    def _listen(self):
        try:
            for data in self.socket:
                message, more = unpack(data)
                if message["type"] == "frame" and self.answers:
                    with suppress(ConnectionClosed):  # what came before the end is read all the same
                        self.send({"type": "shown", "frame": message["number"]})
                with self._news:
                    self.got.append((time.perf_counter(), message, more))
                    self._news.notify_all()
        except ConnectionClosed:
            pass
        with self._news:
            self.closed = self.socket.close_code
            self._news.notify_all()

    def of(self, kind):
        """Return the messages of a type so far."""
        return [(message, more) for _, message, more in self.got if message["type"] == kind]

    def wait_for(self, kind, ready=lambda message: True, seconds=20):
        """Return the newest message of a type that is as wanted, and its bytes; waits for it."""
        end = time.monotonic() + seconds
        with self._news:
            while True:
                found = [each for each in self.of(kind) if ready(each[0])]
                if found:
                    return found[-1]
                assert time.monotonic() < end, f"no {kind}; closed: {self.closed}"
                assert self.closed is None, f"closed with {self.closed} before a {kind} came"
                self._news.wait(0.2)

    def close(self):
        self._owned.close()
        self._thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def raw(server, text, seconds=5):
    """Send bytes to a server, and return what it answers until it closes, or the time is over."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as link:
        link.sendall(text)
        parts = []
        try:
            while data := link.recv(65536):
                parts.append(data)
        except TimeoutError:
            pass
    return b"".join(parts)
