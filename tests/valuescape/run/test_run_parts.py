"""The small parts of a run: length, heading, cards, presets, tables and report."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from run_states import run_state
from sample_systems import slipping, wind

from valuescape.cli.run_result import show_result
from valuescape.cli.settings import show_settings
from valuescape.cli.terminal import Terminal
from valuescape.presets import config_path, find_checkpoint, presets
from valuescape.render.overlay.cards import Card
from valuescape.render.scene.trails import Thinned
from valuescape.run.captions import annotations, heading
from valuescape.run.length import RunLength
from valuescape.run.outputs import RunResult
from valuescape.run.report import write_report
from valuescape.run_state import Alert, Noticed, Part
from valuescape.sim.config.files import Config
from valuescape.sim.engine import EpisodeStats
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.worlds import WORLDS, make_world
from valuescape.sim.worlds.systems.compose import with_systems


@pytest.mark.parametrize(
    ("length", "share"),
    [
        (RunLength(), 0),
        (RunLength(frames=20), 0.5),
        (RunLength(seconds=2.5), 0.8),
        (RunLength(ticks=300), 1),
        (RunLength(frames=20, seconds=2.5), 0.8),
        (RunLength(frames=1, ticks=1000), 1),
    ],
)
def test_a_run_is_as_far_as_the_limit_it_meets_first(length, share):
    assert length.done(10, 2.0, 300) == share


def said(state):
    return " | ".join(str(heading(state)).splitlines())


def test_the_heading_names_the_systems_that_change_the_world():
    world = with_systems(WORLDS["mountain_car"](), (wind, slipping))
    text = said(run_state("world.name=mountain_car", world=world))
    assert "mountain car with wind and slipping · goal: reach the flag" in text


def test_the_heading_says_what_runs_and_how():
    car = "world.name=mountain_car", "agents.count=1200"
    text = said(run_state(*car, workers=0, paused=True))
    assert "mountain car · goal: reach the flag at position 0.5 · Valuescape" in text
    assert "random actions · 1,200 agents · no worker processes" in text
    assert "paused · tick 0" in text
    assert "nan" not in text
    checkpoint = find_checkpoint("auto", make_world("mountain_car"))
    stats = EpisodeStats(1234, 5, -7.25, 9)
    run = {"checkpoint": checkpoint, "restarts": 1, "tick": 99, "thinned": Thinned(61, 5.0)}
    text = said(run_state(*car, figures={"totals": stats}, **run))
    assert "DQN" in text
    assert "1,234 episodes · mean return −7.2" in text
    assert "1 worker replaced" in text
    assert "61 agents drawn one by one, the others' last 5 ticks as a crowd" in text
    assert "seems not to fit" not in text
    odd = replace(checkpoint, doubt="V is -3.2, low-level: --reward-scale 0.1?")
    assert "V is −3.2, low-level: --reward-scale 0.1?" in said(run_state(*car, checkpoint=odd))


def test_the_heading_leaves_an_id_of_gymnasium_as_it_is():
    pytest.importorskip("gymnasium")
    state = run_state("world.name=gymnasium:MountainCarContinuous-v0")
    assert heading(state).left[0].startswith("gymnasium:MountainCarContinuous-v0 · ")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "50 fps · tick 7"),
        ({"lockstep": True}, "in step with frames · tick 7"),
        ({"noticed": Noticed(lamp="slow")}, "● slow (F3) · 50 fps · tick 7"),
        ({"headless": False}, "H: help · 50 fps · tick 7"),
        ({"headless": False, "help_seen": True}, "50 fps · tick 7"),
    ],
)
def test_the_heading_s_first_line_says_how_it_runs(changes, line):
    log = RunLog(frame_ends=[0.0, 0.02, 0.04])
    assert heading(run_state(tick=7, log=log, **changes)).right[0] == line


def test_cards_are_of_what_is_selected_and_of_costs_if_asked_for():
    card = Card("agent 3")

    def shown(**changes):
        return [each.title for each in annotations(run_state(**changes), (card,), "").cards]

    assert shown() == ["agent 3"]
    assert shown(live={"profile": True}) == ["agent 3", "frame time"]
    assert shown(live={"profile": True}, blind=True) == ["viewer off"]


def test_presets_are_found_by_name_and_files_by_path(tmp_path):
    assert config_path("demo").name == "demo.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text("")
    assert config_path(str(mine)) == mine
    assert all(presets().values())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("demmo", "did you mean demo"),
        ("qqq", "presets: .*demo"),
        ("qqq.toml", "no such configuration file"),
        ("configs/checkpoints/pendulm.safetensors", "no such file\n.*did you mean pendulum.safetensors"),
        ("some/where", "no such configuration file"),
    ],
)
def test_what_is_neither_preset_nor_file_is_refused(name, message):
    with pytest.raises(UsageError, match=message):
        config_path(name)


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_has_a_trained_checkpoint(world):
    checkpoint = find_checkpoint("auto", make_world(world))
    assert checkpoint.world == world
    assert checkpoint.training.episodes >= 100
    assert find_checkpoint("random", make_world(world)) is None


def test_a_world_without_a_checkpoint_says_what_to_do():
    class New(WORLDS["pendulum"]):
        name = "new"

    with pytest.raises(UsageError, match="valuescape train new"):
        find_checkpoint("auto", New())


def finished_run():
    log = RunLog(draw_calls=8, queries=2, frame_ends=[1.0, 1.5])
    noticed = Noticed(heard=(Alert(6.0, "12 FPS, below 20"),))
    figures = {"all_parts": (Part("surface", 4.5),), "hit_rate": 0.9}
    return run_state(tick=30, log=log, noticed=noticed, figures=figures)


def test_a_report_is_strict_json_with_null_for_what_is_not_known(tmp_path):
    path = tmp_path / "new" / "run.json"
    report = write_report(finished_run(), path)
    read = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert read == json.loads(json.dumps(report))
    assert read["fps_std"] is None
    assert read["health"]["fps_std"] is None
    assert read["draw_calls_per_frame"] == 4
    assert read["frame_parts_ms"] == {"surface": 4.5}
    assert read["alerts"] == [{"at_s": 6.0, "said": "12 FPS, below 20"}]
    assert Config.model_validate(read["config"]) == Config()


def test_a_report_that_cannot_be_written_is_a_usage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(finished_run(), tmp_path / "file" / "run.json")


def test_the_result_is_readable_even_of_a_run_too_short_to_tell(tmp_path):
    state = finished_run()
    result = RunResult(write_report(state, tmp_path / "run.json"), [tmp_path / "[x] run.json"])
    out = StringIO()
    show_result(Terminal(file=out, width=120), result, state.config)
    text = out.getvalue()
    assert "run too short to tell" in text
    assert "llvmpipe [really]" in text
    assert "[x] run.json" in text
    assert "nan" not in text.lower()


def test_settings_list_every_key():
    out = StringIO()
    show_settings(Terminal(file=out, width=200), None)
    for section, values in Config():
        for key in type(values).model_fields:
            assert f"  {key} = " in out.getvalue(), f"{section}.{key}"
    with pytest.raises(UsageError, match="did you mean agents"):
        show_settings(Terminal(file=out), "agnts")
