"""Workers that die, hang, or never start, and a main process that is killed: the run stays, or it ends."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from crowds import check_until, crowd, hash_at, shipped, small
from multiprocess import resource_tracker, util
from processes import own_descendants, running, wait_for_end, wait_until

from sim.engine import Engine
from sim.errors import UsageError
from sim.supervisor import WorkerFailedError
from sim.worlds import WORLDS
from sim.worlds.point_mass import PointMass

pytestmark = pytest.mark.chaos

TWO = ("workers.count=2", "policy.exploration=0.2")
TICKS = 3000


@pytest.fixture(scope="module")
def checkpoint():
    return shipped(small())


@pytest.fixture(scope="module")
def undisturbed(checkpoint):
    return hash_at(TICKS, small("workers.count=0", "policy.exploration=0.2"), checkpoint)


def finish(engine):
    """Come to the last tick, and tell what it is."""
    engine.run_until(TICKS)
    check_until(engine, lambda: engine.newest_tick == TICKS, 60)
    return engine.state_hash()


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def test_a_worker_that_is_killed_while_idle_is_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.advance_to(50)
        old = engine.worker_pids
        kill(old[1])
        check_until(engine, lambda: engine.restarts == 1)
        assert engine.worker_pids[0] == old[0]
        assert engine.worker_pids[1] != old[1]
        assert finish(engine) == undisturbed


def test_workers_that_are_killed_at_work_are_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.run_until(TICKS)
        for kills in range(1, 5):
            tick = engine.newest_tick
            check_until(engine, lambda tick=tick: engine.newest_tick > tick)
            kill(engine.worker_pids[kills % 2])
            check_until(engine, lambda kills=kills: engine.restarts == kills)
        assert engine.newest_tick < TICKS
        assert finish(engine) == undisturbed


def test_a_worker_that_hangs_is_replaced(checkpoint, undisturbed):
    with crowd(small(*TWO, "workers.heartbeat_timeout=0.6"), checkpoint) as engine:
        engine.run_until(200)
        hung = engine.worker_pids[0]
        kill(hung, signal.SIGSTOP)
        check_until(engine, lambda: engine.restarts == 1)
        assert not running(hung)
        assert finish(engine) == undisturbed


def test_a_busy_worker_that_beats_is_not_replaced():
    with crowd(small("workers.count=1", "workers.heartbeat_timeout=0.5")) as engine:
        engine.advance_to(5)
        end = time.monotonic() + 1.2
        check_until(engine, lambda: time.monotonic() > end)  # idle, but alive
        assert engine.restarts == 0


def test_lockstep_goes_on_when_a_worker_dies_within_a_frame(checkpoint):
    with crowd(small(*TWO), checkpoint) as engine:
        kill(engine.worker_pids[0], signal.SIGSTOP)
        kill(engine.worker_pids[0])
        engine.advance_to(20)
        assert engine.newest_tick == 20


def test_no_worker_gets_further_ahead_than_max_lead():
    with crowd(small("workers.count=2", "workers.max_lead=3")) as engine:
        kill(engine.worker_pids[0], signal.SIGSTOP)
        engine.run_freely()
        check_until(engine, lambda: engine.furthest_tick - engine.newest_tick >= 3, 5)
        time.sleep(0.3)
        assert engine.furthest_tick - engine.newest_tick == 3
        kill(engine.worker_pids[0], signal.SIGCONT)
        stood = engine.furthest_tick
        check_until(engine, lambda: engine.newest_tick > stood)


def test_a_run_gives_up_with_a_report_when_workers_die_again_and_again():
    with crowd(small("workers.count=2", "workers.max_restarts=1")) as engine:
        engine.advance_to(7)
        kill(engine.worker_pids[1])
        check_until(engine, lambda: engine.restarts == 1)
        pid = engine.worker_pids[1]
        kill(pid)
        with pytest.raises(WorkerFailedError) as failure:
            check_until(engine, lambda: False)
        first, second = str(failure.value).splitlines()
        assert first == f"worker 1 (pid {pid}, agents 32 to 69) failed after tick 7: exit code -9"
        assert second == "  1 restarts within 60 s; giving up"


def test_restarts_that_are_long_ago_do_not_count():
    with crowd(small("workers.count=1", "workers.max_restarts=1", "workers.restart_window=0.2")) as engine:
        for restarts in (1, 2):
            kill(engine.worker_pids[0])
            check_until(engine, lambda restarts=restarts: engine.restarts == restarts)
            time.sleep(0.25)


def test_a_worker_that_raises_is_reported_in_its_own_words(monkeypatch):
    """It cannot know a world that is known here only."""
    config = small("workers.count=2", "world.name=ghost", "workers.max_restarts=0")
    monkeypatch.setitem(WORLDS, "ghost", PointMass)
    with Engine(config, None) as engine, pytest.raises(WorkerFailedError) as failure:
        check_until(engine, lambda: False)
    assert "failed after tick -1: sim.errors.UsageError: world.name: 'ghost'" in str(failure.value)
    assert "Traceback" not in str(failure.value)
    assert "Traceback" in str(failure.value.__cause__)


def test_a_worker_that_fails_while_starting_ends_the_start(monkeypatch):
    monkeypatch.setitem(WORLDS, "ghost", PointMass)
    with pytest.raises(UsageError) as failure, crowd(small("workers.count=2", "world.name=ghost")):
        pass
    first, second = str(failure.value).splitlines()
    assert "failed while starting: sim.errors.UsageError: world.name: 'ghost' is unknown" in first
    assert "--debug" in second
    assert own_descendants() == set()


def test_a_worker_that_cannot_even_be_imported_ends_the_start(tmp_path, monkeypatch):
    (tmp_path / "threadpoolctl.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(UsageError, match="failed while starting"), crowd(small("workers.count=2")):
        pass
    assert own_descendants() == set()


def test_a_worker_that_never_comes_up_ends_the_start():
    with Engine(small("workers.count=1", "workers.start_timeout=0.3"), None) as engine:
        kill(engine.worker_pids[0], signal.SIGSTOP)
        with pytest.raises(UsageError, match=r"failed while starting: no heartbeat for 0\.\d s"):
            engine.wait_ready()


def test_an_engine_closes_in_time_though_a_worker_hangs():
    with crowd(small("workers.count=3")) as engine:
        engine.run_freely()
        pids = engine.worker_pids
        for pid in pids[:2]:
            kill(pid, signal.SIGSTOP)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert not any(map(running, pids))


def test_an_engine_closes_in_time_though_its_workers_have_only_begun():
    began = time.monotonic()
    with Engine(small("workers.count=3"), None) as engine:
        pids = engine.worker_pids
    assert time.monotonic() - began < 5
    assert not any(map(running, pids))


RUN = """
import sys, time
from sim.config import load_config
from sim.engine import Engine

if __name__ == "__main__":
    config = load_config(None, ["agents.count=70", "workers.count=2", *sys.argv[1:]])
    engine = Engine(config, None)
    print(*engine.worker_pids, flush=True)
    engine.wait_ready()
    engine.run_freely()
    print("runs", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_run(tmp_path):
    """Start a run in a process of its own, from a file as people do; give its process and its workers'."""
    script = tmp_path / "run.py"
    script.write_text(RUN)
    runs = []

    def begin(*changes):
        command = [sys.executable, str(script), *changes]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        runs.append(process)
        return process, [int(pid) for pid in process.stdout.readline().split()]

    yield begin
    for process in runs:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("rate", [0, 2])
def test_workers_end_when_the_main_process_is_killed(other_run, rate):
    process, workers = other_run(f"sim.ticks_per_s={rate}")
    assert process.stdout.readline() == "runs\n"
    assert all(map(running, workers))
    process.kill()
    wait_for_end([process.pid, *workers], 2.0)


def test_workers_end_when_the_main_process_is_killed_as_they_start(other_run):
    process, workers = other_run()
    process.kill()
    wait_for_end([process.pid, *workers], 3.0)


def test_workers_end_with_a_main_process_that_forgot_to_close(other_run):
    process, workers = other_run("sim.ticks_per_s=2")
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGINT)
    wait_for_end([process.pid, *workers], 5.0)


def test_workers_outlive_an_interrupt_that_reaches_them_all():
    """Ctrl-C in a terminal does; what is to end is for the main process to say."""
    with crowd(small("workers.count=2")) as engine:
        engine.run_freely()
        for pid in engine.worker_pids:
            kill(pid, signal.SIGINT)
        tick = engine.newest_tick
        check_until(engine, lambda: engine.newest_tick > tick + 10)
        assert engine.restarts == 0


def test_an_interrupt_with_half_a_worker_started_waits_for_the_whole(monkeypatch, capfd):
    """Else the child would find nothing to read, complain, and be nobody's."""
    resource_tracker.ensure_running()
    spawn = util.spawnv_passfds

    def spawn_and_interrupt(*arguments):
        pid = spawn(*arguments)
        signal.raise_signal(signal.SIGINT)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", spawn_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        Engine(small("workers.count=2"), None)
    wait_until(lambda: own_descendants() == set(), 2.0, "workers end")
    assert capfd.readouterr().err == ""


def test_nothing_of_a_worker_is_heavy():
    with crowd(small("workers.count=1")) as engine:
        engine.advance_to(3)
        maps = psutil.Process(engine.worker_pids[0]).memory_maps()
        assert not [each.path for each in maps if "torch" in each.path or "libEGL" in each.path]
