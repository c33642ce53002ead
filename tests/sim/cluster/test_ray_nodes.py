"""Nodes of a real Ray cluster, three on this machine: lost, hung and joined in earnest."""

import contextlib
import json
import os
import random
import re
import signal
import threading
import time

import psutil
import pytest
from crowds import check_until, hash_at, shipped, small
from processes import own_descendants, running, wait_for_end, wait_until
from ray_clusters import ray_machines

from valuescape.cli.app import run_cli
from valuescape.sim.cluster.asking import Asking, ClusterGoneError
from valuescape.sim.cluster.connecting import connected, ray_module
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.ray_nodes import RayNodes
from valuescape.sim.errors import UsageError

pytestmark = pytest.mark.ray

RUN = (
    *("world.name=point_mass", "policy.exploration=0.3", "agents.count=140", "workers.keep_ticks=20"),
    *("workers.max_restarts=1000", "workers.heartbeat_timeout=10", "workers.start_timeout=60"),
)
"""Patient, for other tests run beside these."""


@pytest.fixture(scope="module")
def machines():
    """Return the cluster of all tests here; nothing of it is left behind."""
    before = own_descendants()
    with ray_machines(2) as made:
        yield made
    wait_for_end(own_descendants() - before, 10.0)


@pytest.fixture(autouse=True)
def _leaves_nothing_behind():
    """Take the place of the check after each test: `machines` does it after all.

    Between them the daemons of Ray start and end processes as they like.
    """


@pytest.fixture(scope="module")
def local():
    """Return the hash of the same run on one machine after 100 ticks."""
    config = small(*RUN)
    return hash_at(100, config, shipped(config))


@contextlib.contextmanager
def on(machines, *changes):
    """Return an engine on the cluster that is ready."""
    config = small(*RUN, f"workers.cluster={machines.address}", *changes)
    with ClusterEngine(config, shipped(config), lambda: RayNodes(config.workers)) as engine:
        engine.wait_ready()
        yield engine


def hosts(engine):
    """Return the process ids of the hosts."""
    actors = [member.node._actor for member in engine.team.at_work]
    return ray_module().get(
        [each.__ray_call__.remote(lambda _: __import__("os").getpid()) for each in actors]
    )


def test_two_nodes_and_a_third_that_joins_come_to_the_same_state(machines, local):
    """Also with workers of their own, which end with the run."""
    with on(machines, "workers.count=1") as engine:
        assert len(engine.team.at_work) == 2
        engine.advance_to(30)
        pids = hosts(engine)
        workers = {each.pid for pid in pids for each in psutil.Process(pid).children(recursive=True)}
        assert len(workers) >= 2
        machines.have(3)
        check_until(engine, lambda: engine.nodes == 3)
        engine.run_until(100)
        check_until(engine, lambda: engine.newest_tick == 100)
        assert [len(agents) for agents, _ in engine.team.slices] == [64, 32, 44]
        assert engine.state_hash() == local
    wait_until(lambda: not any(map(running, [*pids, *workers])), 10.0, "hosts and workers end")
    machines.lose(2)


@pytest.mark.chaos
def test_hosts_and_nodes_that_are_killed_at_random_change_nothing(machines, local):
    """Processes by SIGKILL, a host that hangs by SIGSTOP, a node with all of its processes."""
    chance = random.Random(1)
    machines.have(3)
    with on(machines, "workers.heartbeat_timeout=3") as engine:
        for what in ("kill", "node", "hang"):
            engine.advance_to(min(99, engine.newest_tick + chance.randrange(5, 25)))
            # A host that is lost while it starts is no loss.
            check_until(engine, lambda: engine.nodes == len(machines.nodes), 60.0)
            losses = engine.team.losses
            if what == "node":
                machines.lose(2)
            else:
                pid = chance.choice(sorted(hosts(engine)))
                os.kill(pid, signal.SIGKILL if what == "kill" else signal.SIGSTOP)
            engine.advance_to(engine.newest_tick + 1)
            check_until(engine, lambda before=losses: engine.team.losses > before and engine.is_level)
        engine.advance_to(100)
        assert engine.state_hash() == local


@pytest.mark.chaos
def test_a_host_ends_with_rays_own_process_of_its_node(machines, local):
    """Which is killed, and whose end nobody notes: Ray takes it for alive."""
    machines.have(3)
    with on(machines) as engine:
        engine.advance_to(30)
        check_until(engine, lambda: engine.nodes == 3, 60.0)
        (host,) = machines.processes_of(2, "ray::HostActor")
        machines.send(signal.SIGKILL, 2, "raylet/raylet")
        wait_until(lambda: not running(host.pid), 10.0, "the host ends")
        engine.advance_to(100)
        assert engine.state_hash() == local
        assert re.fullmatch(r"node .* was lost: .*: its node (does not answer|is gone)", engine.loss)
    machines.lose(2)


def test_a_cluster_whose_cores_are_all_taken_is_refused(machines):
    ray = ray_module()
    with connected(machines.address):
        cores = len(machines.nodes)
        wait_until(lambda: ray.cluster_resources()["CPU"] == cores, 30.0, "the head knows who is lost")
        taken = ray.util.placement_group([{"CPU": 1}] * cores)
        ray.get(taken.ready())
        wait_until(lambda: not ray.available_resources().get("CPU"), 5.0, "the head knows that")
        config = small(*RUN, f"workers.cluster={machines.address}")
        with pytest.raises(UsageError, match=r"the cluster is full: other work holds its \d CPUs"):
            ClusterEngine(config, shipped(config), lambda: RayNodes(config.workers))


def test_scale_measures_numbers_of_nodes(machines, tmp_path, monkeypatch, capsys):
    """And refuses more than there are."""
    monkeypatch.chdir(tmp_path)
    command = [
        "scale",
        "--cluster",
        machines.address,
        "--agents",
        "96",
        "--seconds",
        "0.05",
        "--repeats",
        "1",
    ]
    small_run = ["--frames", "0", "--set", "trails.length=4", "--set", "workers.count=0"]
    assert run_cli([*command, *small_run, "--nodes", "0,2", "--json", "s.json"]) == 0
    found = json.loads((tmp_path / "s.json").read_text())
    assert [each["nodes"] for each in found["cells"]] == [0, 2]
    assert len({state for each in found["cells"] for state in each["states"]}) == 1
    assert "is the same, bit by bit, with any" in capsys.readouterr().out
    assert run_cli([*command, *small_run, "--nodes", "9"]) == 2
    assert "--nodes 9: the cluster has 2 with CPUs" in capsys.readouterr().err


def test_a_cluster_that_is_not_there_is_said_soon():
    began = time.monotonic()
    with pytest.raises(
        UsageError, match=r"workers.cluster = '127.0.0.1:1': no connection: Connection refused"
    ):
        connected("127.0.0.1:1").__enter__()
    assert time.monotonic() - began < 5


def test_a_head_that_is_silent_is_told_after_its_time():
    over, asked = threading.Event(), []

    def ask():
        asked.append(len(asked))
        if len(asked) > 1:
            over.wait(30)  # as Ray waits
        return "all is well"

    question = Asking("auto", ask, patience_s=0.1)
    question.require_sound()
    assert question.newest == "all is well"
    with pytest.raises(ClusterGoneError, match="'auto': the head of the cluster has not answered for 1 s"):
        wait_until(question.require_sound, 20.0, "the head is given up")
    over.set()
    question.close()


@pytest.mark.chaos
def test_a_run_whose_head_is_killed_ends_with_a_sentence(machines):
    """The last test here: the cluster is of no use after it."""
    with on(machines, "workers.heartbeat_timeout=2") as engine:
        engine.advance_to(5)
        engine.run_freely()
        machines.kill_head()
        began = time.monotonic()
        with pytest.raises(ClusterGoneError, match="the head of the cluster has not answered for"):
            check_until(engine, lambda: False, 60.0)
        assert time.monotonic() - began < 30
