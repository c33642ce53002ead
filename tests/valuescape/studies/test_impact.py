"""The gain of optimisations: the arithmetic, the comparison of both paths, and a whole run."""

import json
import math
from statistics import stdev

import pytest
from processes import wait_until

from valuescape.cli.app import run_cli
from valuescape.sim.config.files import load_config
from valuescape.sim.config.sections import FeaturesConfig
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.studies import impact
from valuescape.studies.confidence import Change
from valuescape.studies.impact import (
    ALL_ON,
    CODE,
    SECTIONS,
    SWITCHES,
    agreements,
    code_lines,
    judge,
    lines_of,
    variants,
)

TINY = ["agents.count=12", "heatmap.resolution=8", "heatmap.density_resolution=8", "trails.length=8"]
TINY += ["render.width=160", "render.height=120", "render.mesh_resolution=8"]
ALONE = [*TINY, "workers.count=0"]
"""Without workers, whose start takes longer than the run; `parallel_agents` uses two all the same."""


def test_every_switch_is_covered():
    assert set(SWITCHES) == set(FeaturesConfig.model_fields)
    names = [each.name for each in variants()]
    assert names == [ALL_ON, *(f"{switch} off" for switch in SWITCHES), "all off"]


def test_the_interval_is_student_s():
    """Differences 2, 4, 6: mean 4, standard error 2 / sqrt(3), t(2) = 4.303."""
    found = Change.of([12.0, 14.0, 16.0], [10.0] * 3)
    assert found.mean == 4
    assert found.reach == pytest.approx(4.303 * 2 / math.sqrt(3), rel=1e-3)
    assert Change.of([5.0], [1.0]) == Change(4.0, math.inf)
    many = [float(x % 7) for x in range(50)]
    t_49 = 2.0096  # by the tables of any textbook
    assert Change.of(many, [0.0] * 50).reach == pytest.approx(t_49 * stdev(many) / math.sqrt(50), rel=1e-4)
    assert (str(found), str(Change(-2.0, math.inf))) == ("+4.0 ± 5.0", "-2.0")


def measured(**speeds):
    """Return all variants, with these FPS for the named ones, and those of all on for the others."""
    found = variants()
    for each in found:
        each.fps = list(speeds.get(each.name.split()[0], [50.0, 51.0, 49.0]))
        each.frame_ms_p95, each.memory_mb = [1000 / fps for fps in each.fps], [300.0] * 3
        each.parts = [{"trails": 9.0 if each.name == "trail_lod off" else 2.0}] * 3
    return found


def test_what_is_worth_something_is_told_from_what_is_not():
    found = judge(
        measured(trail_lod=[20.0, 22.0, 19.0], simd=[60.0, 62.0, 58.0], gpu_heatmap=[55.0, 45.0, 50.0]), {}
    )
    worths = {each.switch: each for each in found}
    assert found[0].switch == "trail_lod"
    assert worths["trail_lod"].fps.mean == pytest.approx(50 - 61 / 3)
    assert worths["trail_lod"].section_ms.mean == pytest.approx(-7.0)
    assert worths["trail_lod"].recommended == "on"
    assert worths["simd"].recommended == "off"
    assert worths["gpu_heatmap"].recommended == "no difference seen"
    assert worths["simd"].agrees == "not compared"


@pytest.mark.parametrize("name", [name for names in CODE.values() for name in names])
def test_every_file_that_a_switch_needs_is_there_and_has_code(name):
    """Else a file that moved would count for nothing."""
    assert code_lines(name) >= 15


def test_the_lines_of_a_switch_are_those_of_its_files():
    assert set(CODE) <= set(SWITCHES)
    assert lines_of("trail_lod") == sum(map(code_lines, CODE["trail_lod"])) > 300
    assert lines_of("batched_trails") == 0
    with pytest.raises(FileNotFoundError):
        code_lines("gpu/passes/moved.py")


@pytest.mark.gpu
@pytest.mark.regression
@pytest.mark.slow
def test_no_switch_changes_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(impact, "_TICKS", 25)
    with Interrupts() as interrupts:
        said = agreements(load_config(None, ALONE), interrupts, lambda _: None)
    assert list(said) == list(SWITCHES)
    assert {switch: each for switch, each in said.items() if "DIFFER" in each} == {}
    assert said["simd"] == said["parallel_agents"] == "states equal"
    assert said["batched_trails"] == said["instanced_agents"] == "pictures equal"


@pytest.mark.gpu
@pytest.mark.regression
def test_a_run_of_a_single_frame_ends_in_the_same_picture(tmp_path, monkeypatch):
    """On a busy machine all ticks can be over before the first frame."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(impact, "_TICKS", 5)
    run_until = Engine.run_until

    def run_to_the_end(engine, tick):
        run_until(engine, tick)
        wait_until(lambda: engine.newest_tick == 5, 20, "all ticks are made")

    monkeypatch.setattr(Engine, "run_until", run_to_the_end)
    with Interrupts() as interrupts:
        config = load_config(None, [*TINY, "workers.count=1"])
        said = impact._pictures_agree(config, "async_physics", impact.Runs(interrupts))
    assert said == "pictures equal"


@pytest.mark.gpu
def test_a_picture_that_differs_is_told(tmp_path, monkeypatch):
    """Else the comparison would pass whatever a switch does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(impact, "_TICKS", 5)
    plain = impact._with_off

    def broken(config, off):
        broken = {"heatmap.opacity": 0.1 if "batched_trails" in off else 1.0}
        return impact.changed(plain(config, off), broken)

    monkeypatch.setattr(impact, "_with_off", broken)
    with Interrupts() as interrupts:
        said = impact._pictures_agree(load_config(None, ALONE), "batched_trails", impact.Runs(interrupts))
    assert said.startswith("PICTURES DIFFER")


@pytest.mark.gpu
@pytest.mark.slow
def test_the_command_prints_the_matrix_and_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    some = ("trail_lod", "simd")
    monkeypatch.setattr(impact, "SWITCHES", some)
    monkeypatch.setattr(impact, "_TICKS", 5)
    sets = [part for setting in ALONE for part in ("--set", setting)]
    assert run_cli(["impact", "--seconds", "0.3", "--repeats", "1", *sets, "--json", "i.json"]) == 0
    said = capsys.readouterr().out
    assert "times as fast" in said
    written = json.loads((tmp_path / "i.json").read_text())
    assert {each["switch"] for each in written["switches"]} == set(some)
    assert all(each["fps"]["reach"] is None for each in written["switches"])  # of one repeat
    assert all(len(each["fps"]) == 1 for each in written["variants"])
    assert set(SECTIONS) <= set(SWITCHES)
    assert set(SECTIONS.values()) <= set(written["variants"][0]["parts"][0])
    assert "Impact matrix" in (tmp_path / "runs" / "impact.html").read_text()
