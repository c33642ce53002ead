"""The start of the program and of restarts: the steps shown meanwhile, and ways to end it."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL, Running
from processes import descendants, own_descendants, running, wait_for_end, wait_until

from valuescape.render.displays.events import Action, Button, Close, Key, Move, Press, Release
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.scene.waiting import WaitingPicture
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.run.starting import CancelledError
from valuescape.sim.codegen.notice import CompilationNeededError, kept_only, tell
from valuescape.sim.config.files import load_config
from valuescape.sim.interrupts import Interrupts

pytestmark = pytest.mark.gpu

SCRIPT = Path(__file__).with_name("cold_start.py")
QUICK = [
    *("--set", "world.name=mountain_car", "--set", "policy.checkpoint=random", "--set", "agents.count=50"),
    *("--set", "heatmap.resolution=16", "--frames", "3"),
]
"""Settings with little to compile; a start that compiles takes some seconds."""


def cold(tmp_path, what, *arguments, timeout_s=120):
    """Run the program where nothing is compiled yet; return what the display saw, and the ended process."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), environment.get("PYTHONPATH", "")])
    command = [sys.executable, str(SCRIPT), str(tmp_path / "seen.json"), what, "run", "demo", *arguments]
    command += ["--out", str(tmp_path / "out")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment)
    assert (tmp_path / "seen.json").exists(), ended.stderr
    return json.loads((tmp_path / "seen.json").read_text()), ended


def test_while_it_compiles_the_picture_says_so_and_events_are_taken(tmp_path):
    seen, ended = cold(tmp_path, "wait", *QUICK, "--set", "workers.count=auto")
    assert seen["status"] == 0, ended.stderr
    assert seen["steps"][0] == "starting the simulation"
    times = [at for at, step in seen["polls"] if step.startswith("compiling the simulation")]
    took = times[-1] - times[0]
    assert took > 1  # else there was nothing to wait for
    assert len(times) / took > 10
    assert max(after - before for before, after in pairwise(times)) < took / 4
    assert "compiling the simulation" in ended.stderr


@pytest.mark.parametrize(("what", "workers"), [("escape", "auto"), ("close", "1"), ("quit", "1")])
def test_while_it_compiles_it_can_be_ended(tmp_path, what, workers):
    seen, ended = cold(tmp_path, what, *QUICK, "--set", f"workers.count={workers}")
    assert seen["status"] == 130
    assert ended.stderr.splitlines()[1:] == []  # but for what is said of compiling
    assert "ended_after_s" in seen
    assert list((tmp_path / "out").iterdir()) == []


class Cold(Running):
    """The program where nothing is compiled yet."""

    def __init__(self, tmp_path, *arguments):
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
            super().__init__("run", "demo", "--headless", *arguments, "--out", tmp_path / "out")

    def wait_until_it_compiles(self):
        wait_until(lambda: any(self._compiler()), 40, "a process compiles")
        time.sleep(0.5)

    def _compiler(self):
        return [pid for pid in self.workers() if pid != self.pid]


@pytest.mark.chaos
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_end_a_start_that_compiles(tmp_path, number):
    quiet = ["--set", "run.record=false", "--set", "workers.count=auto"]
    with Cold(tmp_path, *QUICK, *quiet) as run:
        run.wait_until_it_compiles()
        everything = {run.pid, *descendants(run.pid)}
        status, _, errors = run.end_by(number, group=False, within_s=5)
    assert status == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in errors
    assert not any(map(running, everything))


def test_kept_code_alone_is_a_promise_of_this_thread_and_this_block():
    with pytest.raises(CompilationNeededError), kept_only():
        tell()
    tell()


SPAWNED = {"workers.start_method": "spawn"}
"""Workers that take their time to start, as those of the program do by itself; the others are forked."""

# --- In a run ---------------------------------------------------------------------------------------------


class Hands(HeadlessDisplay):
    """A display that gives the events a test appends, and `then` as soon as a start shows the step `when`."""

    def __init__(self, monkeypatch):
        super().__init__((700, 400))
        self.events, self.seen, self.when, self.then = [], [], None, []
        draw = WaitingPicture.draw

        def noted(picture, size_px, title, steps, hint, behind=None):
            self.seen.append((title, steps[-1][0], hint, behind))
            draw(picture, size_px, title, steps, hint, behind)

        monkeypatch.setattr(WaitingPicture, "draw", noted)

    def poll(self):
        events, self.events = self.events, []
        if self.when and self.seen and self.seen[-1][1].startswith(self.when):
            self.when, events = None, [*events, *self.then]
        return events


@pytest.fixture
def a_run(tmp_path, monkeypatch):
    opened = []

    def begin(*settings, interrupts=None):
        display = Hands(monkeypatch)
        config = load_config(None, [*SMALL, "agents.count=60", "workers.count=1", *settings])
        outputs = Outputs(tmp_path)
        session = Session(
            config, RunLength(), outputs, headless=True, display=display, panel=True, interrupts=interrupts
        )
        opened.append(session)
        session.pace.start()
        turn(session, 5)
        return session, display

    yield begin
    for session in opened:
        session.__exit__(None, None, None)


def turn(session, frames):
    for _ in range(frames):
        session._frame(0.02)
        time.sleep(0.005)


def test_a_start_says_what_it_does(a_run):
    session, display = a_run("world.name=pendulum", "workers.start_method=spawn")
    assert {title for title, *_ in display.seen} == {"Valuescape: pendulum"}
    steps = list(dict.fromkeys(step for _, step, _, _ in display.seen))
    assert steps == ["starting the simulation", "computing the critic's field", "starting 1 worker process"]
    assert {hint for _, _, hint, _ in display.seen} == {"Esc: quit"}
    display.seen.clear()
    session.restart({"workers.count": 2})
    assert display.seen[-1][1] == "starting 2 worker processes"
    assert {hint for _, _, hint, _ in display.seen} == {"Esc: back to the run as it was"}
    assert all(behind is not None for *_, behind in display.seen)


@pytest.mark.parametrize("step", ["starting the simulation", "computing", "starting 2 worker"])
@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_a_cancelled_restart_leaves_the_run_as_it_was(a_run, step, paused):
    session, display = a_run()
    if paused:
        session.pace.pause()
        turn(session, 10)
    stage, config, before = session.stage, session.config, own_descendants()
    at = session.engine.newest_tick
    display.when, display.then = step, [Key(Action.BACK)]
    session.restart({"agents.count": 90, "world.name": "pendulum", "workers.count": 2} | SPAWNED)
    assert (session.stage, session.config) == (stage, config)
    wait_until(lambda: own_descendants() == before, 5, "the new workers end")
    turn(session, 20)
    assert (session.engine.newest_tick == at) is paused
    assert session.annotations().notice == "cancelled; the run goes on as it was"
    assert session.display.gl.error == "GL_NO_ERROR"
    assert not session._stopped
    session.restart({"agents.count": 90})
    turn(session, 3)
    assert session.engine.config.agents.count == 90
    assert session.pace.paused is paused


def test_pictures_are_those_of_a_run_whose_restart_was_never_tried(a_run):
    session, display = a_run("features.async_physics=false", "stats.captions_s=60")
    session.pace.pause()
    turn(session, 3)
    before = session.scene.picture.read()
    display.when, display.then = "starting 2 worker", [Key(Action.BACK)]
    session.restart({"agents.count": 90, "workers.count": 2, "heatmap.colormap": "magma"})
    said = session.captions
    said._notice_until = 0.0
    session.ledger.stats.forget("captions")
    turn(session, 1)
    after = session.scene.picture.read()
    # The heading counts frames anew, so the picture without its upper edge.
    rows = [np.frombuffer(each, np.uint8).reshape(400, -1)[:330] for each in (before, after)]
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize("event", [Close(), Key(Action.QUIT)], ids=["close", "quit"])
def test_closing_during_a_restart_ends_the_run(a_run, event):
    session, display = a_run()
    display.when, display.then = "starting 2", [event]
    session.restart({"workers.count": 2})
    assert session._stopped
    assert session.engine.workers == 1


def test_an_interrupt_during_a_restart_ends_the_run_in_good_order(a_run, tmp_path):
    interrupts = Interrupts()
    session, _ = a_run(interrupts=interrupts)
    restarted = []

    def restart(progress):
        if progress.frames >= 3 and not restarted:
            restarted.append(True)
            interrupts.asked = True
            session.restart({"workers.count": 2})

    result = session.run(restart)
    assert result.interrupted
    assert (tmp_path / "run.json").exists()
    assert session.engine.workers == 1


def test_workers_that_do_not_start_are_said_and_the_run_goes_on(a_run):
    session, _ = a_run()
    config, at = session.config, session.engine.newest_tick
    session.restart({"workers.start_timeout": 0.0001, "workers.max_restarts": 0} | SPAWNED)
    turn(session, 10)
    assert session.config == config
    assert session.engine.newest_tick > at
    assert "worker 0" in session.annotations().notice


def test_a_first_start_that_is_cancelled_leaves_nothing(tmp_path, monkeypatch):
    before = own_descendants()
    for step in ("starting the simulation", "computing", "starting 1 worker"):
        display = Hands(monkeypatch)
        display.when, display.then = step, [Key(Action.BACK)]
        config = load_config(None, [*SMALL, "workers.start_method=spawn", "workers.count=1"])
        with pytest.raises(CancelledError):
            Session(config, RunLength(), Outputs(tmp_path), headless=True, display=display)
    wait_for_end(own_descendants() - before, 5)
    assert list(tmp_path.iterdir()) == []


def test_a_start_takes_no_time_of_the_frame_that_asked_for_it(a_run):
    """Neither the log of frames nor the watch for slow frames counts it."""
    session, _ = a_run()
    began = []

    def restart(progress):
        if progress.frames == 4 and not began:
            began.append(time.monotonic())
            session.restart({"agents.count": 70})
            began.append(time.monotonic())
        elif began and progress.frames >= 3:
            session.stop()

    session.turn_frames(restart)
    start_s = began[1] - began[0]
    assert max(session.log.busy_s) < start_s


def test_what_was_held_when_a_restart_began_is_let_go_of(a_run):
    session, display = a_run()
    width = session.screen.panel.picture.size[0]
    display.events += [Press(Button.LEFT, width + 50, 200), Move(width + 70, 200)]
    turn(session, 1)
    yaw = session.viewer.orbit_goal.yaw
    session.restart({"agents.count": 70})
    display.events += [Move(width + 150, 200), Release(Button.LEFT, width + 150, 200)]
    turn(session, 2)
    assert session.viewer.orbit_goal.yaw == yaw
