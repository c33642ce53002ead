"""A run on a cluster is the run on one machine, whatever happens to its nodes."""

import random
import time
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from clusters import on_cluster
from crowds import check_until, crowd, hash_at, shipped, small

from valuescape.sim.cells.grid import VisitGrid
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.moving import Move, Moving
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.config.files import changed
from valuescape.sim.crew.failures import WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.stepping.stepper import ROW_ARRAYS

CLUSTER = "workers.cluster=local", "workers.keep_ticks=20", "workers.max_restarts=1000", "agents.count=140"
RUNS = {
    "noisy actor": ("world.name=point_mass", "policy.exploration=0.3"),
    "spread": ("world.name=pendulum", 'world.parameters={gravity="8..12"}', "policy.exploration=0.2"),
    "environments": ("world.name=gymnasium:CartPole-v1", "policy.checkpoint=random", "agents.count=70"),
    "plain": ("world.name=mountain_car", "features.simd=false", "policy.checkpoint=random"),
}
"""Worlds compiled and in NumPy, and of Gymnasium; noise, agents' own parameters and random actions."""


def run(name, *changes):
    """Return the configuration of one of RUNS, and its checkpoint."""
    config = small(*CLUSTER, *RUNS[name], *changes)
    return config, None if config.policy.checkpoint == "random" else shipped(config)


@pytest.fixture(scope="module")
def local():
    """Return the state hash of each of RUNS after 100 ticks on one machine."""
    return {name: hash_at(100, *run(name)) for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("nodes", [1, 2, 3, 7])
def test_any_number_of_nodes_comes_to_the_same_state(local, name, nodes):
    """Also more of them than there are blocks of agents."""
    with on_cluster(*run(name), nodes) as (engine, _):
        engine.advance_to(100)
        assert engine.state_hash() == local[name]


@pytest.mark.parametrize("name", ["noisy actor", "spread", "plain"])
@pytest.mark.parametrize("seed", range(3))
def test_nodes_that_are_lost_cut_off_and_joined_at_random_change_nothing(local, name, seed):
    """In step and beside the caller; one node at least is there at any time, or comes soon."""
    chance = random.Random(seed)
    with on_cluster(*run(name, "workers.heartbeat_timeout=0.02"), 3) as (engine, nodes):
        while engine.newest_tick < 100:
            there = [each for each in nodes.nodes if not (each.lost or each.cut or each.mute)]
            if len(there) > 1 or not there or chance.random() < 0.3:
                happens = chance.choice(["kill", "cut", "mute", "join"]) if there else "join"
            else:
                happens = "nothing"
            if happens == "kill":
                chance.choice(there).kill()
            elif happens == "cut":
                chance.choice(there).cut = True
            elif happens == "mute":
                chance.choice(there).mute = True
            if happens == "join" or len(there) < 2:
                nodes.join()
            goal = min(100, engine.newest_tick + chance.randrange(1, 30))
            if chance.random() < 0.5:
                engine.advance_to(goal)
            else:
                engine.run_until(goal)
                check_until(engine, lambda goal=goal: engine.newest_tick == goal)
        assert engine.team.losses > 0
        assert engine.state_hash() == local[name]


def test_a_lost_slice_goes_on_from_rows_that_another_node_kept():
    """Not from tick 0: hosts are asked for the tick that they begin at."""
    with on_cluster(*run("noisy actor"), 2) as (engine, nodes):
        engine.advance_to(90)
        began = []
        begin = nodes.nodes[1].host.begin
        nodes.nodes[1].host.begin = lambda task, *rows: (
            began.append((task.first_tick, len(rows))),
            begin(task, *rows),
        )[1]
        nodes.nodes[0].kill()
        engine.advance_to(91)
        assert began == [(60, 1)]  # the newest rows with which 16 ticks of trails are complete at 90


@pytest.mark.parametrize("name", ["noisy actor", "environments"])
def test_the_last_node_may_be_lost_if_another_comes(local, name):
    """Environments of Gymnasium are brought where they were by the actions of their episodes."""
    with on_cluster(*run(name), 1) as (engine, nodes):
        engine.advance_to(70)
        nodes.nodes[0].kill()
        nodes.join()
        engine.advance_to(100)
        assert engine.state_hash() == local[name]


def test_a_run_without_nodes_ends_with_a_sentence():
    with on_cluster(*run("noisy actor", "workers.start_timeout=0.1"), 1) as (engine, nodes):
        nodes.nodes[0].kill()
        with pytest.raises(
            WorkerFailedError, match=r"no node of the cluster 'local' is left: node stub 0 was lost"
        ):
            engine.advance_to(10)


def test_too_many_losses_end_a_run():
    with on_cluster(*run("noisy actor", "workers.max_restarts=2"), 4) as (engine, nodes):
        for node in nodes.nodes[:2]:
            node.kill()
            engine.advance_to(engine.newest_tick + 2)
        nodes.nodes[2].kill()
        with pytest.raises(
            WorkerFailedError, match=r"2 losses before it within 60 s \(workers.max_restarts\)"
        ):
            engine.advance_to(9)


def test_a_remark_about_nodes_is_told_before_losses():
    """As one on processors that round differently."""
    config, checkpoint = run("noisy actor")
    nodes = StubNodes(2)
    nodes.remark = "node stub 1 rounds differently"
    with ClusterEngine(config, checkpoint, lambda: nodes) as engine:
        engine.wait_ready()
        assert (engine.loss, engine.loss) == ("node stub 1 rounds differently", "")
        nodes.nodes[1].kill()
        engine.advance_to(3)
        assert engine.loss == "node stub 1 was lost: stub 1: its process ended"


def test_a_node_that_joins_gets_its_share():
    with on_cluster(*run("noisy actor"), 1) as (engine, nodes):
        engine.advance_to(50)
        nodes.join(cpus=4)
        engine.advance_to(60)
        assert {member.node.name: sum(map(len, member.slices)) for member in engine.team.members} == {
            "stub 0": 32,
            "stub 1": 108,
        }


def test_rows_of_kept_agents_are_those_of_the_same_run_here():
    config, checkpoint = run("noisy actor")
    with crowd(config, checkpoint) as here, on_cluster(config, checkpoint, 3, kept=40) as (there, _):
        for tick in (0, 1, 7, 30):
            here.advance_to(tick)
            there.advance_to(tick)
            for name in ROW_ARRAYS:
                assert np.array_equal(there.recent_row(name, tick), here.row(name, tick)[..., :40]), name
            for name in ("trail_position", "trail_strand"):
                assert np.array_equal(there.row(name, tick), here.row(name, tick)[:40])


def test_what_is_not_kept_is_asked_for():
    config, checkpoint = run("spread")
    with crowd(config, checkpoint) as here, on_cluster(config, checkpoint, 3, kept=1) as (there, _):
        here.advance_to(100)
        there.advance_to(100)
        some = slice(3, 140, 17)
        for name in ("state", "reward", "parameter"):
            assert np.array_equal(there.recent_row(name, 100, some), here.recent_row(name, 100, some))
        assert np.array_equal(there.whole_row("trail_position", 95), here.row("trail_position", 95))
        assert there.place_of(99, 100).tolist() == here.place_of(99, 100).tolist()
        assert there.episode_of(99, 100) == here.episode_of(99, 100)
        ours, theirs = there.episodes(), here.episodes()
        assert all(
            np.array_equal(getattr(ours, each.name), getattr(theirs, each.name)) for each in fields(ours)
        )
        assert there.recent_row("state", 50, some) is None


def test_statistics_of_episodes_are_of_all_agents():
    config, checkpoint = run("noisy actor")
    with crowd(config, checkpoint) as here, on_cluster(config, checkpoint, 3, kept=1) as (there, _):
        here.advance_to(100)
        there.advance_to(100)
        ours, theirs = there.episode_stats(), here.episode_stats()
        assert (ours.finished, ours.terminated) == (theirs.finished, theirs.terminated)
        assert theirs.finished > 10
        assert ours.mean_return == pytest.approx(theirs.mean_return, rel=1e-12)
        assert ours.mean_length == theirs.mean_length


def test_numbers_change_on_all_nodes_at_one_tick_and_a_lost_slice_meets_the_change_again():
    config, checkpoint = run("spread")
    other = changed(config, {"policy.exploration": 0.6, "world.parameters.gravity": "5..6"})
    with on_cluster(config, checkpoint, 3) as (engine, nodes):
        engine.run_freely()
        check_until(engine, lambda: engine.newest_tick > 40)
        engine.change(other)
        engine.finish_change()
        changed_at = engine.changes[-1].tick
        nodes.nodes[2].kill()
        engine.advance_to(changed_at + 30)
        found = engine.state_hash()
    with crowd(config, checkpoint) as engine:
        engine.advance_to(changed_at)
        engine.change(other)
        engine.finish_change()
        assert engine.changes[-1].tick == changed_at
        engine.advance_to(changed_at + 30)
        assert engine.state_hash() == found


@pytest.mark.parametrize("change", [{"agents.count": 200}, {"trails.length": 20}, {"workers.max_lead": 3}])
def test_what_cannot_change_on_a_cluster_is_refused_by_name(change):
    with on_cluster(*run("noisy actor"), 1) as (engine, _):
        name = next(iter(change))
        with pytest.raises(UsageError, match=rf"{name} = \d+ cannot change during a run on a cluster"):
            engine.change(changed(engine.config, change))
        assert not engine.changing


def test_worlds_whose_agents_meet_are_refused_by_name():
    with pytest.raises(UsageError, match=r"world\.name = 'flock': its agents see each other"):
        ClusterEngine(small(*CLUSTER, "world.name=flock"), None, lambda: StubNodes(1))


def test_an_error_of_the_world_names_agents_by_their_numbers_in_the_run():
    with on_cluster(*run("plain"), 2) as (engine, nodes):
        engine.advance_to(3)
        world = next(iter(nodes.nodes[1].host._slices.values())).engine._crew.stepper().world

        def step(*_):
            raise ZeroDivisionError("too old")

        world.step = step
        with pytest.raises(
            WorkerFailedError, match=r"agents 64 to 139\) failed after tick 3: ZeroDivisionError"
        ):
            engine.advance_to(9)


def test_hosts_that_never_get_to_work_are_no_losses_but_end_a_run_that_has_no_others():
    config, checkpoint = run("noisy actor", "workers.max_restarts=0", "workers.start_timeout=0.2")
    nodes = StubNodes(2)
    nodes.nodes[1].kill()
    with ClusterEngine(config, checkpoint, lambda: nodes) as engine:
        engine.wait_ready()
        engine.advance_to(5)
        assert (engine.nodes, engine.team.losses, engine.loss) == (1, 0, "")
    nodes = StubNodes(1)
    nodes.nodes[0].kill()
    with (
        ClusterEngine(config, checkpoint, lambda: nodes) as engine,
        pytest.raises(WorkerFailedError, match="is left: node stub 0 was lost: stub 0: its process ended"),
    ):
        engine.wait_ready()


def test_a_node_that_is_silent_before_it_has_anything_to_do_is_noticed_as_soon_as_others():
    """Its process has started, and it has nothing to compile."""
    with on_cluster(*run("plain", "agents.count=40", "workers.heartbeat_timeout=0.2"), 3) as (engine, _):
        engine.advance_to(5)
        idle = next(each for each in engine.team.at_work if not each.slices)
        idle.node.cut = True
        began = time.monotonic()
        engine.advance_to(10)
        assert time.monotonic() - began < 10
        assert (len(engine.team.at_work), engine.team.losses) == (2, 1)


def test_a_node_that_has_the_rows_that_others_wait_for_is_noticed_when_it_is_silent():
    """Also by itself: it is to go on from rows that it keeps."""
    with on_cluster(*run("noisy actor", "workers.heartbeat_timeout=0.2"), 1) as (engine, nodes):
        engine.advance_to(50)
        nodes.nodes[0].mute = True
        nodes.join()
        began = time.monotonic()
        engine.advance_to(60)
        assert time.monotonic() - began < 10
        assert [member.node.name for member in engine.team.at_work] == ["stub 1"]


def test_a_run_is_level_only_once_a_slice_that_moved_has_come_up(monkeypatch):
    """Answers of a round that was asked before the slice had begun say nothing of it, whenever they come."""
    go_on, asked = Moving._go_on, Counter()

    def later(moving):  # its rows are on their way for a while
        asked[id(moving)] += 1
        return Move.UNDER_WAY if asked[id(moving)] < 4 else go_on(moving)

    monkeypatch.setattr(Moving, "_go_on", later)
    with on_cluster(*run("noisy actor"), 3) as (engine, nodes):
        engine.advance_to(50)
        nodes.nodes[0].kill()
        engine.run_until(90)
        behind = Counter()
        for turn in range(60):
            nodes.nodes[2].mute = 2 <= turn < 12  # so that the round stays open
            engine.check()
            hosted = [each for node in nodes.nodes[1:] for each in node.host._slices.values()]
            behind[any(each.complete < engine.newest_tick for each in hosted)] += 1
            assert not engine.is_level or all(each.complete >= engine.newest_tick for each in hosted)
        check_until(engine, lambda: engine.is_level)
        assert behind[True], "it came up step by step"


def test_a_run_that_has_failed_is_shown_as_far_as_it_came():
    """Nothing waits for a node any more, and nothing of it raises that a picture needs."""
    with on_cluster(*run("noisy actor", "workers.max_restarts=0"), 2) as (engine, nodes):
        cells = engine.cell_reader(8)
        engine.advance_to(300)
        known, visits = engine.episode_stats(), VisitGrid(8, (-1.0, -1.0), (1.0, 1.0))
        drawn = cells.take(300, np.arange(20), visits).drawn
        nodes.nodes[0].kill()
        with pytest.raises(WorkerFailedError, match="giving up") as failed:
            engine.advance_to(310)
        assert not engine.is_level
        assert engine.episode_stats() == known
        assert known.finished
        news = cells.take(engine.newest_tick, np.arange(20), visits)
        assert (len(news.new), news.drawn.tolist()) == (0, drawn.tolist())
        assert engine.recent_row("state", 300) is not None
        assert engine.rows_of(("state",), 300, np.array([130])) is None
        with pytest.raises(LookupError):
            engine.episode_of(130, 300)
        with pytest.raises(WorkerFailedError) as again:
            engine.tick_arrays()
        assert again.value is failed.value
