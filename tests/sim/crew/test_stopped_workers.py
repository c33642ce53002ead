"""Workers that hang are replaced, or ended in time; workers that are merely busy are left alone."""

import os
import random
import signal
import time

import pytest
from crowds import check_until, crowd, small, small_spawned
from disturbing import TWO, finish, kill, wait_for_progress, wait_for_restarts
from multiprocess import util
from networks import checkpoint_of, random_mlp
from processes import running

from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.layout import Phase

pytestmark = pytest.mark.chaos


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


def test_an_idle_worker_that_beats_is_not_replaced():
    with crowd(small("workers.count=1", "workers.heartbeat_timeout=0.5")) as engine:
        engine.advance_to(5)
        end = time.monotonic() + 1.2
        check_until(engine, lambda: time.monotonic() > end)
        assert engine.restarts == 0


def test_a_compiler_at_work_is_no_silence(tmp_path, monkeypatch):
    """However long it works: here at least as long as the silence that is allowed."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with Engine(small_spawned("workers.count=1", "workers.heartbeat_timeout=2"), None) as engine:
        phase = engine.arena["worker"]["phase"]
        check_until(engine, lambda: phase[0] == Phase.COMPILING)
        began = time.monotonic()
        check_until(engine, lambda: phase[0] == Phase.RUNNING or time.monotonic() - began > 5)
        assert time.monotonic() - began > 2
        assert engine.restarts == 0


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


def test_a_worker_that_never_comes_up_ends_the_start():
    with Engine(small_spawned("workers.count=1", "workers.start_timeout=0.3"), None) as engine:
        kill(engine.worker_pids[0], signal.SIGSTOP)
        with pytest.raises(UsageError, match=r"failed while starting: not at work after 0\.3 s"):
            engine.wait_ready()


class Stops:
    """Stops processes at random moments of the next 0.8 seconds; called again and again, it does what is due.

    pids: those that are still to be stopped, each with its moment.
    """

    def __init__(self, pids, moments):
        self.pids = {pid: time.monotonic() + moments.uniform(0, 0.8) for pid in pids}

    def __call__(self):
        for pid, moment in list(self.pids.items()):
            if time.monotonic() > moment:
                kill(pid, signal.SIGSTOP)
                del self.pids[pid]

    def all_made(self):
        """Do what is due; return whether that was all."""
        self()
        return not self.pids


QUICK = ("workers.heartbeat_timeout=1", "workers.max_restarts=50", "workers.count=2")


def test_workers_that_are_stopped_at_random_moments_of_their_first_start_are_replaced_soon():
    """While Python starts, while libraries are loaded, while code is compiled, or when they are at work."""
    moments = random.Random(12)
    for _ in range(3):
        with Engine(small_spawned(*QUICK), None) as engine:
            first, stops = set(engine.worker_pids), Stops(engine.worker_pids, moments)
            engine.wait_ready(stops)
            check_until(engine, stops.all_made)  # where the start was quicker
            stopped_at = time.monotonic()
            check_until(engine, lambda first=first: not first & set(engine.worker_pids), 10)
            assert time.monotonic() - stopped_at < 15  # start_timeout is 180 s


def test_workers_that_are_stopped_at_random_moments_of_a_restart_are_replaced_soon():
    """And those that replace them are left alone."""
    moments = random.Random(13)
    with crowd(small_spawned(*QUICK)) as engine:
        engine.run_freely()
        for restarts in (4, 8):
            for pid in engine.worker_pids:
                kill(pid)
            wait_for_restarts(engine, restarts - 2)
            second = set(engine.worker_pids)
            check_until(engine, Stops(second, moments).all_made)
            check_until(engine, lambda second=second: not second & set(engine.worker_pids), 10)
            wait_for_progress(engine)
            assert engine.restarts == restarts
        engine.rest()


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
    with Engine(small_spawned("workers.count=2", "workers.heartbeat_timeout=1"), network) as engine:
        assert time.monotonic() - began < 5
        engine.wait_ready()
        assert engine.restarts == 1
    assert len(stopped) == 1


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
    with Engine(small_spawned("workers.count=3"), None) as engine:
        pids = engine.worker_pids
    assert time.monotonic() - began < 5
    assert not any(map(running, pids))


@pytest.mark.parametrize("stopped", [signal.SIGSTOP, None])
def test_workers_that_sleep_are_told_to_end(stopped):
    """Closing is quick while workers wait, and bounded with one that hears nothing."""
    with crowd(small("workers.count=2", "sim.ticks_per_s=0.05")) as engine:
        engine.run_freely()  # 20 seconds until the next tick
        pids = engine.worker_pids
        if stopped:
            kill(pids[0], stopped)
        began = time.monotonic()
    assert time.monotonic() - began < 6
    assert not any(map(running, pids))
