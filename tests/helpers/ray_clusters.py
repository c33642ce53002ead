"""Ray clusters of several nodes on this machine, and what befalls their nodes."""

import contextlib
import shutil
import signal
import time
import warnings

import psutil

from valuescape.sim.cluster.connecting import ray_module

STORE = 80 * 2**20


class Machines:
    """A Ray cluster on this machine: a head without cores, and nodes of one core each."""

    def __init__(self, **head):
        from ray.cluster_utils import Cluster

        given = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE, **head}
        self.cluster = Cluster(initialize_head=True, head_node_args=given)
        self.address = self.cluster.address
        self.nodes = []

    def have(self, count, **node):
        """Have at least so many nodes. node: what those that are added have besides."""
        while len(self.nodes) < count:
            self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE, **node))

    def lose(self, index):
        """Kill a node with all of its processes."""
        self.cluster.remove_node(self.nodes.pop(index), allow_graceful=False)

    def processes_of(self, index, title=""):
        """Return the processes of a node, those whose title has a text in it."""
        found = []
        with contextlib.suppress(psutil.Error):  # some may have ended meanwhile
            raylet = psutil.Process(self.nodes[index].all_processes["raylet"][0].process.pid)
            for each in (raylet, *raylet.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    found += [each] if title in " ".join(each.cmdline()) else []
        return found

    def send(self, number, index, title=""):
        """Send a signal to processes of a node."""
        for each in self.processes_of(index, title):
            with contextlib.suppress(psutil.Error):
                each.send_signal(number)

    def kill_head(self):
        """Kill the process that knows the cluster's nodes, as a head's crash does."""
        self.cluster.head_node.kill_gcs_server()

    def announce_end(self, index, seconds):
        """Let Ray know that a node will go: what a cloud says before it takes a machine back."""
        from ray._raylet import GcsClient
        from ray.core.generated import autoscaler_pb2

        reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        end_ms = int((time.time() + seconds) * 1000)
        accepted, _ = GcsClient(address=self.address).drain_node(
            self.nodes[index].node_id, reason, "the machine is taken back", end_ms
        )
        assert accepted


@contextlib.contextmanager
def ray_machines(count, **head):
    """Start a cluster of so many nodes; nothing of it is left behind, and others' files are not touched."""
    ray = ray_module()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = Machines(**head)
        files = made.cluster.head_node.get_session_dir_path()
        try:
            made.have(count)
            yield made
        finally:
            ray.shutdown()
            for index in range(len(made.nodes)):
                made.send(signal.SIGCONT, index)
            made.cluster.shutdown()
            shutil.rmtree(files, ignore_errors=True)
