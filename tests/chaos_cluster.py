"""Nodes of a real Ray cluster are killed, stopped, taken back and added at random, a hundred times.

After each blow the run's state has to be that of the same run on this machine, bit by bit. Run it by
`make chaos-cluster`. Ends with status 1 at the first difference, or if a run does not recover.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter

import psutil
from crowds import check_until, crowd, shipped, small
from ray_clusters import ray_machines

from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.ray_nodes import RayNodes

NODES, MOST = 3, 4
ROUNDS_OF_A_RUN = 10
RECOVERY_S = 90.0
"""The longest that a run may take to go on after a blow, on a machine that has other work as well."""
HOST_ENDS_S = 10.0
"""The longest that a host may outlive Ray's own process of its node."""

RUN = (
    *("world.name=point_mass", "policy.exploration=0.3", "agents.count=200", "workers.keep_ticks=20"),
    *("workers.max_restarts=1000", "workers.heartbeat_timeout=3"),
)


def hosts(machines, index):
    """Return the processes of a run's hosts on a node."""
    return machines.processes_of(index, "ray::HostActor")


def kill_host(machines, at):
    """The process that steps a node's agents crashes."""
    machines.send(signal.SIGKILL, at, "ray::HostActor")


def stop_host(machines, at):
    """It hangs."""
    machines.send(signal.SIGSTOP, at, "ray::HostActor")


def kill_worker(machines, at):
    """One of the processes that it has started crashes."""
    for host in hosts(machines, at):
        for each in host.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each.pid, signal.SIGKILL)


def lose_node(machines, at):
    """A machine loses its power; another one comes."""
    machines.lose(at)
    machines.have(NODES)


def stop_node(machines, at):
    """A machine hangs as a whole, and is replaced."""
    machines.send(signal.SIGSTOP, at)
    time.sleep(4)
    machines.lose(at)
    machines.have(NODES)


def kill_raylet(machines, at):
    """Ray's own process on a node crashes; the host ends after it by itself."""
    there = hosts(machines, at)
    machines.send(signal.SIGKILL, at, "raylet/raylet")
    if psutil.wait_procs(there, HOST_ENDS_S)[1]:
        raise SystemExit(f"kill_raylet: the host has not ended after {HOST_ENDS_S:g} s")
    machines.lose(at)
    machines.have(NODES)


def take_back(machines, at):
    """A cloud announces that it takes a machine back, and does two seconds later."""
    machines.announce_end(at, 2)
    time.sleep(2)
    machines.lose(at)
    machines.have(NODES)


def add_node(machines, at):
    """A node joins; one too many has to go."""
    if len(machines.nodes) == MOST:
        machines.lose(at)
    machines.have(len(machines.nodes) + 1)


BLOWS = (kill_host, stop_host, kill_worker, lose_node, stop_node, kill_raylet, take_back, add_node)


@contextlib.contextmanager
def runs(machines, chance):
    """Yield a run on the cluster, and the same run here."""
    config = small(*RUN, f"workers.count={chance.randrange(2)}")
    there = config.model_copy(
        update={"workers": config.workers.model_copy(update={"cluster": machines.address})}
    )
    checkpoint = shipped(config)
    with (
        crowd(config, checkpoint) as local,
        ClusterEngine(there, checkpoint, lambda: RayNodes(there.workers)) as engine,
    ):
        engine.wait_ready()
        yield engine, local


def round_of(machines, engine, local, chance):
    """Let one blow fall; return its name and the seconds until the run had gone on."""
    blow = chance.choice(BLOWS)
    engine.advance_to(engine.newest_tick + chance.randrange(1, 30))
    blow(machines, chance.randrange(len(machines.nodes)))
    began, target = time.monotonic(), engine.newest_tick + chance.randrange(1, 30)
    engine.run_until(target)
    try:
        check_until(engine, lambda: engine.newest_tick >= target and engine.is_level, RECOVERY_S)
    except AssertionError:
        tick = f"tick {engine.newest_tick}, not {target}"
        raise SystemExit(f"{blow.__name__}: {tick}; {engine.team.said}") from None
    recovered = time.monotonic() - began
    local.advance_to(engine.newest_tick)
    if engine.state_hash() != local.state_hash():
        raise SystemExit(f"after {blow.__name__} the state at tick {engine.newest_tick} is another one")
    return blow.__name__, recovered


def main():
    """Run the rounds, and print what fell and how long recovering took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, fallen, slowest = random.Random(given.seed), Counter(), Counter()
    done = 0
    with ray_machines(NODES) as machines:
        while done < given.rounds:
            with runs(machines, chance) as (engine, local):
                for _ in range(min(ROUNDS_OF_A_RUN, given.rounds - done)):
                    name, seconds = round_of(machines, engine, local, chance)
                    fallen[name] += 1
                    slowest[name] = max(slowest[name], seconds)
                    done += 1
                    print(f"{done:4} {name:12} {seconds:6.1f} s  tick {engine.newest_tick:5}", flush=True)
    for name, count in sorted(fallen.items()):
        print(f"{name:12} {count:4} times, the run went on within {slowest[name]:.1f} s")
    print(f"{done} rounds, every state the same")


if __name__ == "__main__":
    sys.exit(main())
