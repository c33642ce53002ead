"""Chooses the engine of a run: on this machine, or on the nodes of a cluster."""

from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.ray_nodes import RayNodes
from valuescape.sim.config.files import Config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.network import Checkpoint


def make_engine(config: Config, checkpoint: Checkpoint | None) -> Engine:
    """Return a new engine as `workers.cluster` says. Raises UsageError if it cannot start."""
    if not config.workers.cluster:
        return Engine(config, checkpoint)
    return ClusterEngine(config, checkpoint, lambda: RayNodes(config.workers))
