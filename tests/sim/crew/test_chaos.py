"""Workers that die, hang, or never start, and a main process that is killed: the run stays, or it ends."""

import errno
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
from crowds import check_until, crowd, hash_at, shipped, small
from multiprocess import resource_tracker, util
from networks import checkpoint_of, random_mlp
from processes import descendants, open_files, own_descendants, running, wait_for_end, wait_until

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.layout import Phase
from valuescape.sim.worlds import WORLDS
from valuescape.sim.worlds.point_mass import PointMass

pytestmark = pytest.mark.chaos

TWO = ("workers.count=2", "policy.exploration=0.2")
TICKS = 3000


@pytest.fixture(scope="module")
def checkpoint():
    return shipped(small())


@pytest.fixture(scope="module")
def undisturbed(checkpoint):
    return hash_at(TICKS, small("workers.count=0", "policy.exploration=0.2"), checkpoint)


LONG = ("agents.count=20000", "world.name=acrobot", "policy.checkpoint=random", "trails.length=4")
"""Ticks of several milliseconds: whoever is killed at any moment is killed in one."""

LONG_TICKS = 300


@pytest.fixture(scope="module")
def long_undisturbed():
    """What the crowd of LONG comes to, with machine code or without."""
    return hash_at(LONG_TICKS, small("workers.count=0", *LONG))


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


@pytest.mark.parametrize("simd", ["true", "false"])
def test_a_worker_that_is_killed_in_the_middle_of_a_tick_is_replaced_and_nothing_is_lost(
    long_undisturbed, simd
):
    """Seen by the tick that its heir makes again: what was half written must come to the same."""
    with crowd(small("workers.count=2", f"features.simd={simd}", *LONG)) as engine:
        engine.run_until(LONG_TICKS)
        for kills in (1, 2):
            tick = engine.newest_tick
            check_until(engine, lambda tick=tick: engine.newest_tick > tick)
            kill(engine.worker_pids[kills % 2])
            check_until(engine, lambda kills=kills: engine.restarts == kills)
        assert engine.newest_tick < LONG_TICKS
        check_until(engine, lambda: engine.newest_tick == LONG_TICKS, 60)
        assert engine.state_hash() == long_undisturbed


def starting(engine, index):
    """Whether a worker has been started but is not at work."""
    return engine.arena["worker"][index]["phase"] == Phase.STARTING


def test_a_worker_that_is_killed_while_it_starts_is_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.run_until(200)
        kill(engine.worker_pids[0])
        for kills in (1, 2, 3):
            check_until(engine, lambda kills=kills: engine.restarts == kills)
            assert starting(engine, 0)
            kill(engine.worker_pids[0])
            time.sleep(0.1 * kills)
        assert finish(engine) == undisturbed
        assert engine.restarts == 4


def test_a_worker_that_is_killed_before_the_first_tick_is_replaced(checkpoint, undisturbed):
    with Engine(small(*TWO), checkpoint) as engine:
        kill(engine.worker_pids[1])
        engine.wait_ready()
        assert engine.restarts == 1
        engine.run_until(200)
        assert finish(engine) == undisturbed


def test_a_worker_that_is_killed_while_another_is_replaced_is_replaced_too(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.run_until(TICKS)
        kill(engine.worker_pids[0])
        check_until(engine, lambda: engine.restarts == 1)
        assert starting(engine, 0)
        kill(engine.worker_pids[1])
        check_until(engine, lambda: engine.restarts == 2)
        assert finish(engine) == undisturbed


@pytest.mark.parametrize("simd", ["true", "false"])
def test_workers_that_are_killed_all_at_once_are_replaced_and_nothing_is_lost(long_undisturbed, simd):
    with crowd(small("workers.count=3", f"features.simd={simd}", *LONG)) as engine:
        engine.run_until(LONG_TICKS)
        check_until(engine, lambda: engine.newest_tick > 10)
        for pid in engine.worker_pids:
            kill(pid)
        check_until(engine, lambda: engine.restarts == 3)
        assert engine.newest_tick < LONG_TICKS
        check_until(engine, lambda: engine.newest_tick == LONG_TICKS, 60)
        assert engine.state_hash() == long_undisturbed


@pytest.mark.timeout(60)
def test_fifty_workers_that_are_killed_at_random_moments_change_nothing():
    """While they start, wait, step or wake each other; whoever is hit is replaced from where it was."""
    moments = random.Random(6)
    at_once = ("workers.max_restarts=50", "workers.restart_window=0.01")  # no pause before a restart
    with crowd(small("workers.count=2", *at_once, *LONG)) as engine:
        engine.run_freely()
        for kills in range(50):
            if kills % 3 == 0:  # not before both are at work again
                tick = engine.newest_tick
                check_until(engine, lambda tick=tick: engine.newest_tick > tick)
            end = time.monotonic() + moments.uniform(0, 0.1)
            check_until(engine, lambda end=end: time.monotonic() > end)
            kill(moments.choice(engine.worker_pids))
            check_until(engine, lambda kills=kills: engine.restarts == kills + 1)
        engine.pause()
        check_until(engine, lambda: engine.newest_tick == engine.furthest_tick)
        time.sleep(0.05)  # a worker that began a tick before it read of the pause makes that one more
        check_until(engine, lambda: engine.newest_tick == engine.furthest_tick)
        stands, seen = engine.newest_tick, engine.state_hash()
    assert stands > 17
    assert seen == hash_at(stands, small("workers.count=0", *LONG))


def test_a_worker_that_hangs_is_replaced(checkpoint, undisturbed):
    """After the time that is set, and soon after it; on a busy machine others may seem to hang, too."""
    with crowd(small(*TWO, "workers.heartbeat_timeout=1.5"), checkpoint) as engine:
        engine.run_until(200)
        hung = engine.worker_pids[0]
        began = time.monotonic()
        kill(hung, signal.SIGSTOP)
        check_until(engine, lambda: engine.restarts >= 1)
        assert 1 < time.monotonic() - began < 6
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
    assert "failed after tick -1: valuescape.sim.errors.UsageError: world.name: 'ghost'" in str(failure.value)
    assert "Traceback" not in str(failure.value)
    assert "Traceback" in str(failure.value.__cause__)


def test_a_worker_that_fails_while_starting_ends_the_start(monkeypatch):
    monkeypatch.setitem(WORLDS, "ghost", PointMass)
    with pytest.raises(UsageError) as failure, crowd(small("workers.count=2", "world.name=ghost")):
        pass
    first, second = str(failure.value).splitlines()
    assert first == "world.name: 'ghost' is unknown"
    assert "known worlds" in second
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
        with pytest.raises(UsageError, match=r"failed while starting: not at work after 0\.3 s"):
            engine.wait_ready()


def test_workers_that_are_stopped_at_random_moments_of_their_start_are_replaced_soon():
    """While Python starts, while libraries are loaded, while code is compiled; before tick 0 and later."""
    moments = random.Random(12)
    quick = ("workers.heartbeat_timeout=1", "workers.max_restarts=50", "workers.count=2")
    for _ in range(5):
        with Engine(small(*quick), None) as engine:
            stopped, moment = engine.worker_pids[0], time.monotonic() + moments.uniform(0, 0.8)

            stopped_at = []

            def stop(stopped=stopped, moment=moment, stopped_at=stopped_at):
                if time.monotonic() > moment and not stopped_at:
                    kill(stopped, signal.SIGSTOP)
                    stopped_at.append(time.monotonic())

            engine.wait_ready(stop)
            check_until(engine, lambda moment=moment: time.monotonic() > moment)
            stop()  # where the start was quicker
            (began,) = stopped_at
            check_until(engine, lambda stopped=stopped: stopped not in engine.worker_pids, 10)
            assert time.monotonic() - began < 15  # start_timeout is 180 s
    with crowd(small(*quick)) as engine:
        engine.run_freely()
        for restarts in range(1, 11, 2):
            kill(engine.worker_pids[0])
            check_until(engine, lambda restarts=restarts: engine.restarts == restarts)
            stopped, end = engine.worker_pids[0], time.monotonic() + moments.uniform(0, 0.8)
            check_until(engine, lambda end=end: time.monotonic() > end)
            kill(stopped, signal.SIGSTOP)
            check_until(engine, lambda stopped=stopped: stopped not in engine.worker_pids, 10)
            tick = engine.newest_tick
            check_until(engine, lambda tick=tick: engine.newest_tick > tick)
            assert engine.restarts == restarts + 1  # the replacement was not replaced
        engine.pause()
        check_until(engine, lambda: engine.newest_tick == engine.furthest_tick)


def test_a_start_does_not_wait_for_a_worker_that_is_stopped_before_it_reads_its_orders(monkeypatch):
    """They hold a network larger than a pipe: the main process would write to a stopped process for ever."""
    network = checkpoint_of(random_mlp((2, 300, 300, 2)))
    spawn, stopped = util.spawnv_passfds, []

    def spawn_stopped(*arguments):
        pid = spawn(*arguments)
        if b"spawn_main" in b"".join(map(os.fsencode, arguments[1])) and not stopped:
            kill(pid, signal.SIGSTOP)
            stopped.append(pid)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", spawn_stopped)
    began = time.monotonic()
    with Engine(small("workers.count=2", "workers.heartbeat_timeout=1"), network) as engine:
        assert time.monotonic() - began < 5
        engine.wait_ready()
        assert engine.restarts == 1
    assert len(stopped) == 1


def test_a_compiler_at_work_is_no_silence(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with crowd(small("workers.count=1", "workers.heartbeat_timeout=2.5")) as engine:
        engine.advance_to(1)
        assert engine.restarts == 0


UNGUARDED = """
import valuescape
valuescape.make_vec("CartPole-v1", num_envs=64, num_workers=3, seed=1)
"""


def test_a_script_without_the_main_guard_says_so_in_one_sentence(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert ended.returncode == 1
    assert ended.stderr.count("Traceback") == 1  # the script's own
    assert 'under `if __name__ == "__main__":`, or take num_workers=0' in ended.stderr.splitlines()[-1]
    assert "--debug" not in ended.stderr


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
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine

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


@pytest.mark.parametrize(
    ("rate", "simd", "start_method"),
    [(0, "true", "spawn"), (2, "true", "spawn"), (0, "false", "forkserver"), (2, "true", "forkserver")],
)
def test_workers_end_when_the_main_process_is_killed(other_run, rate, simd, start_method):
    process, workers = other_run(
        f"sim.ticks_per_s={rate}", f"features.simd={simd}", f"workers.start_method={start_method}"
    )
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


@pytest.mark.parametrize(("number", "group"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_headless_run_ends_within_two_seconds(tmp_path, number, group):
    """Ctrl-C reaches all processes of a terminal, SIGTERM the main process alone."""
    small_picture = ("render.width=320", "render.height=180", "workers.count=2", "agents.count=70")
    changes = [part for change in small_picture for part in ("--set", change)]
    command = [sys.executable, "-m", "valuescape", "run", "--headless", "--seconds", "600"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path), *changes],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(descendants(process.pid)) >= 3, 30, "workers and their tracker are there")
        time.sleep(1.5)  # frames are being made
        everything = {process.pid, *descendants(process.pid)}
        began = time.monotonic()
        (os.killpg if group else os.kill)(process.pid, number)
        _, errors = process.communicate(timeout=20)
        wait_for_end(everything, 2.0)
        assert time.monotonic() - began < 2
        assert process.returncode == 130
        assert "Traceback" not in errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("stopped", [signal.SIGSTOP, None])
def test_workers_that_sleep_are_told_to_end(stopped):
    """Closing is quick for those that wait, and bounded with one that hears nothing."""
    with crowd(small("workers.count=2", "sim.ticks_per_s=0.05")) as engine:
        engine.run_freely()  # 20 seconds until the next tick
        pids = engine.worker_pids
        if stopped:
            kill(pids[0], stopped)
        began = time.monotonic()
    assert time.monotonic() - began < 6
    assert not any(map(running, pids))


def test_too_little_shared_memory_is_said_before_anything_is_started():
    before = open_files()
    with pytest.raises(UsageError, match=r"GiB of shared memory; .*\n  lower agents.count or trails.length"):
        Engine(small("workers.count=2", "agents.count=4000000", "trails.length=4096"), None)
    assert own_descendants() == set()
    assert open_files() == before


def test_a_process_limit_is_said_and_leaves_nothing(monkeypatch):
    """As `ulimit -u` does it, which does not hold for root: the first worker comes up, the second may not."""
    resource_tracker.ensure_running()
    spawn, started = util.spawnv_passfds, []

    def refuse_the_second(*arguments):
        if started:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.append(spawn(*arguments))
        return started[0]

    monkeypatch.setattr(util, "spawnv_passfds", refuse_the_second)
    before = open_files()
    with pytest.raises(UsageError, match=r"worker 1 cannot be started: .*\n  .*workers\.count"):
        Engine(small("workers.count=2"), None)
    wait_for_end(started, 2.0)
    assert open_files() == before


LIMITED = """
import resource, sys
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), 64))
    try:
        Engine(load_config(None, ["agents.count=700", "workers.count=20"]), None)
    except UsageError as error:
        print(error)
"""


@pytest.mark.parametrize("limit", [12, 30, 45])
def test_a_limit_of_open_files_is_said_and_leaves_nothing(tmp_path, limit):
    """Reached by the arena, by the bells, or by the pipes of workers that are being started."""
    script = tmp_path / "limited.py"
    script.write_text(LIMITED)
    done = subprocess.run(
        [sys.executable, str(script), str(limit)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert "open files" in first.lower()
    assert "workers.count" in second


def test_nothing_of_a_worker_is_heavy():
    with crowd(small("workers.count=1")) as engine:
        engine.advance_to(3)
        maps = psutil.Process(engine.worker_pids[0]).memory_maps()
        assert not [each.path for each in maps if "torch" in each.path or "libEGL" in each.path]
