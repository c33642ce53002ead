"""The breakdown of frames, the advice, and profile files."""

import csv
import json

import numpy as np
import pytest
from run_states import run_state

from valuescape.costs.advice import advise
from valuescape.costs.breakdown import EXACT_FRAME, frame_parts, worker_loads
from valuescape.costs.profile_files import Track, require_profile, worker_tracks, write_profile
from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.render.scene.budget import Budget
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.run_state import Part
from valuescape.sim.config.files import changed, load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.shared.layout import SPAN

NAMES = ["surface", "trails", "frame", EXACT_FRAME]
SETTINGS = ("agents.count=240", "render.mesh_resolution=48", "heatmap.density_resolution=128")
STATE = run_state(*SETTINGS, budget=Budget(60_000))


def frames(*kinds):
    """Return the spans of frames of 10 ms: the surface takes 6, the trails 3."""
    rows = []
    for index, kind in enumerate(kinds):
        began = index * 20_000_000
        rows += [(0, 1, began, 6_000_000), (1, 1, began + 6_000_000, 3_000_000)]
        rows.append((NAMES.index(kind), 0, began, 10_000_000))
    return np.array(rows, SPAN)


def test_exact_frames_alone_are_taken_apart():
    spans = frames("frame", EXACT_FRAME, "frame")
    spans["took_ns"][[0, 6]] = 1  # a section that waits for nothing says nothing
    assert frame_parts(spans, NAMES) == [Part("surface", 6.0), Part("trails", 3.0), Part("other", 1.0)]


def test_before_the_first_exact_frame_nothing_is_known():
    assert frame_parts(frames("frame"), NAMES) == []
    assert frame_parts(frames("frame"), NAMES[:3]) == []
    assert advise([], 20.0, STATE) is None


def test_medians_leave_out_a_frame_that_was_disturbed():
    spans = frames(*[EXACT_FRAME] * 5)
    spans["took_ns"][6] = 60_000_000
    assert frame_parts(spans, NAMES)[0] == Part("surface", 6.0)


def test_the_load_of_a_worker_is_its_time_in_ticks():
    second = 1_000_000_000
    spans = np.array([(0, 0, 0, second), (3, 0, second, second), (0, 0, 2 * second, second // 2)], SPAN)
    assert worker_loads([spans], 3 * second, seconds=2.0) == [pytest.approx(0.25)]
    assert worker_loads([spans[:0]], 3 * second) == [0.0]


def test_frames_that_fit_need_no_advice():
    assert advise([Part("trails", 12.0)], 20.0, STATE) is None


@pytest.mark.parametrize(
    ("part", "says", "changes"),
    [
        ("trails", "lower lod.segment_budget from 60,000 to about 24,000", {"lod.segment_budget": 24_000}),
        ("surface", "lower render.mesh_resolution from 48 to 30", {"render.mesh_resolution": 30}),
        ("density", "lower heatmap.density_resolution from 128 to 81", {"heatmap.density_resolution": 81}),
        ("panel", "hide the panel", {}),
        ("video", "no setting is known", {}),
    ],
)
def test_the_advice_names_what_dominates_and_the_key(part, says, changes):
    """A section takes 50 ms of 60, where 30 are allowed: it may keep 20 of its 50, a share of 0.4."""
    found = advise([Part(part, 50.0), Part("present", 100.0), Part("other", 10.0)], 30.0, STATE)
    assert f"{part} takes 83% of the frame (50.0 of 60.0 ms)" in found.sentence
    assert says in found.sentence
    assert dict(found.changes) == changes
    assert found.expected_ms == pytest.approx(60.0 if part == "video" else 30.0)


def test_sections_that_the_same_key_makes_smaller_are_one():
    parts = [Part("surface", 20.0), Part("trails", 15.0), Part("place", 10.0), Part("other", 5.0)]
    found = advise(parts, 30.0, STATE)
    assert "trails takes 50% of the frame (25.0 of 50.0 ms)" in found.sentence
    assert dict(found.changes) == {"lod.segment_budget": 12_000}
    fields = [Part("surface", 20.0), Part("density", 12.0), Part("shade", 18.0)]
    assert "heatmap.density_resolution" in advise(fields, 30.0, STATE).sentence
    crowded = run_state(*SETTINGS, "agents.count=100000", budget=Budget(60_000))
    assert "surface takes 40%" in advise(fields, 30.0, crowded).sentence  # two keys: none of both is larger


def test_what_is_advised_depends_on_the_run():
    def said(part, *settings, **changes):
        return advise([Part(part, 50.0)], 20.0, run_state(*SETTINGS, *settings, **changes)).sentence

    assert "smaller, to 40% of its area" in said("surface", live={"flat": True})
    assert "workers.count" in said("engine", workers=0)
    for part in ("density", "crowd", "upload"):
        assert "agents.count from 100,000 to about 40,000" in said(part, "agents.count=100000")
    # The crowd is small, its visits are many: 20 ticks a frame.
    busy = RunLog(frame_ends=[0.0, 0.1], first_tick=(0.0, 0), last_tick=(0.1, 20))
    fast = "agents.count=10000", "sim.ticks_per_s=960"
    assert "sim.ticks_per_s from 960 to about 380" in said("density", *fast, log=busy)
    # Without a limit on ticks there is no number to lower.
    assert "agents.count" in said("density", *fast, "sim.ticks_per_s=0", log=busy)
    assert "no setting" in said("engine", workers=2)
    assert "glow" in said("effects", live={"glow": 0.7})


def test_segments_are_counted_where_the_budget_is_without_limit():
    state = run_state(*SETTINGS, budget=Budget(0), log=RunLog(segments=[10, 58_000]))
    advice = advise([Part("trails", 50.0), Part("other", 10.0)], 30.0, state)
    assert "from 58,000 to about 23,000" in advice.sentence


def tracks():
    worker = np.array([(0, 0, 5, 3_000_000), (3, 0, 3_000_005, 9_000_000)], SPAN)
    return [Track("main", 7, frames("frame", EXACT_FRAME), NAMES), *worker_tracks([8], [worker])]


def test_a_trace_has_a_track_a_process_and_a_mark_a_frame(tmp_path):
    path = tmp_path / "run.trace"
    write_profile(path, tracks(), {})
    events = json.loads(path.read_text())["traceEvents"]
    named = {each["pid"]: each["args"]["name"] for each in events if each["ph"] == "M"}
    assert named == {7: "main", 8: "worker 0"}
    whole = [each for each in events if each["ph"] == "X"]
    assert len(whole) == 8
    assert [each["name"] for each in whole if each["pid"] == 8] == ["ticks", "waits for the clock"]
    surface = next(each for each in whole if each["name"] == "surface")
    assert (surface["ts"], surface["dur"]) == (0.0, 6000.0)
    marks = [each["ts"] for each in events if each["ph"] == "i"]
    assert marks == [10_000.0, 30_000.0]


def test_statistics_are_the_same_in_either_form(tmp_path):
    usage = {"main": {"pid": 7, "cpu_s": 1.5, "memory_mb": 200.0}}
    write_profile(tmp_path / "run.json", tracks(), usage)
    write_profile(tmp_path / "run.csv", tracks(), usage)
    said = json.loads((tmp_path / "run.json").read_text())
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert said["processes"] == usage
    assert [(each["process"], each["name"]) for each in said["sections"]] == [
        ("main", "surface"),
        ("main", "trails"),
        ("main", "frame"),
        ("main", EXACT_FRAME),
        ("worker 0", "ticks"),
        ("worker 0", "waits for the clock"),
    ]
    assert [float(row["p50"]) for row in rows] == [each["p50"] for each in said["sections"]]
    assert said["sections"][0]["p50"] == 6.0


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"\.trace"):
        require_profile(tmp_path / "run.txt")
    with pytest.raises(UsageError, match="cannot be written"):
        write_profile(tmp_path / "nowhere" / "run.json", tracks(), {})


HEAVY = ["world.name=point_mass", "workers.count=1", "sim.ticks_per_s=30", "render.width=640"]
HEAVY += ["render.height=360", "run.record=false", "render.max_fps=130"]
HEAVY += ["features.still_background=false", "features.painted_map=false"]  # frames cost the same all along


def run(config, folder):
    """Return the time of a frame without waiting, ms, and the advice."""
    with Session(config, RunLength(frames=156), Outputs(folder), headless=True) as session:
        session.turn_frames()
        state = session.state()
        parts = state.figures.parts()
        ms = sum(part.ms for part in parts if part.name != "present")
        return ms, advise(parts, state.may_take_ms, state)


@pytest.mark.gpu
@pytest.mark.performance
@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (["agents.count=1000", "lod.segment_budget=50_000", "render.view=2d"], "lod.segment_budget"),
        (["agents.count=50", "render.mesh_resolution=320"], "render.mesh_resolution"),
    ],
)
def test_a_prediction_comes_true_when_the_advice_is_followed(tmp_path, settings, key):
    """Two runs on a machine with other work may differ by a third."""
    gl = create_headless_context()
    software = driver_info(gl).software
    gl.release()
    if not software:
        pytest.skip("a GPU draws these frames in time, and nothing is advised")
    config = load_config(None, [*HEAVY, "lod.tolerance_px=0", *settings])
    before, advice = run(config, tmp_path)
    assert [name for name, _ in advice.changes] == [key]
    assert advice.expected_ms < 0.9 * before
    after, _ = run(changed(config, dict(advice.changes)), tmp_path)
    assert 0.66 < after / advice.expected_ms < 1.5
