"""The network of a Ray cluster's node is cut in one direction, then in the other; needs root, and `ip`.

Two nodes have network namespaces, with addresses of their own, and a bridge to the head and this program. A
direction is cut by a wrong hardware address, so that packets go nowhere and nobody is told. After each cut
the run's state has to be that of the same run on this machine, bit by bit. Run it by `make cut-cluster`.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from crowds import check_until, crowd, shipped, small
from processes import wait_until

from valuescape.sim.cluster.connecting import connected
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.ray_nodes import RayNodes

HEAD, PORT, BRIDGE = "10.77.0.1", 26379, "vscape-br"
NOWHERE = "02:00:00:00:00:99"
RUN = (
    *("world.name=point_mass", "policy.exploration=0.3", "agents.count=200", "workers.keep_ticks=20"),
    *("workers.count=0", "workers.max_restarts=1000", "workers.heartbeat_timeout=3"),
    f"workers.cluster={HEAD}:{PORT}",
)
BACK_S = 120.0


def ip(*words):
    """Run a command of `ip`."""
    subprocess.run(["ip", *words], check=True)


class Node:
    """A node with a network namespace: `vscape-N`, address 10.77.0.N."""

    def __init__(self, number, folder):
        self.name, self.address, self._folder = f"vscape-{number}", f"10.77.0.{number}", folder
        ip("netns", "add", self.name)
        ip("link", "add", f"{self.name}-o", "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", f"{self.name}-o", "master", BRIDGE, "up")
        for words in (
            ("addr", "add", f"{self.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
        ):
            ip("-n", self.name, *words)
        self.process = None

    def start(self):
        """Start Ray's processes."""
        self.process = started(
            ["ip", "netns", "exec", self.name], self._folder, self.address, f"--address={HEAD}:{PORT}", 1
        )

    def cut(self, *, outgoing):
        """Let packets from the node to the head, or those to the node, go nowhere."""
        there, where = (HEAD, ("-n", self.name)) if outgoing else (self.address, ())
        device = "eth0" if outgoing else BRIDGE
        ip(*where, "neigh", "replace", there, "lladdr", NOWHERE, "dev", device, "nud", "permanent")

    def mend(self, *, outgoing):
        """Let them arrive again."""
        there, where = (HEAD, ("-n", self.name)) if outgoing else (self.address, ())
        ip(*where, "neigh", "del", there, "dev", "eth0" if outgoing else BRIDGE)

    def end(self):
        """End its processes, and remove the namespace."""
        end(self.process)
        ip("netns", "del", self.name)


def started(inside, folder, address, role, cpus):
    """Return the process of `ray start`, which lasts as long as the node."""
    command = [str(Path(sys.executable).with_name("ray")), "start", role, f"--node-ip-address={address}"]
    rest = [f"--num-cpus={cpus}", "--block", "--object-store-memory=80000000"]
    if role == "--head":
        rest += [f"--port={PORT}", "--include-dashboard=false", "--disable-usage-stats"]
        rest += [f"--temp-dir={folder}"]
    return subprocess.Popen([*inside, *command, *rest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def end(process):
    """End a process with all that it has started."""
    if process is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        each = psutil.Process(process.pid)
        for one in (*each.children(recursive=True), each):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()


def is_there():
    """Return whether the head takes connections."""
    with contextlib.suppress(OSError), socket.create_connection((HEAD, PORT), 1.0):
        return True
    return False


@contextlib.contextmanager
def network():
    """Yield two nodes that have joined a head; nothing of them is left behind."""
    folder = tempfile.mkdtemp(prefix="vscape-ray-")
    with contextlib.ExitStack() as owned:
        owned.callback(shutil.rmtree, folder, ignore_errors=True)
        ip("link", "add", BRIDGE, "type", "bridge")
        owned.callback(ip, "link", "del", BRIDGE)
        ip("addr", "add", f"{HEAD}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        head = started([], folder, HEAD, "--head", 0)
        owned.callback(end, head)
        wait_until(is_there, BACK_S, "the head is there")
        nodes = []
        for number in (2, 3):
            nodes.append(Node(number, folder))
            owned.callback(nodes[-1].end)
            nodes[-1].start()
        yield nodes


@contextlib.contextmanager
def all_there(ray):
    """Wait until both nodes have joined."""
    wait_until(lambda: sum(each["Alive"] for each in ray.nodes()) == 3, BACK_S, "both nodes join")
    yield


def main():
    """Cut each direction once, and print how long the run took to go on."""
    config = small(*RUN)
    checkpoint = shipped(config)
    here = small(*RUN, "workers.cluster=")
    with (
        network() as nodes,
        crowd(here, checkpoint) as local,
        connected(f"{HEAD}:{PORT}") as ray,
        all_there(ray),
        ClusterEngine(config, checkpoint, lambda: RayNodes(config.workers)) as engine,
    ):
        engine.wait_ready()
        check_until(engine, lambda: engine.nodes == 2, BACK_S)
        for outgoing in (True, False):
            engine.advance_to(engine.newest_tick + 30)
            before, began = engine.team.losses, time.monotonic()
            nodes[0].cut(outgoing=outgoing)
            target = engine.newest_tick + 60
            engine.run_until(target)
            check_until(engine, lambda to=target: engine.newest_tick >= to and engine.is_level, BACK_S)
            took, losses = time.monotonic() - began, engine.team.losses - before
            local.advance_to(engine.newest_tick)
            same = engine.state_hash() == local.state_hash()
            direction = "from the node" if outgoing else "to the node"
            print(f"cut {direction}: went on within {took:.1f} s, {losses} lost, state {same=}", flush=True)
            print(f"  {engine.team.said}", flush=True)
            if not same:
                return 1
            nodes[0].mend(outgoing=outgoing)
            end(nodes[0].process)  # Ray lets no node back that it has given up
            nodes[0].start()
            check_until(engine, lambda: engine.nodes == 2, BACK_S)
            print("  a node came back", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
