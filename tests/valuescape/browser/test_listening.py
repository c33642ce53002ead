"""Where a server listens, what is printed of it, and the report that it may have instead of a run."""

import socket

import pytest
from pages import cookie_of, refusal, request

from valuescape.browser.address import address_of, open_server, told_of
from valuescape.browser.browsing import Browsing
from valuescape.browser.server import Server
from valuescape.browser.site import page_site, report_site
from valuescape.sim.errors import UsageError


def test_a_port_that_is_taken_is_a_sentence_and_none_or_zero_finds_another(served, monkeypatch):
    told = []
    monkeypatch.setattr("valuescape.remarks._listeners", [told.append])
    with pytest.raises(UsageError, match=f"--port {served.port} is taken by another program"):
        open_server(page_site(), None, Browsing(port=served.port))
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr("valuescape.browser.address.PORT", other.getsockname()[1])
        with open_server(page_site(), None, Browsing()) as found:
            assert found.port not in (0, other.getsockname()[1])
            assert f"port {other.getsockname()[1]} is taken, so this is port {found.port};" in told[0]
    with open_server(page_site(), None, Browsing(port=0)) as found:
        assert found.port > 0
    socket.create_server(("127.0.0.1", found.port)).close()  # it is let go


def test_it_listens_on_this_machine_alone_unless_it_is_told_otherwise_twice(served):
    assert served._socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(UsageError, match=r"--host 192\.0\.2\.7 lets other machines in"):
        Browsing(host="192.0.2.7")
    with pytest.raises(UsageError, match="--allow-remote needs --host"):
        Browsing(allow_remote=True)
    refused = r"^--host 192\.0\.2\.7: cannot listen there: [\w' ]+\n  name an address of this machine$"
    with pytest.raises(UsageError, match=refused):
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
