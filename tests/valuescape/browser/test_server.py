"""What the server of a page answers, what a page may send, and pages that do not read, over real sockets."""

import contextlib
import json
import select
import socket
import threading
import time

import numpy as np
import pytest
from pages import Page, cookie_of, host, raw, request, websocket
from websockets.exceptions import ConnectionClosed

from valuescape.browser import limits, server
from valuescape.browser.server import Server
from valuescape.browser.site import page_site
from valuescape.render.displays.streaming import audience as audiences


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/%2e%2e/server.py",
        "/static/index.html",
        "/index.html",
        "//etc/passwd",
        "/etc/passwd",
        "/..%2f..%2fREADME.md",
        "/app.js/..",
        "/messages/x",
        "/%00",
        "/app.js%00",
        "*",
        "http://127.0.0.1/",
    ],
)
def test_no_path_but_those_of_the_page_is_answered(served, path):
    assert request(served, path, Cookie=cookie_of(served))[0] == 404


def test_every_file_of_the_page_is_there_and_nothing_else_of_the_package(served):
    cookie = cookie_of(served)
    for path, file in page_site().items():
        status, headers, body = request(served, path, Cookie=cookie)
        assert (status, headers["Content-Type"], body) == (200, file.media_type, file.content)
        assert request(served, path)[0] == 403, "not without the cookie"
    assert not any(path.endswith(".py") for path in page_site())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_other_methods_are_refused(served, method):
    assert request(served, "/", method, Cookie=cookie_of(served))[0] == 405


def test_every_answer_says_what_a_browser_may_do_with_it(served):
    token = f"/?token={served.admission.token}"
    for path, said in (
        ("/", {"Cookie": cookie_of(served)}),
        ("/", {}),
        (token, {}),
        ("/x", {"Host": "evil"}),
    ):
        _, headers, _ = request(served, path, **said)
        policy = headers["Content-Security-Policy"]
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Server" not in headers
        assert "Access-Control-Allow-Origin" not in headers


def closed_with(link):
    """Return the code that the other side closes with."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            link.recv(timeout=10)
    return link.close_code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("x" * (limits.LONGEST_MESSAGE + 1), 1009),
        ("no JSON", 1007),
        ("null", 1007),
        (b"\0\0", 1007),
        ("[" * 60_000, 1007),
        ("9" * 5000, 1007),
    ],
)
def test_what_is_too_long_or_no_json_ends_the_connection(served, message, code):
    with websocket(served) as link:
        link.send(message)
        assert closed_with(link) == code


def test_too_many_messages_end_the_connection_and_a_quick_hand_does_not(served, audience):
    with websocket(served) as link:
        for number in range(400):
            link.send(json.dumps({"type": "events", "number": number, "events": [["move", 0.5, 0.5]]}))
        assert link.ping().wait(5), "all of them were read"
        assert link.close_code is None
        assert audience.take_events()
        with contextlib.suppress(ConnectionClosed):
            for _ in range(5000):
                link.send('{"type": "watching", "on": true}')
        assert closed_with(link) == 1008


def test_the_last_word_of_a_run_arrives_behind_what_waits(audience):
    """More waits than the system's buffers hold, so that the page has to read some of it first."""
    with Server(page_site(), audience, "127.0.0.1", 0) as served, websocket(served) as link:
        assert json.loads(link.recv(timeout=5))["type"] == "role"
        for number in range(20):
            audience.tell_viewer(1, {"type": "picture", "number": number}, bytes(900_000))
        audience.tell({"type": "ended", "said": ""})
        closing = threading.Thread(target=served.close)
        closing.start()
        got = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                got.append(link.recv(timeout=5))
        closing.join()
    assert isinstance(got[-1], str)
    assert json.loads(got[-1]) == {"type": "ended", "said": ""}


def test_what_is_none_of_the_vocabulary_changes_nothing(served, audience):
    with websocket(served) as link:
        for said in (
            "3",
            "[]",
            '{"type": "frame"}',
            '{"type": ["events"]}',
            '{"type": "size", "width": 1e999}',
        ):
            link.send(said)
        link.send(json.dumps({"type": "size", "width": 80, "height": 40, "ratio": 1}))
        end = time.monotonic() + 5
        while audience.size_px != (80, 40):
            assert time.monotonic() < end
            time.sleep(0.01)


def test_there_are_no_more_viewers_than_there_may_be(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_VIEWERS", 2)
    with websocket(served) as one, websocket(served) as two:
        for link in one, two:
            link.recv(timeout=5)
        with websocket(served) as third:
            assert closed_with(third) == 1013
    with websocket(served) as another:
        assert json.loads(another.recv(timeout=5))["type"] == "role"


def test_connections_that_say_nothing_are_counted_and_ended(served, monkeypatch):
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 4)
    silent = [socket.create_connection(("127.0.0.1", served.port), timeout=5) for _ in range(6)]
    try:
        for _ in range(50):  # those that are ended can be read; the others get 10 s to say something
            ended = select.select(silent, [], [], 0.1)[0]
            if len(ended) >= 2:
                break
        time.sleep(0.2)
        assert len(select.select(silent, [], [], 0)[0]) == 2
        for link in ended:
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""
    finally:
        for link in silent:
            link.close()


@pytest.mark.parametrize(
    "text",
    [
        b"\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"\x16\x03\x01\x02\0",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"G" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_request_ends_in_silence(served, capfd, text):
    answer = raw(served, text, seconds=0.5)
    assert b"200" not in answer[:20]
    assert capfd.readouterr().err == ""
    assert request(served, "/")[0] == 403, "and others are served"


def test_a_page_that_never_reads_costs_no_one_anything(served, audience, monkeypatch):
    """Its socket is full, its frames are not made, and after a while it is let go."""
    cookie = cookie_of(served)
    deaf = socket.create_connection(("127.0.0.1", served.port), timeout=5)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(
        f"GET /messages HTTP/1.1\r\nHost: {host(served)}\r\nOrigin: http://{host(served)}\r\n"
        f"Cookie: {cookie}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    text = b'{"type": "watching", "on": true}'
    deaf.sendall(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
    with Page(host(served), cookie) as page:
        page.wait_for("role")
        noise = np.random.default_rng(0)
        took = []
        for _ in range(40):
            audience.tell({"type": "copy", "text": "x" * 2000})  # nor do messages pile up
            began = time.perf_counter()
            audience.show(noise.integers(0, 256, (360, 640, 3), np.uint8))
            took.append(time.perf_counter() - began)
            time.sleep(0.02)
        assert len(page.of("frame")) >= 20
        assert max(took) < 0.1
        assert audience.viewers == 2
        monkeypatch.setattr(audiences, "GONE_S", 0.5)
        end = time.monotonic() + 10
        while audience.viewers == 2:
            assert time.monotonic() < end
            time.sleep(0.05)
    deaf.close()
