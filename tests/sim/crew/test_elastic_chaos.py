"""Workers and agents change while workers are killed: the run is the one that its changes describe."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from crowds import check_until, crowd, small, small_spawned
from disturbing import finish, kill, wait_for_progress
from multiprocess import util
from processes import descendants, own_descendants, running, wait_for_end, wait_until

from valuescape.sim.config.files import changed
from valuescape.sim.engine import Engine

pytestmark = pytest.mark.chaos

TWO = ("workers.count=2", "workers.max_restarts=10000", "workers.restart_window=0.01")
"""Two workers, which may be killed without end, and are replaced at once."""


def replayed(config, changes, tick):
    """Return the state hash at a tick of a run without workers that is changed at the same ticks."""
    with crowd(changed(config, {"workers.count": 0})) as engine:
        for each in changes:
            engine.advance_to(each.tick)
            engine.change(changed(each.config, {"workers.count": 0}))
            engine.finish_change()
        engine.advance_to(tick)
        return engine.state_hash()


CHANGES = 100


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_workers_and_agents_change_at_random_under_random_kills_and_nothing_is_lost():
    """Any worker of either crew, at any moment: as it starts, waits, steps, hands over or ends."""
    moments = random.Random(15)
    plain = ("features.simd=false", "policy.checkpoint=random")
    config, kills = small(*TWO, *plain, "sim.ticks_per_s=1000"), 0
    with crowd(config) as engine:
        engine.run_freely()
        for _ in range(CHANGES):
            name, most = moments.choice((("agents.count", 200), ("workers.count", 3)))
            wanted = changed(engine.config, {name: moments.randint(1, most)})
            engine.change(wanted)
            while engine.changing:
                end = time.monotonic() + moments.uniform(0, 0.05)
                check_until(engine, lambda end=end: time.monotonic() > end or not engine.changing)
                if moments.random() < 0.3:
                    kills += kill_one(engine, moments)
            assert engine.change_failed == ""
            assert engine.config == wanted
        wait_for_progress(engine)
        tick = engine.rest()
        seen, made = engine.state_hash(), engine.changes
        assert engine.generation == len(made) > CHANGES / 2
        assert kills > CHANGES / 4
        pids = engine.worker_pids
    assert not any(map(running, pids))
    assert seen == replayed(config, made, tick)


def kill_one(engine, moments):
    """Kill a worker at work, or one that is to take over; return how many that were."""
    succession = engine._changing._succession
    crew = vars(succession.formation).get("crew") if succession else None
    victims = [*engine.worker_pids, *(crew.pids if crew else ())]
    return kill_if_there(moments.choice(victims)) if victims else 0


def kill_if_there(pid):
    """Kill a process that may have ended by itself; return whether it was there."""
    try:
        kill(pid)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def late_starts(monkeypatch):
    """Return the list of process ids that are started from now on; each is stopped as soon as it is."""
    spawn, stopped = util.spawnv_passfds, []

    def spawn_stopped(*arguments):
        pid = spawn(*arguments)
        kill(pid, signal.SIGSTOP)
        stopped.append(pid)
        return pid

    monkeypatch.setattr(util, "spawnv_passfds", spawn_stopped)
    return stopped


def test_a_successor_that_does_not_come_up_leaves_the_others_at_work(late_starts):
    config = small_spawned("workers.count=0", "workers.start_timeout=0.5")
    with crowd(config) as engine:
        engine.run_freely()
        engine.change(changed(config, {"workers.count": 2}))
        check_until(engine, lambda: not engine.changing)
        assert "worker 0 failed while starting: not at work after 0.5 s" in engine.change_failed
        tick = engine.newest_tick
        check_until(engine, lambda: engine.newest_tick > tick + 5)
        assert (engine.workers, engine.changes) == (0, [])
        check_until(engine, lambda: not any(map(running, late_starts)), 5)


def test_a_worker_that_hears_nothing_as_its_crew_leaves_is_killed_and_keeps_no_frame_waiting(monkeypatch):
    """It is stopped when the other crew has taken over, and told to end afterwards."""
    with crowd(small_spawned("workers.count=1", "agents.count=64")) as engine:
        engine.run_freely()
        old = engine.worker_pids
        give = type(engine._crew).give

        def stop_first(crew, orders):
            if orders.stop:
                for pid in old:
                    kill(pid, signal.SIGSTOP)
            give(crew, orders)

        monkeypatch.setattr(type(engine._crew), "give", stop_first)
        engine.change(changed(engine.config, {"agents.count": 96}))
        longest = 0.0
        while engine.changing or any(map(running, old)):
            began = time.monotonic()
            engine.check()
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.005)
        monkeypatch.undo()
        assert longest < 0.5
        assert finish(engine, engine.rest() + 50)


RUN = """
import sys, time
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts

if __name__ == "__main__":
    config = load_config(None, ["agents.count=70", "workers.count=1", "sim.ticks_per_s=0"])
    with Interrupts() as interrupts, Engine(config, None) as engine:
        engine.wait_ready()
        engine.run_freely()
        count = 70
        while not interrupts.asked:
            if not engine.changing:
                print("changes", flush=True)
                count = 150 - count
                engine.change(changed(engine.config, {"agents.count": count}))
            engine.check()
            time.sleep(0.002)
    raise SystemExit(130)
"""


@pytest.mark.parametrize("after_s", [0.05, 0.4, 0.9])
def test_ctrl_c_in_the_middle_of_a_change_ends_everything(tmp_path, after_s):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout.readline() == "changes\n"
        time.sleep(after_s)
        everything = {process.pid, *descendants(process.pid)}
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        wait_for_end(everything, 3)
        assert process.returncode == 130
        assert "Traceback" not in errors
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def test_a_process_killed_while_its_workers_change_leaves_none_behind(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "changes\n"
    wait_until(lambda: len(descendants(process.pid)) > 2, 20, "other workers start")
    everything = descendants(process.pid)
    process.kill()
    process.communicate()
    wait_for_end(everything, 3)


def test_workers_killed_as_they_hand_over_are_replaced():
    """All of them, of both crews, in the very frame in which the others take over."""
    config = small(*TWO, "policy.checkpoint=random")
    with Engine(config, None) as engine:
        engine.wait_ready()
        engine.run_freely()
        for count in (90, 64):
            engine.change(changed(config, {"agents.count": count}))
            check_until(engine, lambda: not engine.changing)
            for pid in sorted(own_descendants()):
                kill_if_there(pid)
            wait_for_progress(engine)
        tick = engine.rest()
        assert engine.state_hash() == replayed(config, engine.changes, tick)
