"""The small parts of a run: its length, its heading, its presets, its tables and its report."""

import json
import math
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest

from valuescape.cli.run_result import show_result
from valuescape.cli.settings import show_settings
from valuescape.cli.terminal import Terminal
from valuescape.costs.breakdown import Part
from valuescape.presets import config_path, find_checkpoint, presets
from valuescape.render.scene.trails import Thinned
from valuescape.run.alerts import Alert
from valuescape.run.captions import heading
from valuescape.run.length import RunLength
from valuescape.run.report import versions, write_report
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.engine import EpisodeStats
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import RunLog
from valuescape.sim.worlds import WORLDS, make_world


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


def engine_with(restarts=0, workers=2):
    config = load_config(None, ["world.name=mountain_car", "agents.count=1200"])
    world = make_world(config.world.name)
    return SimpleNamespace(config=config, world=world, workers=workers, restarts=restarts)


def test_the_heading_says_what_runs_and_how():
    nothing_yet = EpisodeStats(0, 0, math.nan, math.nan)
    shown = heading(engine_with(workers=0), None, "60 fps", -1, nothing_yet, None)
    text = " | ".join(str(shown).splitlines())
    assert "mountain car · goal: reach the flag at position 0.5 · Valuescape" in text
    assert "random actions · 1,200 agents · no worker processes" in text
    assert "60 fps · tick 0" in text
    assert "nan" not in text
    gym = engine_with()
    gym.config = load_config(None, ["world.name=gymnasium:MountainCarContinuous-v0"])
    gym.world.goal = ""
    shown = heading(gym, None, "60 fps", -1, nothing_yet, None)
    assert shown.left[0] == "gymnasium:MountainCarContinuous-v0 · Valuescape"
    checkpoint = find_checkpoint("auto", make_world("mountain_car"))
    stats = EpisodeStats(1234, 5, -7.25, 9)
    text = str(heading(engine_with(1), checkpoint, "paused", 99, stats, Thinned(61, 5.0)))
    assert "DQN" in text
    assert "1,234 episodes · mean return −7.2" in text
    assert "1 worker replaced" in text
    assert "61 agents drawn one by one, the others' last 5 ticks as a crowd" in text
    assert "seems not to fit" not in text
    odd = replace(checkpoint, doubt="V(s) of starts is -3.2 on average")
    text = str(heading(engine_with(), odd, "paused", 99, nothing_yet, None))
    assert "seems not to fit this world: V(s) of starts is −3.2" in text


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


def finished_session():
    log = RunLog(draw_calls=8, queries=2)
    log.frame_ends.extend([1.0, 1.5])
    stats = EpisodeStats(0, 0, math.nan, math.nan)
    return SimpleNamespace(
        config=load_config(None),
        log=log,
        engine=SimpleNamespace(workers=2, restarts=0, episode_stats=lambda: stats),
        newest_tick=30,
        scene=SimpleNamespace(trails=SimpleNamespace(individuals=SimpleNamespace(count=2))),
        accounts=SimpleNamespace(
            start_s=1.25,
            parts=lambda: [Part("surface", 4.5)],
            usage=lambda stage: {},
            stats=SimpleNamespace(hit_rate=0.9),
        ),
        stage=None,
        alerts=SimpleNamespace(heard=[Alert(6.0, "12 FPS, below 20")]),
        recorder=None,
        lockstep=False,
        driver=SimpleNamespace(renderer="llvmpipe [really]", version="4.5"),
    )


def test_a_report_is_strict_json_with_null_for_what_is_not_known(tmp_path):
    path = tmp_path / "new" / "run.json"
    report = write_report(finished_session(), path)
    read = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert read == json.loads(json.dumps(report))
    assert read["fps_std"] is None
    assert read["health"]["fps_std"] is False
    assert read["draw_calls_per_frame"] == 4
    assert Config.model_validate(read["config"]) == Config()


def test_a_report_that_cannot_be_written_is_a_usage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        write_report(finished_session(), tmp_path / "file" / "run.json")


def test_versions_are_of_what_is_installed():
    assert versions()["numpy"].count(".") == 2
    assert versions()["valuescape"] != "not installed"


def test_the_result_is_readable_even_of_a_run_too_short_to_tell(tmp_path):
    session = finished_session()
    result = SimpleNamespace(
        report=write_report(session, tmp_path / "run.json"), files=[tmp_path / "[x] run.json"]
    )
    out = StringIO()
    show_result(Terminal(file=out, width=120), result, session.config)
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
