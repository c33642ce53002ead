"""Signals end every kind of wait; with real processes."""

import os
import signal
import time

import pytest
from commands import TINY, Running
from processes import descendants, wait_for_end, wait_until

from valuescape.sim.interrupts import LOOK_S, UNDO_S

pytestmark = [pytest.mark.chaos, pytest.mark.slow]

WORLD = '''
"""A world that stays where it is told."""
import time
from pathlib import Path

import numpy as np

from valuescape.sim.worlds import ArrayWorld, ContinuousAction, Variable


def is_stuck():
    Path({marker!r}).touch()


{at_import}

class Stuck(ArrayWorld):
    name = "stuck"
    source = "a test"
    state = (Variable("x", "m", -1.0, 1.0), Variable("y", "m", -1.0, 1.0))
    obs = state
    action = ContinuousAction((Variable("a", "N", -1.0, 1.0),))
    step_s = 0.1
    max_episode_steps = 10
    reset_draws = 2

    def reset(self, draws, out):
        out[:] = draws

    def step(self, state, action, out, reward, terminated):
        out[:], reward[:], terminated[:] = state, 0, False
        if state.shape[1] <= 8:  # which is the trial of a few when the file is loaded
            return
        {in_step}
'''
SLEEP = "is_stuck(); time.sleep(1000)"
SPIN = "while True: is_stuck()"
IN_C = "matrix = np.ones((8000, 8000)); is_stuck(); np.linalg.svd(matrix)"
"""A LAPACK call of minutes, during which no Python signal handler runs."""

RUN = ("run", *TINY, "--set", "world.name=stuck", "--set", "policy.checkpoint=random")
SLACK_S = 4.0
"""Allowance for a busy machine."""


@pytest.fixture
def stuck(tmp_path):
    """Start the program with a world that gets stuck; returns it once it is stuck."""
    started = []

    def start(*arguments, at_import="", in_step=""):
        marker = tmp_path / "stuck"
        file = tmp_path / "stuck.py"
        file.write_text(WORLD.format(at_import=at_import, in_step=in_step, marker=str(marker)))
        run = Running(*arguments, "--world-file", file)
        started.append(run)
        wait_until(marker.exists, 40, "it is stuck")
        return run

    yield start
    for run in started:
        run.__exit__()


def ended(run, *, within_s):
    """Wait for the end of a run and of all its processes; returns its status and errors."""
    everything = {run.pid, *descendants(run.pid)}
    _, errors = run.process.communicate(timeout=within_s)
    wait_for_end(everything, 2.0)
    return run.process.returncode, errors


@pytest.mark.parametrize(
    ("number", "where"),
    [(signal.SIGINT, SLEEP), (signal.SIGTERM, SPIN)],  # one handler takes both signals
    ids=["sleeping", "spinning"],
)
def test_one_signal_ends_a_world_file_that_does_not_end(stuck, where, number):
    run = stuck(*RUN, at_import=where)
    os.kill(run.pid, number)
    status, errors = ended(run, within_s=SLACK_S)
    assert (status, errors) == (130, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_step_that_does_not_end(stuck, number, tmp_path):
    """No loop reads the signal, so the watching thread acts."""
    out = tmp_path / "out"
    run = stuck(*RUN, "--out", out, "--set", "workers.count=0", in_step=SLEEP)
    os.kill(run.pid, number)
    status, errors = ended(run, within_s=LOOK_S + UNDO_S + SLACK_S)
    assert status == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize("where", [SLEEP, SPIN], ids=["sleeping", "spinning"])
def test_a_second_ctrl_c_ends_a_step_that_does_not_end_at_once(stuck, where):
    run = stuck(*RUN, "--set", "workers.count=0", in_step=where)
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.4)
    assert run.process.poll() is None
    os.killpg(run.pid, signal.SIGINT)
    status, errors = ended(run, within_s=UNDO_S + SLACK_S)
    assert status == 130
    assert "Traceback" not in errors


def test_a_second_ctrl_c_ends_a_call_that_does_not_return_and_leaves_no_file(stuck, tmp_path):
    """No Python handler runs during the call, so the watching thread removes unfinished files."""
    simulate = ("--ticks", 100, "--record-run", tmp_path / "run.vsz", "--set", "workers.count=0")
    changes = ("--set", "world.name=stuck", "--set", "policy.checkpoint=random")
    run = stuck("run", *simulate, *changes, in_step=IN_C)
    assert list(tmp_path.glob(".run.vsz.*"))
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.4)
    os.killpg(run.pid, signal.SIGINT)
    status, errors = ended(run, within_s=UNDO_S + SLACK_S)
    assert (status, errors) == (130, "")
    assert not list(tmp_path.glob("*run.vsz*"))


def test_a_third_ctrl_c_does_not_wait_for_what_is_undone(stuck):
    run = stuck(*RUN, "--set", "workers.count=0", in_step=IN_C)
    for _ in range(3):
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(0.3)
    assert ended(run, within_s=UNDO_S)[0] == 130


def test_a_second_ctrl_c_ends_workers_that_are_stuck(stuck):
    run = stuck(*RUN, "--set", "workers.count=2", in_step=IN_C)
    for _ in range(2):
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(0.3)
    assert ended(run, within_s=UNDO_S + SLACK_S)[0] == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_start_that_compiles(tmp_path, monkeypatch, number):
    """Without workers; with some, `test_starting.py` shows it."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    with Running("run", *TINY, "--set", "workers.count=0", "--out", tmp_path / "out") as run:
        wait_until(lambda: b"compiling" in os.read(run.process.stderr.fileno(), 4096), 40, "it compiles")
        time.sleep(1)
        os.kill(run.pid, number)
        status, errors = ended(run, within_s=LOOK_S + SLACK_S)
    assert status == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_imports(tmp_path, number):
    for after_s in (0.05, 0.2, 0.5, 1.0):
        with Running("run", *TINY, "--out", tmp_path / "out") as run:
            time.sleep(after_s)
            os.kill(run.pid, number)
            status, errors = ended(run, within_s=LOOK_S + SLACK_S)
        if "init_import_site" in errors:  # Python's own start was interrupted, which no program can change
            continue
        assert status in (130, -number)
        if after_s > 0.1:
            assert "Traceback" not in errors


def test_a_pipe_in_place_of_a_file_is_refused_at_once(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    commands = (["replay", pipe], ["run", pipe], ["compare", pipe, pipe], ["run", "--world-file", pipe])
    for command in (*commands, ["run", "demo", "--set", f"policy.checkpoint={pipe}"]):
        with Running(*command) as run:
            status, errors = ended(run, within_s=30)
        assert status == 2
        assert "pipe: is " in errors
