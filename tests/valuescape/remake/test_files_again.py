"""Figures, videos and maps of analyses that are made again."""

import shutil
from importlib.resources import files
from pathlib import Path

import av
import numpy as np
import pytest
from remade import BASE, run_of

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.origin import map_origin
from valuescape.analysis.output import map_of, write_pictures
from valuescape.analysis.pictures import save
from valuescape.analysis.several import Model, analyze_several
from valuescape.analysis.several_output import figures_of
from valuescape.provenance.containers import kind_of, read_provenance
from valuescape.remake.comparison import compare_videos, frames_of
from valuescape.remake.remake import reasons_of
from valuescape.render.displays.events import Action, Key, Move
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.displays.recorder import VideoRecorder
from valuescape.render.view.changes import Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

SHIPPED = Path(str(files("valuescape.configs").joinpath("checkpoints")))
PENDULUM = "world.name=pendulum", "workers.count=0"


def origin(path):
    return read_provenance(path, kind_of(path))


@pytest.mark.parametrize("ending", [".pdf", ".svg", ".png"])
def test_a_figure_is_made_again(cli, tmp_path, ending):
    figure = tmp_path / f"figure{ending}"
    run_of(tmp_path, *PENDULUM, "heatmap.density_half_life=0", figure=figure)
    assert origin(figure).made.moment.tick == 30
    status, out, errors = cli("replay", figure, *(("--workers", 1) if ending == ".pdf" else ()))
    assert (status, errors) == (0, ""), out
    assert out.splitlines()[-1] == (
        "all 1,827,000 pixels are equal" if ending == ".png" else "the files are equal"
    )
    assert figure.read_bytes() == (tmp_path / f"figure-again{ending}").read_bytes()


def test_a_figure_with_the_truth_is_made_again(cli, tmp_path):
    """Also if a person shortened the rollouts during the run."""
    figure = tmp_path / "figure.png"
    config = load_config(None, [*BASE, "world.name=mountain_car", "workers.count=0", "heatmap.layer=error"])
    outputs = Outputs(tmp_path, figure=figure)
    with Session(config, RunLength(ticks=5), outputs, headless=True) as session:
        session.controls.apply(Set("insight.time_limit", True))
        session.run()
    made = origin(figure).made
    assert (made.truth, made.live, made.computing) == (True, {"insight.time_limit": True}, "")
    status, out, errors = cli("replay", figure)
    assert (status, errors) == (0, ""), out
    assert figure.read_bytes() == (tmp_path / "figure-again.png").read_bytes()


def test_a_figure_with_another_byte_is_told(cli, tmp_path):
    figure = tmp_path / "figure.pdf"
    run_of(tmp_path, *PENDULUM, figure=figure)
    figure.write_bytes(figure.read_bytes() + b"\n")
    status, out, _ = cli("replay", figure)
    assert status == 1
    assert "the files differ" in out


def test_a_video_is_made_again(cli, tmp_path):
    video = tmp_path / "film.mp4"
    run_of(tmp_path, *PENDULUM, "sim.ticks_per_s=90", "render.turn_deg_per_s=60", ticks=16, video=video)
    made = origin(video).made
    assert (made.ticks, made.workers, made.changed) == (16, 0, [])
    status, out, errors = cli("replay", video, "--workers", 1)
    assert (status, errors) == (0, ""), out
    assert out.splitlines()[-1] == "all 6 frames are equal"
    assert len(list(frames_of(tmp_path / "film-again.mp4"))) == 6


def test_a_video_of_another_run_is_told(cli, tmp_path):
    """Here of one that says it had another seed."""
    video, other = tmp_path / "film.mp4", tmp_path / "other.mp4"
    run_of(tmp_path, *PENDULUM, ticks=4, video=video)
    run_of(tmp_path, *PENDULUM, "run.seed=5", ticks=4, video=other)
    comparison = compare_videos(video, other)
    assert not comparison.close
    assert "of 2 frames differ" in comparison.said


def test_videos_of_other_lengths_differ(tmp_path):
    for name, count in (("a.mp4", 2), ("b.mp4", 3)):
        with VideoRecorder(tmp_path / name, (64, 64), 30) as recorder:
            for index in range(count):
                recorder.add(np.full((64, 64, 3), 40 * index, np.uint8).tobytes())
    found = compare_videos(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert not found.close
    assert "from frame 3 on" in found.said


def test_a_video_says_what_a_person_changed_meanwhile(tmp_path):
    config = load_config(None, [*BASE, *PENDULUM])
    outputs = Outputs(tmp_path, tmp_path / "film.mp4")
    display = HeadlessDisplay((160, 120))
    with Session(config, RunLength(frames=5), outputs, headless=False, display=display) as session:
        display._script = iter([[], [Key(Action.GLOW)], [], [Key(Action.PROJECTION)]])
        session.run()
    frames = len(list(frames_of(tmp_path / "film.mp4")))
    assert (frames, origin(tmp_path / "film.mp4").made.changed) == (
        5,
        ["glow at tick 2", "projection at tick 6"],
    )


def test_a_video_with_a_cross_at_the_pointer_says_so(tmp_path):
    config = load_config(None, [*BASE, *PENDULUM])
    display, outputs = HeadlessDisplay((160, 120)), Outputs(tmp_path, tmp_path / "film.mp4")
    with Session(config, RunLength(frames=6), outputs, headless=False, display=display) as session:
        display._script = iter([[Move(9, 9)], [Key(Action.BESIDE)], [], [Move(60, 60)], [Move(61, 60)]])
        session.run()
    assert origin(tmp_path / "film.mp4").made.changed == ["side by side at tick 2", "pointer at tick 6"]


def test_a_video_with_maps_that_grow_by_the_clock_says_so(tmp_path):
    """Frames wait for one rollout a cell; this policy draws its actions, so there are more."""
    video, display = tmp_path / "film.mp4", HeadlessDisplay((160, 120))
    config = load_config(None, [*BASE, *PENDULUM, "heatmap.layer=truth"])
    outputs = Outputs(tmp_path, video)
    with Session(config, RunLength(frames=2), outputs, headless=False, display=display) as session:
        session.run()
    found = origin(video)
    assert found.made.computing.startswith("truth")
    (reason,) = reasons_of(found, None)
    assert reason == f"it shows a map while it was being computed: {found.made.computing}"


def test_a_long_comment_fits_a_video(tmp_path):
    with VideoRecorder(tmp_path / "a.mp4", (64, 64), 30, "x" * 200_000) as recorder:
        recorder.add(bytes(64 * 64 * 3))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == "x" * 200_000


def checkpoint_named(path):
    shutil.copy(SHIPPED / "mountain_car.safetensors", path)
    return Model(path.stem, str(path), load_checkpoint(path, make_world("mountain_car")), str(path))


def plan_for(model):
    """Return a small analysis of a checkpoint: its configuration, plane and plan."""
    config = load_config(None, ["world.name=mountain_car", f'policy.checkpoint="{model.setting}"'])
    return config, map_plane(config, make_world("mountain_car")), Plan(8, 16, 2, seed=3, threads=1)


def made_again(cli, path):
    status, out, errors = cli("replay", path)
    assert (status, errors) == (0, ""), out
    assert path.read_bytes() == path.with_stem(f"{path.stem}-again").read_bytes()
    return out


def test_maps_of_an_analysis_are_made_again(cli, tmp_path):
    """As `analyze` saves them, with other settings than the configuration's own."""
    model = checkpoint_named(tmp_path / "own.safetensors")
    config, plane, plan = plan_for(model)
    found = analyze(model.checkpoint, plane, plan)
    for name in ("error.png", "visits.pdf"):
        save(map_of(found, Path(name).stem), tmp_path / name, map_origin(found, config, name))
        out = made_again(cli, tmp_path / name)
        assert f"{name} of 8 episodes and 16² cells in mountain_car, seed 3" in out
        assert "equal" in out.splitlines()[-1]


def test_maps_of_several_checkpoints_are_made_again(cli, tmp_path):
    models = [checkpoint_named(tmp_path / f"{name}.safetensors") for name in ("one", "two")]
    config, plane, plan = plan_for(models[0])
    several, path = analyze_several(models, plane, plan), tmp_path / "differences.png"
    origin = map_origin(several.models[0].found, config, path.name, several.models)
    save(figures_of(several)["differences"], path, origin)
    assert f"reading the checkpoint to compare with: {tmp_path / 'two.safetensors'}" in made_again(cli, path)
    (tmp_path / "two.safetensors").unlink()
    status, _, errors = cli("replay", path)
    assert status == 2
    assert "two.safetensors" in errors


def test_every_map_that_analyze_writes_says_how_it_was_made(tmp_path, monkeypatch):
    kept = {}
    monkeypatch.setattr("valuescape.analysis.output.figure", lambda maps, shown: list(shown))
    monkeypatch.setattr(
        "valuescape.analysis.output.save", lambda made, path, origin: kept.update({path: origin})
    )
    model = checkpoint_named(tmp_path / "own.safetensors")
    config, plane, plan = plan_for(model)
    files = write_pictures(analyze(model.checkpoint, plane, plan), tmp_path, config)
    assert {file.name for file in files} >= {"maps.png", "truth.pdf"}
    assert {path.name: origin.made.name for path, origin in kept.items()} == {
        file.name: file.name for file in files
    }
