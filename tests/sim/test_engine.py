"""The engine: the same run for any number of workers, in step with frames or beside them."""

import gc
import os
import time

import numpy as np
import pytest
from crowds import check_until, crowd, hash_at, shipped, small
from multiprocess import resource_tracker
from processes import open_files, own_descendants

from valuescape.sim.crew.worker_count import WORTH_S, tick_seconds, worker_count
from valuescape.sim.shared.layout import EPISODE, NO_LIMIT
from valuescape.sim.stepping.stepper import ROW_ARRAYS

RUNS = {
    "random": ("world.name=pendulum", "policy.checkpoint=random"),
    "actor": ("world.name=point_mass",),
    "noisy actor": ("world.name=point_mass", "policy.exploration=0.3"),
    "noisy choice": ("world.name=mountain_car", "policy.exploration=0.2"),
}


def run(name, *changes):
    """Return the configuration of one of RUNS, and its checkpoint."""
    config = small(*RUNS[name], *changes)
    return config, None if config.policy.checkpoint == "random" else shipped(config)


@pytest.fixture(scope="module")
def plain():
    """Return the state hash of each of RUNS after 300 ticks, stepped without processes."""
    return {name: hash_at(300, *run(name)) for name in RUNS}


@pytest.mark.regression
@pytest.mark.parametrize(
    ("name", "workers"),
    [
        *(("random", 1), ("random", 3), ("actor", 3), ("noisy actor", 3), ("noisy choice", 2)),
        ("noisy choice", 4),  # more than there are blocks of agents: one worker has none
    ],
)
def test_parallel_agents_do_as_agents_in_one_process(plain, name, workers):
    assert hash_at(300, *run(name, f"workers.count={workers}")) == plain[name]


@pytest.mark.regression
@pytest.mark.parametrize(("name", "workers"), [("random", 3), ("noisy choice", 2)])
def test_parallel_agents_do_so_without_machine_code_too(name, workers):
    alone, shared = (run(name, "features.simd=false", f"workers.count={count}") for count in (0, workers))
    assert hash_at(300, *shared) == hash_at(300, *alone)


@pytest.mark.regression
def test_machine_code_does_as_numpy(plain):
    """Without a network, whose sums are rounded in another order."""
    assert hash_at(300, *run("random", "features.simd=false")) == plain["random"]


@pytest.mark.regression
def test_forked_workers_do_as_spawned_ones_without_machine_code():
    changes = "features.simd=false", "policy.checkpoint=random"
    spawned = small("workers.count=2", "workers.start_method=spawn", *changes)
    assert hash_at(300, small("workers.count=3", *changes)) == hash_at(300, spawned)


@pytest.mark.regression
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ["random", "noisy actor"])
def test_async_physics_does_as_lockstep(plain, name, workers):
    with crowd(*run(name, f"workers.count={workers}", "workers.max_lead=3")) as engine:
        engine.run_until(300)
        check_until(engine, lambda: engine.newest_tick == 300)
        assert engine.state_hash() == plain[name]


def test_without_parallel_agents_there_is_no_process():
    config = small("workers.count=3", "features.parallel_agents=false")
    with crowd(config) as engine:
        assert own_descendants() == set()
        assert (engine.workers, engine.worker_pids) == (0, [])


def test_runs_that_differ_have_different_hashes(plain):
    assert len(set(plain.values())) == len(RUNS)
    assert hash_at(300, *run("random", "run.seed=6")) != plain["random"]
    assert hash_at(301, *run("random")) != plain["random"]
    assert hash_at(300, *run("random", "agents.count=71")) != plain["random"]


@pytest.mark.parametrize("name", ROW_ARRAYS)
def test_the_hash_sees_a_single_bit(name):
    with crowd(small()) as engine:
        engine.advance_to(10)
        before = engine.state_hash()
        engine.row(name, 10).view(np.uint8)[..., -1] ^= 1
        assert engine.state_hash() != before


@pytest.mark.parametrize("name", [name for name in EPISODE.names if name != "pad"])
def test_the_hash_sees_a_single_bit_of_an_episode(name):
    with crowd(small()) as engine:
        engine.advance_to(10)
        before = engine.state_hash()
        newest = engine.arena["episodes"][-1, int(engine.episodes().number[-1]) % 2]
        newest[name] += 2 if name == "number" else 1  # an episode stays in its column
        assert engine.state_hash() != before


def test_the_hash_sees_the_oldest_trail_row():
    with crowd(small()) as engine:
        engine.advance_to(40)
        before = engine.state_hash()
        engine.row("trail_strand", 40 - 15)[0] += 1
        assert engine.state_hash() != before


def test_a_pause_leaves_all_workers_at_one_tick():
    with crowd(small("workers.count=3")) as engine:
        for _ in range(15):
            engine.run_freely()
            time.sleep(0.01)
            engine.pause()
            check_until(engine, lambda: engine.newest_tick == engine.furthest_tick)
            # A worker that began a tick before it read of the pause may make that one more.
            time.sleep(0.02)
            check_until(engine, lambda: engine.newest_tick == engine.furthest_tick)
            stands = engine.newest_tick
            time.sleep(0.02)
            assert (engine.newest_tick, engine.furthest_tick) == (stands, stands)
        assert stands > 15


def test_a_simulation_that_was_held_up_does_not_race_to_make_up_for_it():
    with crowd(small("sim.ticks_per_s=50")) as engine:
        engine.run_freely()
        began = time.monotonic()
        time.sleep(1)
        engine._crew._step = lambda until: None  # too slow to make even one tick in the time it may take
        engine.check()
        del engine._crew._step
        assert engine.newest_tick == 0
        while time.monotonic() - began < 1.2:
            engine.check()
        assert 0 < engine.newest_tick <= 12


def test_episode_stats_are_those_of_all_agents():
    with crowd(small("world.name=pendulum", "workers.count=2")) as engine:
        engine.advance_to(199)
        stats = engine.episode_stats()
        assert (stats.finished, stats.terminated) == (0, 0)
        assert np.isnan([stats.mean_return, stats.mean_length]).all()
        engine.advance_to(200)
        stats = engine.episode_stats()
        assert (stats.finished, stats.terminated, stats.mean_length) == (70, 0, 200)
        assert stats.mean_return == pytest.approx(float(engine.row("episode_return", 200).mean()))


def test_a_trail_row_is_known_to_be_overwritten():
    with crowd(small("workers.max_lead=3")) as engine:
        rows = engine.arena.layout.trail_rows
        engine.advance_to(rows - 2)
        assert engine.trail_intact(0)
        engine.advance_to(rows - 1)
        assert not engine.trail_intact(0)
        assert engine.trail_intact(1)


def test_the_trail_ring_holds_the_whole_trail_however_far_workers_are_ahead():
    config = small("workers.max_lead=5", "trails.length=16")
    with crowd(config) as engine:
        oldest_shown = 100 - 16
        engine.advance_to(100 + config.workers.max_lead)
        assert engine.trail_intact(oldest_shown)


@pytest.fixture
def long_tick(monkeypatch):
    """Make every tick take just long enough to be worth a worker, on four cores."""
    monkeypatch.setattr("valuescape.sim.crew.worker_count.tick_seconds", lambda *_: WORTH_S)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)))


def test_auto_leaves_the_main_process_a_core(long_tick, monkeypatch):
    assert worker_count(small("workers.count=auto", "agents.count=1000")) == 3
    assert worker_count(small("workers.count=auto", "agents.count=33")) == 2
    assert worker_count(small("workers.count=9", "agents.count=33")) == 9
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert worker_count(small("workers.count=auto")) == 1


def test_auto_starts_no_worker_for_a_tick_that_is_soon_made(long_tick, monkeypatch):
    monkeypatch.setattr("valuescape.sim.crew.worker_count.tick_seconds", lambda *_: WORTH_S * 0.9)
    assert worker_count(small("workers.count=auto", "agents.count=1000")) == 0
    assert worker_count(small("workers.count=2")) == 2


class Clockwork:
    """A stepper that takes a nanosecond per agent and tick, and the clock that shows it."""

    def __init__(self, config, _checkpoint):
        self.tick_s = 1e-9 * config.agents.count

    def initialise(self):
        Clockwork.now_s = 0.0

    def step_to(self, tick, until):
        Clockwork.now_s += self.tick_s * (until - tick)
        return until

    @staticmethod
    def perf_counter():
        return Clockwork.now_s


def test_the_tick_that_auto_measures_is_of_all_agents(monkeypatch):
    """Scaled up from the few with which it is measured."""
    monkeypatch.setattr("valuescape.sim.crew.worker_count._alone", Clockwork)
    monkeypatch.setattr("valuescape.sim.crew.worker_count.time", Clockwork)
    for count in (70, 100_000):
        assert tick_seconds(small(f"agents.count={count}"), None) == pytest.approx(1e-9 * count)


def test_as_many_workers_as_cores_have_one_each_and_fewer_may_move():
    cores = os.sched_getaffinity(0)
    with crowd(small(f"workers.count={len(cores)}", "agents.count=200")) as engine:
        assert [os.sched_getaffinity(pid) for pid in engine.worker_pids] == [{core} for core in sorted(cores)]
    with crowd(small(f"workers.count={len(cores) + 1}", "agents.count=200")) as engine:
        assert all(os.sched_getaffinity(pid) == cores for pid in engine.worker_pids)


def test_an_engine_leaves_no_descriptor_open():
    resource_tracker.ensure_running()
    with crowd(small("workers.count=2")):  # what Python and its libraries open once and keep
        pass
    gc.collect()
    before = open_files()
    for workers in (0, 2):
        with crowd(small(f"workers.count={workers}")) as engine:
            engine.advance_to(3)
    gc.collect()
    assert open_files() == before


def test_an_engine_that_is_left_by_an_error_raises_that_error():
    """Though the traceback holds on to a view of the memory, which then cannot be unmapped."""

    def fail(engine):
        held = engine.row("state", 0)
        raise LookupError(held.shape)

    with pytest.raises(LookupError), crowd(small("workers.count=1")) as engine:
        fail(engine)


def test_memory_counts_what_workers_take():
    with crowd(small("workers.count=0")) as alone:
        own = alone.memory_bytes()
    with crowd(small("workers.count=2")) as helped:
        helped.advance_to(5)
        assert helped.memory_bytes() > own + 2 * 2**20
        helped.run_until(NO_LIMIT)
