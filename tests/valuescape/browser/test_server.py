"""The server of a page against those who are not to get in, over real sockets."""

import contextlib
import json
import socket
import threading
import time

import pytest
from pages import Page, cookie_of, raw, request
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from valuescape.browser import limits, server
from valuescape.browser.address import address_of, open_server, told_of
from valuescape.browser.browsing import Browsing
from valuescape.browser.server import Server
from valuescape.browser.site import page_site, report_site
from valuescape.render.displays.streaming.audience import Audience
from valuescape.sim.errors import UsageError

NOISE = "X" * 32


@pytest.fixture
def audience():
    with Audience((64, 36)) as audience:
        yield audience


@pytest.fixture
def served(audience):
    with Server(page_site(), audience, "127.0.0.1", 0) as running:
        yield running


def host(served, name="127.0.0.1"):
    return f"{name}:{served.port}"


def websocket(served, *, origin="http://{}", name="127.0.0.1", cookie=None, path="/messages"):
    """Open a WebSocket as a browser would, with another Origin, Host, cookie or path."""
    headers = {"Cookie": cookie_of(served) if cookie is None else cookie}
    raw_link = socket.create_connection(("127.0.0.1", served.port), timeout=5)
    return connect(
        f"ws://{host(served, name)}{path}",
        sock=raw_link,
        origin=None if origin is None else origin.format(host(served, name)),
        additional_headers=headers,
        open_timeout=5,
        compression=None,
    )


def refusal(served, **how):
    """Return the status that a WebSocket is refused with."""
    with pytest.raises(InvalidStatus) as refused:
        websocket(served, **how)
    return refused.value.response.status_code


# --- The token and the cookie ---


def test_the_token_gets_a_cookie_once_and_leaves_the_address(served):
    status, headers, _ = request(served, f"/?token={served.admission.token}")
    assert (status, headers["Location"]) == (303, "/")
    cookie, *attributes = headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
    assert served.admission.token not in cookie
    assert len(served.admission.token) == 32, "24 random bytes"
    status, _, body = request(served, "/", Cookie=cookie)
    assert status == 200
    assert body.lower().startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?token=",
        f"/?token={NOISE}",
        "/?token={t}x",
        "/?token={half}",
        "/?Token={t}",
        "/?token={t}&token=x",
        "/?" + "a&" * 400 + "token={t}",
        "/#token={t}",
    ],
)
def test_without_the_token_there_is_nothing(served, path):
    token = served.admission.token
    status, headers, body = request(served, path.format(t=token, half=token[:16]))
    assert status == 403
    assert "Set-Cookie" not in headers
    assert token not in body.decode()


@pytest.mark.parametrize(
    "cookie", ["", "{n}=", f"{{n}}={NOISE}", "{n}={t}", "x={c}", "{n}={c}x", "={c}", "{n}"]
)
def test_another_cookie_is_none(served, cookie):
    admission = served.admission
    said = cookie.format(n=admission.cookie_name, t=admission.token, c=admission.cookie)
    assert request(served, "/", Cookie=said)[0] == 403
    assert refusal(served, cookie=said) == 403


def test_the_cookie_is_found_among_others_of_this_name(served):
    admission = served.admission
    said = f"a=b; {admission.cookie_name}=of-a-run-before; {admission.cookie_name}={admission.cookie}"
    assert request(served, "/", Cookie=said)[0] == 200


def test_secrets_are_compared_in_a_time_that_says_nothing(served, monkeypatch):
    compared = []
    from valuescape.browser import admission

    original = admission.hmac.compare_digest
    monkeypatch.setattr(
        admission.hmac, "compare_digest", lambda *each: compared.append(each) or original(*each)
    )
    request(served, f"/?token={NOISE}", Cookie=f"{served.admission.cookie_name}={NOISE}")
    assert [each[1] for each in compared] == [
        served.admission.token.encode(),
        served.admission.cookie.encode(),
    ]


def test_two_runs_have_other_secrets_and_say_none_of_them():
    with Server(page_site(), None, "127.0.0.1", 0) as one, Server(page_site(), None, "127.0.0.1", 0) as other:
        assert one.admission.token != other.admission.token
        assert one.admission.cookie_name != other.admission.cookie_name, "browsers mix ports"
        assert one.admission.token not in repr(one.admission)
        assert request(other, f"/?token={one.admission.token}")[0] == 403


def test_a_browser_that_comes_from_another_site_is_led_on_by_the_page(served):
    """A redirect would not carry the cookie: it is for requests from this site alone."""
    address = f"/?token={served.admission.token}"
    status, headers, _ = request(served, address, Sec_Fetch_Site="cross-site")
    assert (status, headers["Refresh"]) == (200, "0; url=/")
    assert headers["Set-Cookie"]


# --- Host and Origin ---


@pytest.mark.parametrize(
    "name",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "0.0.0.0",
        "[::2]",
        "127.0.0.1@evil.example",
        "localhost:80:80",
        "",
        "127.0.0.1/x",
    ],
)
def test_a_name_that_leads_here_from_elsewhere_is_refused(served, name):
    """DNS rebinding: the page of evil.example, whose name was moved to 127.0.0.1, asks with its own name."""
    cookie = cookie_of(served)
    assert request(served, "/", Host=name, Cookie=cookie)[0] == 421
    assert request(served, f"/?token={served.admission.token}", Host=name)[0] == 421


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost:1", "[::1]:8080", "127.0.0.1:65535"])
def test_own_names_are_right_whatever_the_port(served, name):
    """A tunnel may have another port."""
    assert request(served, "/", Host=name, Cookie=cookie_of(served))[0] == 200


def test_a_request_with_two_hosts_or_none_is_refused(served):
    cookie = cookie_of(served)
    for hosts in "", "Host: 127.0.0.1\r\nHost: evil.example\r\n":
        answer = raw(served, f"GET / HTTP/1.1\r\n{hosts}Cookie: {cookie}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost:{p}",
        "https://evil.example:{p}",
        "file://",
        "ftp://127.0.0.1:{p}",
        "",
    ],
)
def test_a_page_of_another_site_opens_no_websocket_with_our_cookie(served, origin):
    said = origin.replace("{p}", str(served.port))
    assert refusal(served, origin=said) == 403
    assert request(served, "/", Origin=said, Cookie=cookie_of(served))[0] == 403


def test_a_websocket_needs_an_origin(served):
    assert refusal(served, origin=None) == 403


def test_with_all_of_it_a_websocket_opens(served, audience):
    for name in "127.0.0.1", "localhost":
        with websocket(served, name=name) as link:
            assert json.loads(link.recv(timeout=5))["type"] == "role"


# --- Paths and methods ---


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


# --- What a page may send ---


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
        ended = 0
        for link in silent:
            link.settimeout(0.5)
            try:
                ended += link.recv(1) == b""
            except ConnectionResetError:
                ended += 1
            except TimeoutError:
                pass
        assert ended == 2
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


# --- A page that does not read ---


def test_a_page_that_never_reads_costs_no_one_anything(served, audience, monkeypatch):
    """Its socket is full, its frames are not made, and after a while it is let go."""
    import numpy as np

    from valuescape.render.displays.streaming import audience as module

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
        monkeypatch.setattr(module, "GONE_S", 0.5)
        end = time.monotonic() + 10
        while audience.viewers == 2:
            assert time.monotonic() < end
            time.sleep(0.05)
    deaf.close()


# --- Where it listens ---


def test_a_port_that_is_taken_is_a_sentence_and_none_or_zero_finds_another(served):
    with pytest.raises(UsageError, match=f"--port {served.port} is taken by another program"):
        open_server(page_site(), None, Browsing(port=served.port))
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr("valuescape.browser.address.PORT", other.getsockname()[1])
        with open_server(page_site(), None, Browsing()) as found:
            assert found.port not in (0, other.getsockname()[1])
    with open_server(page_site(), None, Browsing(port=0)) as found:
        assert found.port > 0
    socket.create_server(("127.0.0.1", found.port)).close()  # it is let go


def test_it_listens_on_this_machine_alone_unless_it_is_told_otherwise_twice(served):
    assert served._socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(UsageError, match=r"--host 192\.0\.2\.7 lets other machines in"):
        Browsing(host="192.0.2.7")
    with pytest.raises(UsageError, match="--allow-remote needs --host"):
        Browsing(allow_remote=True)
    with pytest.raises(UsageError, match="cannot listen at"):
        open_server(page_site(), None, Browsing(host="192.0.2.7", allow_remote=True))


def test_what_lets_others_in_is_said_to_do_so_and_has_its_own_names():
    with open_server(page_site(), None, Browsing(0, "0.0.0.0", allow_remote=True)) as wide:
        assert any(line.startswith("warning: nothing is encrypted") for line in told_of(wide))
        cookie = cookie_of(wide)
        for name, status in ("192.0.2.7:99", 200), (socket.gethostname(), 200), ("evil.example", 421):
            assert request(wide, "/", Host=name, Cookie=cookie)[0] == status


def test_the_lines_that_are_printed_lead_there(served):
    address, tunnel = told_of(served)
    assert address.endswith(address_of(served))
    assert f"-L {served.port}:127.0.0.1:{served.port} " in tunnel


# --- Reports ---


def test_a_report_is_served_with_the_files_beside_it_and_no_others(tmp_path):
    (tmp_path / "report.html").write_text("<!doctype html><style>p { color: red; }</style><p>hi", "utf-8")
    for name in "value.png", "notes.txt", "secret.png":
        (tmp_path / name).write_bytes(name.encode())
    site = report_site(tmp_path / "report.html", [tmp_path / "value.png", tmp_path / "notes.txt"])
    assert set(site) == {"/", "/value.png"}
    with Server(site, None, "127.0.0.1", 0) as running:
        cookie = cookie_of(running)
        status, headers, body = request(running, "/", Cookie=cookie)
        assert (status, body) == (200, (tmp_path / "report.html").read_bytes())
        assert "style-src 'self' 'sha256-" in headers["Content-Security-Policy"]
        assert request(running, "/value.png", Cookie=cookie)[2] == b"value.png"
        assert request(running, "/secret.png", Cookie=cookie)[0] == 404
        assert refusal(running, cookie=cookie) == 404, "it has no messages"
