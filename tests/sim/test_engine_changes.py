"""An engine goes on with another configuration: agents that stay do as if nothing had changed."""

import resource
from pathlib import Path

import numpy as np
import pytest
from crowds import check_until, crowd, hash_at, shipped, small
from processes import open_files, own_descendants, wait_for_end

from valuescape.sim import changes
from valuescape.sim.config.files import Config, changed
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.layout import Ending

NOISY = ("policy.exploration=0.2", "world.name=mountain_car_continuous")
"""A policy with noise, of which every tick draws numbers; the actors' networks see all agents."""


def change(engine, *_, **settings):
    """Change settings (`section__key=value`) and wait for it; return the tick from which they hold."""
    config = changed(engine.config, {name.replace("__", "."): value for name, value in settings.items()})
    engine.change(config)
    engine.finish_change()
    assert engine.change_failed == ""
    assert engine.config == config
    return engine.changes[-1].tick


def replayed(first, changes, end, checkpoint):
    """Return the state hash of a run of `first` that is changed at the same ticks; in lockstep."""
    with crowd(first, checkpoint) as engine:
        for each in changes:
            engine.advance_to(each.tick)
            engine.change(each.config)
            engine.finish_change()
        assert [each.tick for each in engine.changes] == [each.tick for each in changes]
        engine.advance_to(end)
        return engine.state_hash()


def with_workers(changes, count):
    """Return the changes with another number of workers."""
    return [type(each)(each.tick, changed(each.config, {"workers.count": count})) for each in changes]


@pytest.fixture(scope="module")
def policy():
    """Return the checkpoint of NOISY."""
    return shipped(small(*NOISY))


def test_other_numbers_of_workers_change_nothing_but_the_workers(policy):
    """In step with the caller: from none to two, one, and none."""
    config = small(*NOISY)
    with crowd(config, policy) as engine:
        for number, workers in enumerate((0, 2, 1, 0)):
            if number:
                assert change(engine, workers__count=workers) == 40 * number
            assert (engine.workers, len(engine.worker_pids)) == (workers, workers)
            engine.advance_to(40 * (number + 1))
            wait_for_end(own_descendants() - set(engine.worker_pids), 3)
        assert engine.generation == 3
        assert engine.state_hash() == hash_at(160, config, policy)


def test_workers_change_while_ticks_are_made_beside_the_caller(policy):
    config = small(*NOISY, "workers.count=1", "sim.ticks_per_s=500")
    with crowd(config, policy) as engine:
        engine.run_freely()
        for workers in (2, 0):
            tick = change(engine, workers__count=workers)
            check_until(engine, lambda tick=tick: engine.newest_tick > tick + 10)
        tick = engine.rest()
        assert engine.state_hash() == hash_at(tick, small(*NOISY), policy)


def test_agents_that_stay_do_as_in_a_run_that_never_changed(policy):
    """Their rows, episodes and trails, whether others come or go; and those that come begin there."""
    with crowd(small(*NOISY, "agents.count=33"), policy) as other, crowd(small(*NOISY), policy) as engine:
        other.advance_to(30)
        engine.advance_to(30)
        assert change(engine, agents__count=129) == 30
        others = engine.tick_arrays()
        assert (others["episode number"][70:] == 0).all()
        assert (others["episode step"][70:] == 0).all()
        assert np.isfinite(others["state"][:, 70:]).all()
        engine.advance_to(37)
        assert change(engine, agents__count=33) == 37
        engine.advance_to(41)
        other.advance_to(41)
        assert engine.state_hash() == other.state_hash()


def test_new_agents_start_where_agents_of_that_number_start_and_have_no_trail_before(policy):
    with crowd(small(*NOISY), policy) as engine:
        engine.advance_to(20)
        change(engine, agents__count=90)
        new = slice(70, 90)
        with crowd(small(*NOISY, "agents.count=90"), policy) as fresh:
            assert (engine.row("state", 20)[:, new] == fresh.row("state", 0)[:, new]).all()
        assert (engine.row("trail_position", 20)[new] == engine.row("state", 20)[:, new].T).all()
        before = [engine.row("trail_position", tick) for tick in range(20 - 15, 20)]
        assert all(np.isnan(row[new]).all() and np.isfinite(row[:70]).all() for row in before)
        broken = engine.row("trail_strand", 19) != engine.row("trail_strand", 20)
        assert broken[new].all()
        assert not broken[:70].any()
        assert engine.recent_row("state", 19)[:, :70].tobytes() == engine.row("state", 19)[:, :70].tobytes()
        engine.advance_to(400)
        assert (engine.episodes().number[new] > 0).any()


@pytest.mark.parametrize(("before", "after"), [(16, 40), (40, 16)])
def test_trails_become_longer_or_shorter_and_keep_what_both_lengths_reach(before, after):
    config = small(f"trails.length={before}")
    with crowd(config) as engine, crowd(small(f"trails.length={after}")) as other:
        engine.advance_to(50)
        other.advance_to(50)
        change(engine, trails__length=after)
        for tick in range(50 + 1 - min(before, after), 51):
            for name in ("trail_position", "trail_strand"):
                assert (engine.row(name, tick) == other.row(name, tick)).all()
        if after > before:
            assert np.isnan(engine.row("trail_position", 50 - before)).all()
            assert (engine.row("trail_strand", 50 - before) != engine.row("trail_strand", 51 - before)).all()
        for each in (engine, other):
            each.advance_to(100)
        assert engine.state_hash() == other.state_hash()


def test_rows_that_a_longer_ring_never_had_are_not_read():
    with crowd(small("workers.max_lead=2")) as engine:
        engine.advance_to(30)
        assert engine.recent_row("state", 28) is not None
        change(engine, workers__max_lead=6)
        assert engine.recent_row("state", 28) is not None
        assert engine.recent_row("state", 26) is None
        engine.advance_to(34)
        assert engine.recent_row("state", 28) is not None


@pytest.mark.parametrize("workers", [0, 2])
def test_exploration_changes_between_two_ticks(policy, workers):
    """All agents' actions are the policy's up to that tick, and noisy from the next on."""
    config = small("world.name=mountain_car_continuous", f"workers.count={workers}")
    with crowd(config, policy) as engine, crowd(config, policy) as quiet:
        engine.advance_to(25)
        arena = engine.arena
        assert change(engine, policy__exploration=0.5) == 25
        assert engine.arena is arena
        engine.advance_to(26)
        quiet.advance_to(25)
        assert (engine.row("state", 25) == quiet.row("state", 25)).all()
        quiet.advance_to(26)
        assert (engine.row("action", 26) != quiet.row("action", 26)).any(axis=0).mean() > 0.5
        again = engine.changes
        engine.advance_to(60)
        assert engine.state_hash() == replayed(small(*NOISY[1:]), with_workers(again, 0), 60, policy)


def test_a_run_of_changes_comes_to_the_same_again_with_other_numbers_of_workers(policy):
    """Beside the caller, with a change of every kind, and some wanted while another is under way."""
    config = small(*NOISY, "workers.count=2")
    with crowd(config, policy) as engine:
        engine.run_freely()
        wanted = (
            {"agents.count": 100},
            {"policy.exploration": 0.4},
            {"agents.count": 40, "trails.length": 9},
            {"policy.exploration": 0.0},
            {"workers.count": 1},
        )
        for each in wanted:
            tick = engine.newest_tick
            engine.change(changed(engine._changing.asked(engine).config, each))
            check_until(engine, lambda tick=tick: engine.newest_tick > tick + 5)
        engine.finish_change()
        assert engine.change_failed == ""
        assert engine.config == changed(config, {k: v for each in wanted for k, v in each.items()})
        end = engine.rest()
        first = changed(config, {"workers.count": 0})
        assert replayed(first, with_workers(engine.changes, 0), end, policy) == engine.state_hash()


def test_exploration_does_not_wait_for_a_succession_and_the_newest_of_several_waits(policy):
    with crowd(small(*NOISY), policy) as engine:
        engine.advance_to(5)
        for count in (90, 100, 110):
            engine.change(changed(engine.config, {"agents.count": count}))
        engine.change(changed(engine.config, {"agents.count": 110, "policy.exploration": 0.9}))
        assert engine.changing
        engine.finish_change()
        assert [each.config.agents.count for each in engine.changes] == [90, 110]
        engine.change(changed(engine.config, {"workers.count": 1}))
        engine.change(changed(engine.config, {"workers.count": 1, "policy.exploration": 0.1}))
        assert engine.config.workers.count == 0
        while engine.config.policy.exploration != 0.1:
            engine.check()
        assert engine.config.workers.count == 0
        engine.finish_change()
        assert (engine.config.workers.count, engine.config.policy.exploration) == (1, 0.1)
        assert engine.arena["main"][0]["exploration"] == np.float32(0.1)


def test_what_the_engine_does_not_read_is_taken_over_at_once():
    with crowd(small()) as engine:
        engine.change(changed(engine.config, {"render.glow": 0.5, "agents.size_px": 3.0}))
        assert (engine.changing, engine.changes, engine.generation) == (False, [], 0)
        assert (engine.config.render.glow, engine.config.agents.size_px) == (0.5, 3.0)


def test_another_checkpoint_takes_over_between_two_ticks(policy):
    """Of any shape: here none at all, and then the first again."""
    config = small(*NOISY, "workers.count=1")
    with crowd(config, policy) as engine, crowd(config, policy) as same:
        engine.advance_to(20)
        same.advance_to(20)
        engine.change(config, None)
        engine.finish_change()
        assert engine.checkpoint is None
        assert (engine.row("state", 20) == same.row("state", 20)).all()
        same.advance_to(21)
        engine.advance_to(21)
        assert (engine.row("action", 21) != same.row("action", 21)).any()
        assert (engine.row("action", 21) == random_actions_at(21)).all()
        engine.change(config, policy)
        engine.finish_change()
        assert engine.checkpoint is policy
        assert [each.tick for each in engine.changes] == [20, 21]


def random_actions_at(tick):
    """Return the actions that agents without a policy take on the way to a tick."""
    with crowd(small(*NOISY)) as engine:
        engine.advance_to(tick)
        return engine.row("action", tick).copy()


@pytest.mark.parametrize(
    "world", ["world.name=flock", "world.name=gymnasium:CartPole-v1", "world.name=pendulum"]
)
def test_worlds_of_every_kind_go_on_with_other_workers(world):
    config = small(world, "agents.count=64")
    with crowd(config) as engine:
        engine.advance_to(30)
        change(engine, workers__count=2)
        engine.advance_to(60)
        change(engine, workers__count=0)
        engine.advance_to(90)
        assert engine.state_hash() == hash_at(90, config)


@pytest.mark.parametrize("world", ["flock", "gymnasium:CartPole-v1"])
def test_worlds_of_every_kind_take_more_and_fewer_agents(world):
    config = small(f"world.name={world}", "workers.count=1", "agents.count=64")
    with crowd(config) as engine:
        engine.advance_to(12)
        change(engine, agents__count=80)
        engine.advance_to(33)
        change(engine, agents__count=40)
        extent = engine.world.state[0].high
        engine.advance_to(50)
        assert np.isfinite(engine.row("state", 50)).all()
        if world == "flock":
            assert (engine.row("state", 50)[:2] <= extent).all()
            assert np.hypot(*engine.row("state", 50)[2:]) == pytest.approx(1, abs=1e-5)
        again = with_workers(engine.changes, 0)
        assert engine.state_hash() == replayed(
            small(f"world.name={world}", "agents.count=64"), again, 50, None
        )


def test_birds_stay_inside_a_square_that_shrinks():
    """The square of a flock has room for its birds: those outside the new one enter on the other side."""
    with crowd(small("world.name=flock", "agents.count=200")) as engine:
        engine.advance_to(10)
        before = engine.row("state", 10)[:, :50].copy()
        change(engine, agents__count=50)
        extent, inside = engine.world.state[0].high, engine.row("state", 10)
        assert (before[:2] > extent).any()
        assert ((inside[:2] >= 0) & (inside[:2] <= extent)).all()
        assert inside[:2] == pytest.approx(before[:2] % extent, abs=1e-3)
        moved = (before[:2] > extent).any(axis=0)
        broken = engine.row("trail_strand", 10) != engine.row("trail_strand", 9)
        assert broken[moved].all()
        assert (inside[:2] == engine.row("trail_position", 10).T).all()
        engine.advance_to(30)
        assert (engine.row("ending", 30) == Ending.RUNNING).all()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("world.name", "pendulum"), ("run.seed", 6), ("heatmap.axes", "x velocity, x")],
)
def test_what_would_be_another_run_is_refused_before_anything_is_started(setting, value):
    with crowd(small()) as engine:
        with pytest.raises(UsageError, match=rf"^{setting} = .* cannot change during a run"):
            engine.change(changed(engine.config, {setting: value}))
        assert not engine.changing
        assert own_descendants() == set()


def test_an_engine_that_is_given_actions_refuses_changes():
    with Engine(small(), None, given_actions=True) as engine, pytest.raises(UsageError, match="given"):
        engine.change(changed(engine.config, {"agents.count": 71}))


@pytest.fixture
def few_files():
    """Let this process open no more than a few further files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files() + 100, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_change_that_does_not_fit_the_machine_leaves_the_engine_as_it_was(policy, few_files):
    config = small(*NOISY, "workers.count=1")
    with crowd(config, policy) as engine:
        engine.run_freely()
        for settings, said in (
            ({"agents.count": 4_000_000, "trails.length": 4096}, "GiB of shared memory"),
            ({"workers.count": 100}, "workers.count = 100 takes about"),
        ):
            engine.change(changed(config, settings))
            engine.finish_change()
            assert said in engine.change_failed
            assert engine.change_failed == ""
            assert engine.config == config
        tick = engine.newest_tick
        check_until(engine, lambda: engine.newest_tick > tick + 5)
        assert (engine.changes, engine.generation) == ([], 0)
        tick = engine.rest()
        assert engine.state_hash() == hash_at(tick, small(*NOISY), policy)


def mapped() -> int:
    """Return how many arenas this process maps."""
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("memfd:valuescape")


def test_what_was_before_is_freed():
    maps, files = mapped(), open_files()
    with crowd(small("workers.count=1")) as engine:
        engine.run_freely()
        for count in (80, 90):
            change(engine, agents__count=count)
        check_until(engine, lambda: own_descendants() == set(engine.worker_pids))
        engine.check()
        assert mapped() == maps + 1
    assert (mapped(), open_files()) == (maps, files)


def test_an_engine_that_is_left_in_the_middle_of_a_change_leaves_nothing():
    maps, files = mapped(), open_files()
    for steps in (1, 3, 30):
        with crowd(small("workers.count=1")) as engine:
            engine.change(changed(engine.config, {"agents.count": 90, "workers.count": 2}))
            for _ in range(steps):
                engine.check()
        assert own_descendants() == set()
    assert (mapped(), open_files()) == (maps, files)


def test_of_many_changes_the_newest_are_kept_and_share_what_is_the_same(monkeypatch):
    monkeypatch.setattr(changes, "KEPT_CHANGES", 3)
    log, config = changes.ChangeLog(), Config()
    for tick in range(5):
        log.add(changes.EngineChange(tick, changed(config, {"policy.exploration": tick / 10})))
    assert log.count == 5
    assert [each.tick for each in log.since(0)] == [2, 3, 4]
    assert [each.tick for each in log.since(4)] == [4]
    assert log.since(5) == []
    first, *_, last = log.since(0)
    assert last.config.policy.exploration == 0.4
    assert last.config.trails is first.config.trails
