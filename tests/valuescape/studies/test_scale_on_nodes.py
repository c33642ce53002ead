"""The study `scale` on the nodes of a cluster: numbers of nodes in place of workers, and equal states."""

import json

import pytest

from valuescape.cli.app import run_cli
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.studies.scale import NODES, Cell, ScalePlan, measure
from valuescape.studies.scale_report import scale_page, scale_table, verdict_lines
from valuescape.studies.scale_verdict import as_json, judge

TINY = ("agents.count=32", "trails.length=4", "workers.count=0", "policy.exploration=0.3")
CLUSTER = "workers.cluster=local"


def test_numbers_of_nodes_are_measured_and_come_to_the_same_state(tmp_path, monkeypatch):
    """With 0 an ordinary engine steps, without a cluster."""
    monkeypatch.chdir(tmp_path)
    used = []

    def engine(config, checkpoint):
        used.append((config.workers.nodes, config.workers.cluster))
        if not config.workers.cluster:
            return Engine(config, checkpoint)
        return ClusterEngine(config, checkpoint, lambda: StubNodes(config.workers.nodes))

    monkeypatch.setattr("valuescape.studies.scale.make_engine", engine)
    plan = ScalePlan(agents=(70,), seconds=0.05, frames=0, repeats=1, nodes=(0, 1, 2))
    with Interrupts() as interrupts:
        *_, cells = measure(load_config(None, [*TINY, CLUSTER]), plan, interrupts, lambda _: None)
    assert sorted(used) == [(0, ""), (1, "local"), (2, "local")]
    assert len({state for each in cells for state in each.states}) == 1
    assert all(each.ticks_per_s[0] > 0 and len(each.states) == 1 for each in cells)
    verdict = judge(cells)
    assert verdict.other_states == ()
    said = verdict_lines(verdict, repeats=1)
    assert said[-1] == "The state at tick 20 is the same, bit by bit, with any of these numbers of nodes."
    assert scale_table(cells, verdict, spread=False)[0][0] == "nodes"
    assert scale_page(load_config(None, TINY), cells, 1).title.endswith("scales with nodes and agents")
    found = json.loads(json.dumps(as_json(cells, plan)))
    assert [each["nodes"] for each in found["cells"]] == [0, 1, 2]
    assert "best_nodes" in found["verdicts"][0]


def measured(nodes, rate, state="a"):
    return Cell(nodes, 100, {}, NODES, [rate, 1.01 * rate, 0.99 * rate], states=[state])


def test_nodes_are_advised_like_workers_and_other_states_are_told():
    verdict = judge([measured(0, 10.0), measured(1, 9.0), measured(2, 18.0, "b")])
    said = verdict_lines(verdict, repeats=3)
    assert said[0] == "Use workers.nodes = 2, whatever the number of agents measured."
    assert said[1].startswith("100 agents with 2 nodes: 1.80 times as fast as with no nodes (95 %")
    assert said[-1] == "The state at tick 20 is NOT the same with all of these numbers of nodes: 100 agents."
    alone = verdict_lines(judge([measured(0, 10.0), measured(2, 5.0)]), repeats=3)
    assert alone[0].startswith("Use no cluster: this machine alone is as fast")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scale", "--cluster", "auto", "--workers", "1"], "with a cluster, numbers of nodes are measured"),
        (["scale", "--nodes", "1"], "no cluster is named"),
        (["scale", "--cluster", "here"], "workers.cluster = 'here': expected"),
        (["scale", "--cluster", "auto", "--world", "flock"], "its agents see each other"),
        (["scale", "--cluster", "127.0.0.1:1"], "no connection: Connection refused"),
        (["stress", "--cluster", "127.0.0.1:1"], "no connection: Connection refused"),
        (["stress", "--cluster", "auto", "--chaos"], "--chaos harms workers of this machine"),
    ],
)
def test_what_cannot_be_measured_on_a_cluster_is_refused(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert run_cli(arguments) == 2
    assert said in capsys.readouterr().err.replace("\n  ", " ")
