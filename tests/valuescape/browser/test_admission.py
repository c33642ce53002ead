"""Token and cookie, Host and Origin: those who are not to get in, over real sockets."""

import json

import pytest
from pages import cookie_of, raw, refusal, request, websocket

from valuescape.browser import admission
from valuescape.browser.server import Server
from valuescape.browser.site import page_site

NOISE = "X" * 32


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
