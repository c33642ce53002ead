"""A run on a cluster shows the picture of the same run on one machine."""

import json
from pathlib import Path

import numpy as np
import pytest

from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.remake.means import Means
from valuescape.remake.remake import remake
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.run.stepped import SteppedSession
from valuescape.run.validate import validate
from valuescape.sim.cluster.asking import ClusterGoneError
from valuescape.sim.cluster.engine import ClusterEngine
from valuescape.sim.cluster.stub import StubNodes
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError

pytestmark = pytest.mark.gpu

SIZE = (480, 270)
CROWD = (
    *("agents.count=600", "trails.length=16", "workers.count=0", "workers.keep_ticks=12", "render.msaa=0"),
    *("policy.exploration=0.3", "lod.segment_budget=320", "heatmap.layer=density", "heatmap.resolution=64"),
)
"""A crowd of which twenty agents are drawn one by one."""


@pytest.fixture
def nodes(monkeypatch):
    """Have runs on clusters use three nodes of this process, and keep rows of 40 agents; return them."""
    made = StubNodes(3)

    def engine(config, checkpoint):
        return ClusterEngine(config, checkpoint, lambda: made, kept=40)

    monkeypatch.setattr("valuescape.run.starting.make_engine", engine)
    return made


def session(*changes):
    """Return a run that the test drives."""
    run = SteppedSession(load_config(None, [*CROWD, *changes]), Path())
    run.viewer.labels_shown = False  # they name the nodes
    return run


@pytest.mark.parametrize("color", ["age", "td_error"])
def test_the_picture_is_the_same_bit_by_bit_also_after_a_node_was_lost(nodes, color):
    shots = []
    for cluster in ("", "local"):
        with session(f"trails.color_by={color}", f"workers.cluster={cluster}") as run:
            for ticks in (1, 9, 20):
                run.advance(ticks)
                shots.append(run.draw(SIZE))
                if cluster and run.tick == 10:
                    nodes.nodes[1].kill()
            assert run.scene.trails.thinned is not None
    for here, there in zip(shots[:3], shots[3:], strict=True):
        assert np.array_equal(here, there)
    assert len({shot.tobytes() for shot in shots}) == 3


def test_an_agent_without_rows_here_is_inspected_all_the_same(nodes):
    """Its card says what it says on one machine, and it is drawn one by one."""
    cards = []
    for cluster in ("", "local"):
        with session(f"workers.cluster={cluster}") as run:
            run.advance(12)
            run.viewer.selected, run.viewer.following = 555, True
            run.inspection.update(run.viewer, range(12, 13))
            cards.append(run.inspection.cards(run.viewer)[0])
            assert 555 in run.scene.trails.individuals.read()
    assert cards[0] == cards[1]
    assert "agent 555" in cards[0].title


def test_live_settings_that_a_cluster_cannot_have_say_so(nodes):
    with session("workers.cluster=local") as run:
        run.advance(3)
        run.change("policy.exploration", 0.7)
        assert run.engine.config.policy.exploration == 0.7
        with pytest.raises(UsageError, match=r"agents.count = 700 cannot change during a run on a cluster"):
            run.change("agents.count", 700)
        run.advance(3)
        assert (run.engine.config.agents.count, run.tick) == (600, 6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("world.name=flock", "world.name = 'flock': its agents see each other"),
        ("workers.cluster=here", "workers.cluster = 'here': expected"),
    ],
)
def test_what_cannot_run_on_a_cluster_is_refused_before_anything_starts(change, said):
    with pytest.raises(UsageError, match=said):
        validate(load_config(None, ["workers.cluster=local", change]))


@pytest.mark.usefixtures("nodes")
def test_a_picture_that_nodes_made_is_made_again_without_them(tmp_path, monkeypatch):
    with session("workers.cluster=local") as run:
        run.advance(12)
        path = run.save(tmp_path / "made.png", SIZE)
    monkeypatch.delattr("valuescape.run.starting.make_engine")
    origin = read_provenance(path, kind_of(path))
    made = remake(path, kind_of(path), origin, Means(), tmp_path / "again.png")
    assert (made.comparison.equal, made.reasons) == (True, [])


def test_a_run_whose_cluster_goes_leaves_its_files(nodes, tmp_path):
    """With an agent selected that is stepped elsewhere; the error ends the run all the same."""

    def require_sound():
        if run.newest_tick >= 20:
            for each in nodes.nodes:
                each.mute = True
            raise ClusterGoneError("the head of the cluster has not answered for 11 s")

    config = load_config(None, [*CROWD, "workers.cluster=local", "render.width=320", "render.height=180"])
    outputs = Outputs(tmp_path, video=tmp_path / "run.mp4")
    with Session(config, RunLength(frames=60), outputs, headless=True) as run:
        run.viewer.selected = 555
        nodes.require_sound = require_sound
        with pytest.raises(ClusterGoneError):
            run.run()
    report = json.loads((tmp_path / "run.json").read_text())
    assert report["ticks"] >= 20
    assert {each.name for each in tmp_path.iterdir()} == {"run.json", "last-frame.png", "run.mp4"}
