"""Sweep files of `scale`: parsing, complaints, and the measurement of their cells."""

import contextlib
import json
import os
from pathlib import Path

import pytest
from commands import SMALL
from hypothesis import given
from hypothesis import strategies as st

from valuescape.cli.app import run_cli
from valuescape.sim.errors import UsageError
from valuescape.studies.compare import as_report, compare
from valuescape.studies.scale import ScalePlan
from valuescape.studies.sweep import EXAMPLE, read_sweep

SETS = [part for setting in SMALL for part in ("--set", setting)]


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """Write a sweep; returns its path."""
    monkeypatch.chdir(tmp_path)

    def write(text):
        path = tmp_path / "sweep.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_example_is_every_combination(sweep):
    plan = ScalePlan(**read_sweep(sweep(EXAMPLE)))
    assert (plan.workers, plan.agents, plan.repeats) == ((0, 1, 2), (1_000, 10_000), 5)
    assert plan.settings == (
        {"world.name": "pendulum", "features.simd": True},
        {"world.name": "pendulum", "features.simd": False},
        {"world.name": "cartpole", "features.simd": True},
        {"world.name": "cartpole", "features.simd": False},
    )
    assert len(plan.cells()) == 2 * 2 * 3 * 2


def test_what_a_file_leaves_out_is_as_usual(sweep):
    assert ScalePlan(**read_sweep(sweep("agents = [5]"))) == ScalePlan(agents=(5,))


def test_the_docs_show_the_example():
    page = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text(encoding="utf-8")
    assert EXAMPLE in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workers = [-1]", "workers.0 = -1"),
        ("workers = []", "workers = []"),
        ("workers = 2", "workers = 2"),
        ("agents = [1.5]", "agents.0 = 1.5"),
        ("agents = [99999999999999999999]", "agents.0 = 99999999999999999999"),
        ("agent = [5]", "agent is unknown"),
        ("seconds = nan", "seconds = nan"),
        ("repeats = 0", "repeats = 0"),
        ("frames = true", "frames = True"),
        ("[settings]\nx = [1]", "settings.x"),
        ('[settings]\n"agents.cuont" = [1]', "agents.cuont is unknown; did you mean count?"),
        ('[settings]\n"agnts.count" = [1]', "agnts.count is unknown"),
        ('[settings]\n"agents.count" = 1', "settings.agents.count = 1"),
        ('[settings]\n"workers.count" = [1]', "workers.count is what a sweep measures"),
        ('[settings]\n"lod.levels" = [[1]]', "settings.lod.levels.0"),
        ("a = ", "is not valid TOML"),
        ("x" * 70_000, "is not valid TOML"),
        ("a = " + "[" * 20_000, "nested more than"),
    ],
)
def test_what_is_wrong_is_named(sweep, capsys, text, said):
    sweep(text)
    assert run_cli(["scale", *SETS, "--sweep", "sweep.toml"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("valuescape: sweep.toml: ")
    assert said in errors
    assert len(errors.splitlines()) <= 3
    assert max(map(len, errors.splitlines())) <= 200


def test_values_that_a_setting_does_not_take_are_named_before_anything_is_measured(sweep, capsys):
    sweep('[settings]\n"heatmap.resolution" = [16, 3]')
    assert run_cli(["scale", *SETS, "--sweep", "sweep.toml"]) == 2
    assert "heatmap.resolution = 3, expected" in capsys.readouterr().err


def test_more_cells_than_anybody_waits_for_are_refused(sweep, capsys):
    values = ", ".join(map(str, range(1, 33)))
    sweep(f'agents = [{values}]\n[settings]\n"run.seed" = [{values}]')
    assert run_cli(["scale", *SETS, "--sweep", "sweep.toml"]) == 2
    assert "the sweep has 3,072 cells, expected at most 1,000" in capsys.readouterr().err


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: None])
def test_what_is_no_file_is_refused_at_once(tmp_path, make):
    path = tmp_path / "sweep.toml"
    make(path)
    with pytest.raises(UsageError, match=r"expected a file|there is no such file"):
        read_sweep(path)


@given(st.text(max_size=200))
def test_any_text_is_a_sweep_or_a_sentence(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(UsageError):
        assert ScalePlan(**read_sweep(path)).settings


def test_a_sweep_is_measured_shown_and_compared_with_another(sweep, tmp_path, capsys):
    sweep(
        "workers = [0]\nagents = [32, 64]\nseconds = 0.05\nframes = 0\nrepeats = 2\n[settings]\n"
        '"world.name" = ["pendulum", "point_mass"]\n'
    )
    assert run_cli(["scale", *SETS, "--sweep", "sweep.toml", "--agents", "40", "--json", "s.json"]) == 0
    said = capsys.readouterr().out
    assert "world.name = pendulum" in said
    assert "world.name = point_mass" in said
    report = json.loads((tmp_path / "s.json").read_text())
    assert [cell["settings"] for cell in report["cells"]] == [
        {"world.name": "pendulum"},
        {"world.name": "point_mass"},
    ]
    assert {cell["agents"] for cell in report["cells"]} == {40}  # given beside the file
    assert [len(cell["ticks_per_s"]) for cell in report["cells"]] == [2, 2]
    assert [each["best_workers"] for each in report["verdicts"]] == [{"40": 0}, {"40": 0}]
    read = as_report(report)
    assert len(dict(read.figures())) == 4  # two cells, two figures each
    assert compare(read, read).reasons == []
    page = (tmp_path / "runs" / "scale.html").read_text()
    assert "Figures: world.name = point_mass" in page


def test_one_configuration_cannot_be_written_of_several_settings(sweep, capsys):
    sweep('[settings]\n"run.seed" = [1, 2]')
    assert run_cli(["scale", *SETS, "--sweep", "sweep.toml", "--write", "mine.toml"]) == 2
    assert "--write mine.toml: the sweep has 2 settings, expected one" in capsys.readouterr().err
