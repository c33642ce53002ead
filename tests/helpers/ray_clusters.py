"""Ray clusters of several nodes on this machine, for tests, and what they are killed with."""

import contextlib
import os
import signal

import psutil
import ray
from ray.cluster_utils import Cluster

QUIET = {"include_dashboard": False}


@contextlib.contextmanager
def ray_cluster(*cpus, head_cpus=0):
    """Start a cluster with a head and a node for each number of CPUs; yields it, and ends it for certain."""
    before = {name: os.environ.get(name) for name in ("RAY_ADDRESS", "RAY_AUTH_MODE")}
    os.environ["RAY_AUTH_MODE"] = "disabled"  # a token would be written into the home folder
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": head_cpus, **QUIET})
    try:
        for each in cpus:
            cluster.add_node(num_cpus=each, **QUIET)
        yield cluster
    finally:
        if ray.is_initialized():
            ray.shutdown()
        with contextlib.suppress(Exception):
            cluster.shutdown()
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def raylet_of(node):
    """Return the process of a node that manages its others."""
    return psutil.Process(node.all_processes["raylet"][0].process.pid)


def kill_node(node):
    """Kill a node, all processes at once, as a machine that loses its power."""
    raylet = raylet_of(node)
    for each in (raylet, *raylet.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            each.send_signal(signal.SIGKILL)


def workers_of(node, name):
    """Return the processes of actors of a class on a node, by the title that Ray gives them."""
    found = raylet_of(node).children(recursive=True)
    return [each for each in found if f"ray::{name}" in " ".join(each.cmdline())]
