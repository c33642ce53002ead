"""The table of `make gpu`: whole on a software driver, and told where something failed."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BENCH = ROOT / "tests" / "bench"


@pytest.fixture
def opengl(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    import opengl

    return opengl


def told(opengl, *steps, tests=False, seconds=60.0):
    deadline = opengl.time.monotonic() + seconds
    return list(opengl.measured(list(steps), tests=tests, deadline=deadline))


def test_a_step_that_fails_is_told_and_the_rest_goes_on(opengl):
    def broken(_):
        raise RuntimeError("no such card")

    def whole(limit_s):
        assert 50 < limit_s <= 60
        yield opengl.Line("whole", "1.00 ms", 1.0)

    lines = told(opengl, ("broken", broken), ("whole", whole))
    assert [line.result for line in lines] == ["failed: RuntimeError: no such card", "1.00 ms"]


def test_a_part_that_crashes_or_hangs_is_told(opengl):
    crashed = opengl._measured(opengl.part("crashed", part="no such part"), opengl.field)
    (line,) = told(opengl, crashed)
    assert line.said.startswith("failed: exit code 1: KeyError")
    (line,) = crashed[1](0.01)
    assert line.said == "failed: not done in 0 s"


def test_what_finds_no_time_is_told(opengl):
    (line,) = told(opengl, ("late", lambda _: iter(())), seconds=1)
    assert (line.name, line.said) == ("late", "left out: no time")


@pytest.mark.parametrize(("figure", "said"), [(4.9, "met"), (5.1, "missed"), (None, "missed")])
def test_goals_stand_beside_figures(opengl, figure, said):
    assert opengl.Line("field", "x", figure, 5.0).result == f"x; goal 5 ms: {said}"


def test_crowds_fields_sizes_and_parts_have_rows(opengl):
    names = "\n".join(name for name, _ in opengl.steps(small=False))
    for crowd in ("1,000", "10,000", "100,000", "1,000,000"):
        for kind in ("raster", "compute"):
            assert f"frame: {crowd} agents, each with a drawn trail, {kind}" in names
    for row in (
        "128², twin 64-64",
        "1024², twin 256-256",
        "3840 × 2160",
        "heights: 1,000,000",
        "upload",
        "timers",
    ):
        assert row in names


@pytest.mark.gpu
def test_every_kind_of_part_is_measured_on_a_software_driver(opengl):
    """All kinds of rows but whole programs, each with few agents."""
    steps = dict(opengl.steps(small=True))
    one_of_each = [
        *("field: 128², twin 64-64", "frame: 1,000 agents, each with a drawn trail, compute"),
        *("frame: 1,000 agents, maps", "heights: 1,000 agents", "upload: 1 MB", "timers: 1,000 agents"),
    ]
    lines = told(opengl, *((name, steps[name]) for name in one_of_each), seconds=100)
    assert [line.result for line in lines if "failed" in line.said or "left out" in line.said] == []
    assert {line.name.partition("map ")[2] for line in lines} >= {"value", "density", "both", "policy"}


def test_the_files_hold_what_was_printed(opengl, tmp_path, monkeypatch, capsys):
    def whole(_):
        yield opengl.Line("a | b", "1.00 ms", 1.0, 2.0)

    saved = tmp_path / "new" / "gpu.json", tmp_path / "gpu.md"
    monkeypatch.setattr(opengl, "steps", lambda **_: [("whole", whole)])
    monkeypatch.setattr(
        sys, "argv", ["opengl.py", "--no-tests", f"--json={saved[0]}", f"--markdown={saved[1]}"]
    )
    opengl.main()
    assert capsys.readouterr().out == "a | b: 1.00 ms; goal 2 ms: met\n"
    assert json.loads(saved[0].read_text())["rows"] == [
        {"name": "a | b", "said": "1.00 ms", "figure": 1.0, "goal": 2.0}
    ]
    assert "| a   b | 1.00 ms; goal 2 ms: met |" in saved[1].read_text()
