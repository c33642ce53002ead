"""Products of bfloat16 on a cluster: on every node or on none, whatever their processors can do."""

import pytest
from clusters import on_cluster
from crowds import hash_at, small
from networks import checkpoint_of, random_mlp

from valuescape.sim.cluster import requirements
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.host import Host
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.errors import UsageError

vectors = pytest.importorskip("valuescape.sim.stepping.compiled.vectors")

TICKS = 40


def run(precision):
    """A configuration on a cluster, and its checkpoint, of which hidden units are multiplied."""
    settings = "workers.cluster=local", "agents.count=140", "world.name=mountain_car_continuous"
    return small(*settings, f"policy.precision={precision}"), checkpoint_of(random_mlp((2, 64, 64, 1)))


def test_a_node_that_multiplies_no_bfloat16_is_refused_by_name(monkeypatch):
    able = {"here": True}
    monkeypatch.setattr(requirements, "uses_bfloat16", lambda config: able["here"])
    monkeypatch.setattr(requirements.platform, "node", lambda: "old-xeon")

    class Lacking(Host):
        def load(self, code):
            """Nothing: this process has loaded it."""

        def begin(self, task, *parts):
            able["here"] = False
            super().begin(task, *parts)

    said = r"policy\.precision = 'bfloat16', but the processor of node old-xeon .* multiplies no bfloat16"
    nodes = StubNodes(2)
    nodes.nodes[1].host = Lacking()
    with (
        ClusterEngine(*run("bfloat16"), lambda: nodes) as engine,
        pytest.raises(UsageError, match=said) as error,
    ):
        engine.wait_ready()
    assert "policy.precision = 'float32'" in error.value.hint


@pytest.mark.skipif(not vectors.HAS_BFLOAT16, reason="this processor multiplies no bfloat16")
def test_nodes_multiply_as_the_main_process_decides(monkeypatch):
    """Nodes come to the state of a run here; to that of float32 if the main process could not multiply."""
    here = {precision: hash_at(TICKS, *run(precision)) for precision in ("float32", "bfloat16")}
    assert here["float32"] != here["bfloat16"]
    with on_cluster(*run("bfloat16"), 3) as (engine, _):
        engine.advance_to(TICKS)
        assert engine.state_hash() == here["bfloat16"]
    settled = requirements.settled
    monkeypatch.setattr(requirements, "uses_bfloat16", lambda config: False)
    assert settled(run("bfloat16")[0]) == run("float32")[0]
    with on_cluster(*run("bfloat16"), 2) as (engine, _):
        engine.advance_to(TICKS)
        assert engine.state_hash() == here["float32"]
