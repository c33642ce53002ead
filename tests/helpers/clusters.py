"""Runs on clusters whose nodes are in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.config.files import Config
from valuescape.sim.policy.network import Checkpoint


@contextmanager
def on_cluster(
    config: Config, checkpoint: Checkpoint | None, count: int, kept: int | None = None
) -> Iterator[tuple[ClusterEngine, StubNodes]]:
    """An engine on `count` nodes of this process, which is ready, and its nodes."""
    nodes = StubNodes(count)
    with ClusterEngine(config, checkpoint, lambda: nodes, kept) as engine:
        engine.wait_ready()
        yield engine, nodes
