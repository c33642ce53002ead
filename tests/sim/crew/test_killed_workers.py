"""Workers that are killed are replaced, and nothing of the run is lost."""

import random
import signal
import time

import pytest
from crowds import check_until, crowd, hash_at, small, small_spawned
from disturbing import LONG, LONG_TICKS, TICKS, TWO, finish, kill, wait_for_progress, wait_for_restarts

from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.engine import Engine
from valuescape.sim.shared.layout import Phase

pytestmark = pytest.mark.chaos


def starting(engine, index):
    """Return whether a worker has been started but is not at work."""
    return engine.arena["worker"][index]["phase"] == Phase.STARTING


def test_a_worker_that_is_killed_while_idle_is_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.advance_to(50)
        old = engine.worker_pids
        kill(old[1])
        wait_for_restarts(engine, 1)
        assert engine.worker_pids[0] == old[0]
        assert engine.worker_pids[1] != old[1]
        assert finish(engine) == undisturbed


def test_workers_that_are_killed_at_work_are_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small(*TWO), checkpoint) as engine:
        engine.run_until(TICKS)
        for kills in range(1, 5):
            wait_for_progress(engine)
            kill(engine.worker_pids[kills % 2])
            wait_for_restarts(engine, kills)
        assert engine.newest_tick < TICKS
        assert finish(engine) == undisturbed


@pytest.mark.parametrize("simd", ["true", "false"])
def test_a_worker_that_is_killed_in_the_middle_of_a_tick_is_replaced_and_nothing_is_lost(
    long_undisturbed, simd
):
    """The successor makes that tick again: what was half written must come to the same."""
    with crowd(small("workers.count=2", f"features.simd={simd}", *LONG)) as engine:
        engine.run_until(LONG_TICKS)
        for kills in (1, 2):
            wait_for_progress(engine)
            kill(engine.worker_pids[kills % 2])
            wait_for_restarts(engine, kills)
        assert engine.newest_tick < LONG_TICKS
        assert finish(engine, LONG_TICKS) == long_undisturbed


def test_a_worker_that_is_killed_while_it_starts_is_replaced_and_nothing_is_lost(checkpoint, undisturbed):
    with crowd(small_spawned(*TWO), checkpoint) as engine:
        engine.run_until(200)
        kill(engine.worker_pids[0])
        for kills in (1, 2, 3):
            wait_for_restarts(engine, kills)
            assert starting(engine, 0)
            kill(engine.worker_pids[0])
            time.sleep(0.1 * kills)
        assert finish(engine) == undisturbed
        assert engine.restarts == 4


def test_a_worker_that_is_killed_before_the_first_tick_is_replaced(checkpoint, undisturbed):
    with Engine(small_spawned(*TWO), checkpoint) as engine:
        kill(engine.worker_pids[1])
        engine.wait_ready()
        assert engine.restarts == 1
        engine.run_until(200)
        assert finish(engine) == undisturbed


def test_a_worker_that_is_killed_while_another_is_replaced_is_replaced_too(checkpoint, undisturbed):
    with crowd(small_spawned(*TWO), checkpoint) as engine:
        engine.run_until(TICKS)
        kill(engine.worker_pids[0])
        wait_for_restarts(engine, 1)
        assert starting(engine, 0)
        kill(engine.worker_pids[1])
        wait_for_restarts(engine, 2)
        assert finish(engine) == undisturbed


@pytest.mark.parametrize("simd", ["true", "false"])
def test_workers_that_are_killed_all_at_once_are_replaced_and_nothing_is_lost(long_undisturbed, simd):
    with crowd(small("workers.count=3", f"features.simd={simd}", *LONG)) as engine:
        engine.run_until(LONG_TICKS)
        check_until(engine, lambda: engine.newest_tick > 10)
        for pid in engine.worker_pids:
            kill(pid)
        wait_for_restarts(engine, 3)
        assert engine.newest_tick < LONG_TICKS
        assert finish(engine, LONG_TICKS) == long_undisturbed


KILLS = 25


@pytest.mark.timeout(60)
def test_workers_that_are_killed_at_random_moments_change_nothing():
    """While they start, wait, step, or wake each other; each is replaced from the tick it had completed."""
    moments = random.Random(6)
    at_once = (f"workers.max_restarts={KILLS}", "workers.restart_window=0.01")  # no pause before a restart
    with crowd(small("workers.count=2", *at_once, *LONG)) as engine:
        engine.run_freely()
        for kills in range(KILLS):
            if kills % 3 == 0:  # not before both are at work again
                wait_for_progress(engine)
            end = time.monotonic() + moments.uniform(0, 0.1)
            check_until(engine, lambda end=end: time.monotonic() > end)
            kill(moments.choice(engine.worker_pids))
            wait_for_restarts(engine, kills + 1)
        reached, seen = engine.rest(), engine.state_hash()
    assert reached > KILLS // 3
    assert seen == hash_at(reached, small("workers.count=0", *LONG))


def test_lockstep_goes_on_when_a_worker_dies_within_a_frame(checkpoint):
    with crowd(small(*TWO), checkpoint) as engine:
        kill(engine.worker_pids[0], signal.SIGSTOP)
        kill(engine.worker_pids[0])
        engine.advance_to(20)
        assert engine.newest_tick == 20


def test_a_run_gives_up_with_a_report_when_workers_die_again_and_again():
    with crowd(small("workers.count=2", "workers.max_restarts=1")) as engine:
        engine.advance_to(7)
        kill(engine.worker_pids[1])
        wait_for_restarts(engine, 1)
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
            wait_for_restarts(engine, restarts)
            time.sleep(0.25)


def test_workers_ignore_an_interrupt_that_reaches_them_all():
    """As Ctrl-C in a terminal does: whether the run ends is for the main process to decide."""
    with crowd(small_spawned("workers.count=2")) as engine:
        engine.run_freely()
        for pid in engine.worker_pids:
            kill(pid, signal.SIGINT)
        tick = engine.newest_tick
        check_until(engine, lambda: engine.newest_tick > tick + 10)
        assert engine.restarts == 0
