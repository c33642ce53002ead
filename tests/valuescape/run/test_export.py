"""The export of a run, compared with the engine, the network and a histogram."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL
from PIL import Image

from valuescape.cli.app import run_cli
from valuescape.presets import find_checkpoint
from valuescape.run.export import ARRAYS, TRUTH_ARRAYS, RunData
from valuescape.run.run_figure import draw, trails
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.policy.reference import TorchCheckpoint
from valuescape.sim.rollouts.plain import PlainRollouts
from valuescape.sim.rollouts.rules import RolloutRules, Rollouts
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

TICKS = 40
OF_A_RUN = [
    *SMALL,
    *("world.name=pendulum", "agents.count=30", "trails.length=64", "run.record=false", "workers.count=1"),
    *("heatmap.resolution=16", "heatmap.density_resolution=12", "heatmap.density_half_life=0"),
]


def exported(folder, *arguments, settings=()):
    """Make a run that exports; return its arrays and its metadata."""
    sets = [part for setting in (*OF_A_RUN, *settings) for part in ("--set", setting)]
    path = folder / "run.npz"
    status = run_cli(["run", "--headless", *sets, *arguments, "--out", str(folder), "--export", str(path)])
    assert status == 0
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    return arrays, json.loads(str(arrays.pop("metadata")))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("run"), "--ticks", str(TICKS), "--seed", "3")


@pytest.fixture(scope="module")
def engine():
    """The same run, without pictures, tick by tick."""
    config = load_config(None, [*OF_A_RUN, "run.seed=3"])
    checkpoint = find_checkpoint("auto", make_world("pendulum"))
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        positions = []
        for tick in range(TICKS + 1):
            engine.advance_to(tick)
            positions.append(engine.row("trail_position", tick).copy())
        engine.positions = np.stack(positions)
        yield engine


def test_everything_that_is_promised_is_there(run):
    arrays, about = run
    assert {*arrays, "metadata"} == set(ARRAYS) == set(about["arrays"])
    assert (about["world"], about["tick"], about["seed"]) == ("pendulum", TICKS, 3)
    assert [axis["unit"] for axis in about["axes"]] == ["rad", "rad/s"]
    assert about["checkpoint"]["algorithm"] == "sac"
    assert about["config"]["run"]["seed"] == 3
    assert about["command"].startswith("valuescape run --headless --set")
    assert about["versions"]["numpy"] == np.__version__


def test_the_docs_name_every_array():
    page = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")
    assert [name for name in (*ARRAYS, *TRUTH_ARRAYS) if f"`{name}`" not in page] == []


def test_the_value_is_the_network_s_at_the_centres_of_cells(run):
    arrays, _ = run
    checkpoint = find_checkpoint("auto", make_world("pendulum"))
    angle, speed = np.meshgrid(arrays["value_x"], arrays["value_y"])
    obs = np.stack([np.cos(angle), np.sin(angle), speed], -1).reshape(-1, 3)
    torch = pytest.importorskip("torch")
    expected = TorchCheckpoint(checkpoint).value(torch.from_numpy(obs.astype(np.float32))).numpy()
    np.testing.assert_allclose(arrays["value"], expected.reshape(16, 16), rtol=1e-4, atol=1e-3)


def test_trajectories_states_and_episodes_are_the_engine_s(run, engine):
    arrays, _ = run
    np.testing.assert_array_equal(arrays["trajectories"], engine.positions)
    np.testing.assert_array_equal(arrays["trajectory_ticks"], np.arange(TICKS + 1))
    np.testing.assert_array_equal(arrays["states"], engine.row("state", TICKS).T)
    episodes = engine.episodes()
    for ours, theirs in (("episode_step", "step"), ("episodes_finished", "finished_count")):
        np.testing.assert_array_equal(arrays[ours], getattr(episodes, theirs))


def test_the_density_counts_every_visit(run):
    arrays, about = run
    ranges = [(axis["low"], axis["high"]) for axis in about["axes"]]
    x, y = arrays["trajectories"].reshape(-1, 2).T
    expected, y_edges, x_edges = np.histogram2d(y, x, bins=12, range=ranges[::-1])
    np.testing.assert_allclose(arrays["density_x"], (x_edges[1:] + x_edges[:-1]) / 2)
    np.testing.assert_allclose(arrays["density_y"], (y_edges[1:] + y_edges[:-1]) / 2)
    # Positions within a rounding error of an edge may count to the other side.
    assert np.abs(arrays["density"] - expected).sum() <= 4
    assert arrays["density"].sum() == 30 * (TICKS + 1)


def test_a_run_by_the_clock_is_exported_at_one_tick(tmp_path):
    """States, trails and episodes are of the same tick, although workers go on while frames are drawn."""
    fast = ["sim.ticks_per_s=0", "world.name=mountain_car", "trails.length=16", "workers.count=2"]
    arrays, about = exported(tmp_path, "--seconds", "0.5", settings=fast)
    assert arrays["trajectory_ticks"][-1] == about["tick"] > 16
    np.testing.assert_array_equal(arrays["states"], arrays["trajectories"][-1])
    running = arrays["episode_step"] > 0
    assert running.any()


def test_without_a_critic_there_is_no_value(tmp_path):
    path = tmp_path / "run.svg"
    arrays, about = exported(
        tmp_path, "--ticks", "3", "--figure", str(path), settings=["policy.checkpoint=random"]
    )
    assert "value" not in arrays
    assert about["checkpoint"] is None
    assert path.read_text(encoding="utf-8").count("<image") == 2  # density and its bar


def data_of(run):
    arrays, about = run
    return RunData(arrays, about)


def test_trails_are_broken_where_agents_start_again_or_cross_an_edge(run):
    arrays, _ = run
    pieces = list(trails(data_of(run)))
    jumps = [np.abs(np.diff(piece[:, 0])).max() for piece in pieces]
    assert max(jumps) < 1
    crossed = np.abs(np.diff(arrays["trajectories"][..., 0], axis=0)).max()
    assert crossed > 5  # else nothing was proved
    assert len(list(trails(data_of(run), most=7))) < len(pieces)


@pytest.mark.parametrize("ending", [".pdf", ".svg", ".png"])
def test_the_same_data_make_the_same_figure(run, tmp_path, monkeypatch, ending):
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    draw(data_of(run), first)
    monkeypatch.setenv("MPLBACKEND", "svg")
    import matplotlib

    with matplotlib.rc_context({"font.size": 20, "figure.facecolor": "black"}):  # a person's own settings
        draw(data_of(run), second)
    assert first.read_bytes() == second.read_bytes()


def test_the_figure_is_light_and_names_its_axes(run, tmp_path, monkeypatch):
    draw(data_of(run), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    monkeypatch.setattr("valuescape.run.run_figure._STYLE", {"svg.fonttype": "none"})
    draw(data_of(run), tmp_path / "a.svg")
    said = re.sub(r"<[^>]*>", " ", (tmp_path / "a.svg").read_text(encoding="utf-8"))
    for words in ("angle (rad)", "angular speed (rad/s)", "V(s)", "visits until tick 40", "of 30 agents"):
        assert words in said


@pytest.mark.parametrize(
    ("option", "name", "expected"),
    [
        ("--figure", "a.gif", "expected the name of a .pdf or .svg or .png file"),
        ("--figure", "none/below/\0.pdf", "--figure"),
        ("--export", "a.zip", "expected the name of a .npz file"),
        ("--export", ".", "is a folder, expected a file"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_run(cli, option, name, expected):
    status, out, errors = cli("run", "--headless", option, name)
    assert (status, out) == (2, "")
    assert expected in errors


def test_simulating_only_exports_nothing(cli):
    said = cli("run", "--ticks", "5", "--checksum", "--export", "a.npz")[2]
    assert "--export does not go with --checksum" in said
    assert "--strict does not go with --checksum" in cli("run", "--ticks", "5", "--checksum", "--strict")[2]


def test_the_docs_code_reads_what_a_run_writes(cli, capsys, monkeypatch):
    """Runs the Python blocks of docs/files.md on files that its commands have made."""
    page = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")
    sets = [part for setting in OF_A_RUN for part in ("--set", setting)]
    assert cli("run", *sets, "--headless", "--ticks", "12", "--export", "run.npz")[0] == 0
    assert cli("run", *sets, "--ticks", "12", "--record-run", "run.vsz")[0] == 0
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})
    said = capsys.readouterr().out
    assert "V over angle (rad) and angular speed (rad/s): (16, 16)" in said
    assert "pendulum at tick 12: mean position" in said


def test_the_docs_name_every_member_of_a_recording(cli):
    page = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")
    sets = [part for setting in OF_A_RUN for part in ("--set", setting)]
    assert cli("run", *sets, "--ticks", "12", "--record-run", "run.vsz")[0] == 0
    with np.load("run.vsz") as recording:
        names = {name.rpartition("/")[2] for name in recording.files}
        about = json.loads(recording["recording.json"])
    for name in names - {"recording.json"}:
        field = name.removeprefix("episode-")
        assert f"`{field}`" in page or f"`TICK/{field}.npy`" in page
    assert [key for key in (*about, *about["samples"][0]) if f"`{key}`" not in page] == []


def test_maps_of_rollouts_are_exported_after_they_were_shown(tmp_path):
    """With their figure; the value less the truth is the error."""
    path = tmp_path / "run.svg"
    arrays, about = exported(
        tmp_path,
        "--ticks",
        "60",
        "--figure",
        str(path),
        settings=["heatmap.layer=error", "world.name=mountain_car"],
    )
    assert set(TRUTH_ARRAYS) <= set(arrays)
    assert set(about["arrays"]) == {*ARRAYS, *TRUTH_ARRAYS}
    assert about["truth"]["progress"] == 1
    assert about["truth"]["what"].startswith("return that follows, one rollout")
    np.testing.assert_allclose(arrays["error"], arrays["value"] - arrays["truth"], atol=2e-3)
    assert (arrays["truth_rollouts"] == 1).all()
    checkpoint = find_checkpoint("auto", make_world("mountain_car"))
    x, y = np.meshgrid(arrays["value_x"], arrays["value_y"])
    states = np.stack([x.ravel(), y.ravel()]).astype(np.float32)
    rules = RolloutRules.of(checkpoint.gamma, 200)
    out = Rollouts.empty(states.shape[1])
    PlainRollouts(make_world("mountain_car"), checkpoint, rules).run(states, out, slice(0, states.shape[1]))
    np.testing.assert_allclose(arrays["truth"], out.value.reshape(16, 16), rtol=1e-3, atol=1e-2)
    assert path.read_text(encoding="utf-8").count("<image") == 8  # four maps, and their bars
