"""`run`, `attach` and `analyze` with --browser, as a person starts them and as pages see them."""

import contextlib
import http.client
import io
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from pages import Page, cookie_at, touched
from PIL import Image
from typer.testing import CliRunner

from valuescape.browser.admitted import refused
from valuescape.cli.app import app
from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.render.view.changes import Preset, Request, Restart, Set
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError

SMALL = [
    *("--set", "agents.count=8", "--set", "workers.count=0", "--set", "heatmap.resolution=64"),
    *("--set", "render.turn_deg_per_s=0"),
]
VALUESCAPE = (sys.executable, "-m", "valuescape")


@contextlib.contextmanager
def started(command):
    """Start a command that serves; gives the process, the host and the cookie of its page."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        while not (found := re.search(r"http://\S+", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process, *cookie_at(found[0])
    finally:
        process.kill()
        process.communicate()


@pytest.mark.gpu
def test_a_run_is_shown_changed_and_ended(tmp_path):
    folder = tmp_path / "run"
    command = [*VALUESCAPE, "run", "demo", *SMALL, "--out", str(folder), "--browser", "--port", "0"]
    with started(command) as (process, host, cookie):
        with Page(host, cookie, size=(320, 200)) as page, Page(host, cookie) as other:
            page.wait_for("panel", seconds=60)
            page.wait_for("role", lambda said: said["controls"])
            page.wait_for("frame", lambda said: said["format"] == "image/jpeg")
            page.send(touched("request pause", True))
            page.wait_for("state", lambda said: said["paused"])
            page.got.clear()  # a picture of the start may have been still, too
            _, content = page.wait_for("frame", lambda said: said["lossless"])
            before = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
            assert before.shape == (200, 320, 3)
            drag = [["press", "left", 0.5, 0.5, False], ["move", 0.7, 0.5], ["release", "left", 0.7, 0.5]]
            page.send({"type": "events", "number": 3, "events": [["move", 0.5, 0.5], *drag]})
            _, after = page.wait_for("frame", lambda said: said["heard"] == 3)
            turned = np.asarray(Image.open(io.BytesIO(after)).convert("RGB"))
            assert np.abs(turned.astype(int) - before).mean() > 1, "the view was turned"
            other.send(touched("sim.ticks_per_s", 7))
            page.send(touched("heatmap.layer", "density"))
            page.wait_for("state", lambda said: said["layer"] == "density")
            assert page.of("state")[-1][0]["ticks_per_s"] != 7, "the other one only watches"
            page.send({"type": "picture"})
            _, content = page.wait_for("picture")
            (tmp_path / "picture.png").write_bytes(content)
            file = tmp_path / "picture.png"
            assert read_provenance(file, kind_of(file)), "it can be made again"
            for _ in range(2):
                page.send(
                    {"type": "events", "number": 4, "events": [["key", "Escape", "", True, False, False]]}
                )
            page.wait_for("cards", lambda said: "Ctrl-C in the terminal" in said.get("notice", ""))
            process.send_signal(signal.SIGINT)
            assert page.wait_for("ended")[0]["said"] == ""
            out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "point_mass" in out
        assert (folder / "run.json").is_file()
        with socket.create_server(("127.0.0.1", int(host.split(":")[1]))):
            pass  # the port is free again


@pytest.mark.gpu
def test_a_run_that_nobody_watches_ends_at_its_tick_with_its_files(tmp_path):
    picture = tmp_path / "last.png"
    command = [
        "run",
        "demo",
        *SMALL,
        "--ticks",
        "20",
        "--out",
        str(tmp_path),
        "--screenshot",
        str(picture),
    ]
    done = subprocess.run(
        [*VALUESCAPE, *command, "--browser", "--port", "0"], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "from another machine, first: ssh -N -L" in done.stderr
    assert "20 ticks" in done.stdout
    with Image.open(picture) as shown:
        assert shown.size == (1280, 720)


def test_a_report_is_served_until_ctrl_c(tmp_path):
    (tmp_path / "report.html").write_text("<!doctype html><title>report</title>", "utf-8")
    script = (
        "import sys; from pathlib import Path; from valuescape.cli.browser import serve_report;"
        "from valuescape.browser.browsing import Browsing; serve_report([Path(sys.argv[1])], Browsing(0))"
    )
    with started([sys.executable, "-c", script, str(tmp_path / "report.html")]) as (process, host, cookie):
        link = http.client.HTTPConnection(host)
        link.request("GET", "/", headers={"Cookie": cookie})
        assert link.getresponse().read() == (tmp_path / "report.html").read_bytes()
        link.close()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--port", "80"), "--port is about --browser, which is not given"),
        (("--browser", "--headless"), "--browser and --headless exclude each other"),
        (("--browser", "--allow-remote"), "--allow-remote needs --host"),
        (("--browser", "--host", "0.0.0.0"), "--host 0.0.0.0 lets other machines in"),
        (("--browser", "--checksum", "--ticks", "3"), "--browser"),
    ],
)
def test_options_that_clash_are_a_sentence(options, said):
    result = CliRunner().invoke(app, ["run", "demo", *options])
    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)


def test_files_code_and_machines_are_not_named_in_a_browser():
    config = load_config(None, [])
    for change in (
        Set("policy.checkpoint", "/etc/passwd"),
        Restart({"agents.count": 3, "world.name": "gymnasium:os:Env-v0"}),
        Restart({"policy.torchscript_critic": "x.pt"}),
        Restart({"world.env": "x"}),
        Restart({"world.env.size": 3}),
        Restart({"plugins.modules": ["os"]}),
        Restart({"policy.names": "/etc/passwd"}),
        Restart({"insight.compare_with": "/etc/passwd"}),
        Restart({"workers.cluster": "ray://192.0.2.7:1"}),
        Preset("/etc/passwd"),
        Preset("../demo"),
    ):
        assert refused(change, config), change
    for change in (
        Set("agents.count", 3),
        Restart({"world.name": "flock", "policy.checkpoint": "auto", "policy.steps": "last"}),
        Preset("flock"),
        Request.QUIT,
    ):
        assert refused(change, config) == "", change
