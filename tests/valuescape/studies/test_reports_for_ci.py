"""Reports and exit statuses for CI: the origin in every report, `--strict`, `--require`, `--tolerance`."""

import json
import os
import platform
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from commands import SMALL

from valuescape.cli.app import run_cli
from valuescape.studies import chaos as chaos_module
from valuescape.studies import impact as impact_module
from valuescape.studies.breaking_point import Search, Trial, lies_between
from valuescape.studies.compare import as_report, compare
from valuescape.studies.origin import headless_renderer
from valuescape.studies.tolerance import worse_by_share

SETS = [part for setting in (*SMALL, "workers.count=0", "agents.count=40") for part in ("--set", setting)]
BLOCK = {"command", "date", "machine", "versions", "config"}
"""Keys that every report has."""


def judged(before, after, tolerance=None):
    return compare(as_report(before), as_report(after), tolerance)


# --- What a report says of itself ---------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(chaos_module, "TICKS", 60)
    monkeypatch.setattr(impact_module, "SWITCHES", ("trail_lod",))
    monkeypatch.setattr(impact_module, "_TICKS", 3)
    return tmp_path


REPORTS = {
    "run": ["run", "--headless", *SETS, "--frames", "3", "--out", "."],
    "scale": ["scale", *SETS, "--workers", "0", "--agents", "32", "--seconds", "0.05", "--frames", "0"],
    "stress": ["stress", *SETS, "--start", "30", "--most", "30", "--seconds", "0.5"],
    "a soak": ["stress", *SETS, "--minutes", "0.02"],
    "chaos": ["stress", *SETS, "--chaos", "--minutes", "0.01"],
    "impact": ["impact", *SETS, "--seconds", "0.3", "--repeats", "1"],
    "bench": ["bench", "mesh", "--seconds", "0.01", "--most", "5000"],
}


@pytest.mark.gpu
@pytest.mark.parametrize(
    "kind",
    # pytest-benchmark refuses to measure in a process of pytest-xdist.
    [pytest.param(each, marks=pytest.mark.alone if each == "bench" else ()) for each in REPORTS],
)
def test_every_report_says_where_when_and_how_it_was_made(here, kind):
    began = datetime.now(UTC) - timedelta(seconds=1)
    arguments = REPORTS[kind]
    file = here / "run.json"
    assert run_cli([*arguments, *([] if kind == "run" else ["--json", str(file)])]) == 0
    report = json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert report.keys() >= BLOCK
    assert report["command"].startswith(f"valuescape {arguments[0]}")
    assert arguments[-1] in report["command"]
    assert began <= datetime.fromisoformat(report["date"]) <= datetime.now(UTC)
    assert 1 <= report["machine"]["cores"] <= os.cpu_count()
    assert report["versions"]["python"] == platform.python_version()
    assert report["versions"]["numpy"] == np.__version__
    assert report["gl_renderer"] == headless_renderer()
    if kind == "bench":
        assert report["config"] == {"bench": {"groups": "mesh", "seconds": 0.01, "most": 5000}}
    else:
        assert report["config"]["heatmap"]["resolution"] == 8
    assert judged(report, report).reasons == []


def test_a_comparison_says_what_it_compared(here, capsys):
    before = run_report(command="valuescape run a", date="2026-01-02T03:04:05+00:00")
    write("a.json", before)
    write("b.json", run_report())
    assert run_cli(["compare", "a.json", "b.json", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said.keys() >= BLOCK
    assert said["command"] == "valuescape compare a.json b.json --json"
    assert said["config"]["before"]["command"] == "valuescape run a"
    assert said["config"]["before"]["date"] == before["date"]
    assert said["config"]["after"]["file"] == "b.json"
    assert said["config"]["tolerance"] is None


# --- run --strict -------------------------------------------------------------------------------------------

GENEROUS = ["fps_std_below=1e6", "frame_ms_p95_below=1e6", "gpu_queries_below=1e6", "draw_calls_below=1e6"]


def strict(*settings):
    sets = [part for setting in (*GENEROUS, *settings) for part in ("--set", f"health.{setting}")]
    return run_cli(["run", "--headless", *SETS, *sets, "--frames", "4", "--out", "out", "--strict"])


@pytest.mark.gpu
def test_strict_ends_with_1_if_a_limit_is_broken_and_names_it(here, capsys):
    assert strict("draw_calls_below=0.5") == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == "--strict: broken: draw calls a frame"
    assert (here / "out" / "run.json").is_file()


@pytest.mark.gpu
def test_what_a_short_run_cannot_tell_is_not_broken(here, capsys):
    assert strict() == 0
    assert "run too short to tell" in capsys.readouterr().out


# --- stress --require ---------------------------------------------------------------------------------------


@pytest.fixture
def breaks_at_800(here, monkeypatch):
    """Make loads break from 800 on; returns the list of those tried."""
    tried = []

    def try_session(config, load, amount, seconds, interrupts):
        tried.append(amount)
        return Trial(amount, ("too much",) if amount >= 800 else (), 50.0, 20.0, 60.0)

    monkeypatch.setattr("valuescape.studies.loads.try_session", try_session)
    return tried


@pytest.mark.parametrize(("required", "status"), [(700, 0), (799, 0), (800, 1), (3000, 1)])
def test_require_ends_with_1_if_less_is_carried(breaks_at_800, capsys, required, status):
    assert run_cli(["stress", *SETS, "--require", str(required)]) == status
    assert breaks_at_800[0] == required  # itself, not one near to it
    assert ("agents are carried, required are" in capsys.readouterr().err) == bool(status)


def test_a_load_that_no_trial_told_about_is_tried(breaks_at_800):
    """With another --start the search can leave it out."""
    assert run_cli(["stress", *SETS, "--start", "100", "--require", "790"]) == 0
    assert 790 in breaks_at_800
    assert lies_between(5, Search([Trial(4), Trial(6, ("x",))]))
    assert not lies_between(4, Search([Trial(4), Trial(6, ("x",))]))
    assert not lies_between(7, Search([Trial(4)]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--require", "10", "--most", "5"], "--require 10: expected at most 5"),
        (["--require", "10", "--chaos"], "--require is about what is carried"),
        (["--require", "10", "--minutes", "1"], "--require is about what is carried"),
    ],
)
def test_require_that_cannot_be_answered_is_refused(here, capsys, arguments, message):
    assert run_cli(["stress", *SETS, *arguments]) == 2
    assert message in capsys.readouterr().err


# --- compare --tolerance ------------------------------------------------------------------------------------


def run_report(**changes):
    figures = {"fps_mean": 50.0, "frame_ms_p50": 20.0, "frame_ms_p95": 24.0, "ticks_per_s": 60.0}
    limits = {"health": {"memory": True}, "frame_parts_ms": {"surface": 7.0, "trails": 0.2}}
    return figures | limits | {"memory_mb_per_min": 0.1} | changes


def write(name, report):
    Path(name).write_text(json.dumps(report), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "within", "beyond"),
    [
        ({"fps_mean": 44.0}, 0.13, 0.11),
        ({"ticks_per_s": 45.0}, 0.26, 0.24),
        ({"frame_ms_p95": 30.0}, 0.26, 0.24),
        ({"frame_parts_ms": {"surface": 8.4, "trails": 0.2}}, 0.21, 0.19),
    ],
)
def test_a_share_decides_what_is_worse(change, within, beyond):
    before, after = run_report(), run_report(**change)
    assert judged(before, after, within).reasons == []
    (reason,) = judged(before, after, beyond).reasons
    assert next(iter(change)).removesuffix("_parts_ms") in reason or "surface (ms)" in reason
    assert judged(after, before, 0.0).reasons == []  # better is no reason


def test_what_is_next_to_nothing_is_no_reason():
    """A section's growth from 0.2 to 0.5 ms is noise, however large the share."""
    after = run_report(frame_parts_ms={"surface": 7.0, "trails": 0.5})
    assert judged(run_report(), after, 0.1).reasons == []


def test_a_tolerance_allows_what_would_be_worse_without_one_but_no_limit_that_broke():
    slower = run_report(frame_ms_p50=31.0)
    assert len(judged(run_report(), slower).reasons) == 1
    assert judged(run_report(), slower, 0.6).reasons == []
    broken = run_report(health={"memory": False}, memory_mb_per_min=9.0)
    assert judged(run_report(), broken, 10.0).reasons == [
        "the limit on memory was kept before and is broken now"
    ]


@pytest.mark.parametrize(
    ("row", "tolerance", "worse"),
    [
        (("agents carried", 1000.0, 850.0), 0.1, True),
        (("agents carried", 1000.0, 950.0), 0.1, False),
        (("agents carried", 1000.0, float("nan")), 0.5, True),
        (("heights: loop, 100 (us)", 10.0, 12.0), 0.1, True),
        (("1,000 agents: P95 (ms)", 10.0, 12.0), 0.1, True),
        (("1,000 agents, 2 workers: ticks/s", 100.0, 80.0), 0.1, True),
        (("all on: FPS", 100.0, 80.0), 0.1, True),
        (("fps_std", 1.0, 3.0), 0.1, False),
        (("frame_ms_p95", float("nan"), 3.0), 0.1, False),
        (("frame_ms_p95", 3.0, float("nan")), 0.1, False),
    ],
)
def test_figures_of_every_kind_are_held_against_the_share(row, tolerance, worse):
    assert bool(list(worse_by_share([row], tolerance))) == worse


def test_the_command_takes_a_tolerance(here, capsys):
    write("a.json", run_report())
    write("b.json", run_report(fps_mean=44.0))
    assert run_cli(["compare", "a.json", "b.json", "--tolerance", "0.2"]) == 0
    assert "nothing is worse by more than 20%" in capsys.readouterr().out
    assert run_cli(["compare", "a.json", "b.json", "--tolerance", "0.1"]) == 1
    assert "worse: fps_mean is 44, before 50: 12% less" in capsys.readouterr().out
    assert run_cli(["compare", "a.json", "b.json", "--tolerance", "-1"]) == 2


# --- Without a screen ---------------------------------------------------------------------------------------


@pytest.mark.gpu
def test_a_run_without_a_screen_says_why_there_is_no_window(here, monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    arguments = ["run", *SETS, "--frames", "2", "--set", "run.record=false"]
    assert run_cli([*arguments, "--out", "there"]) == 0
    said = "no window: neither DISPLAY nor WAYLAND_DISPLAY is set; files go to there"
    assert said in capsys.readouterr().err.splitlines()
    assert run_cli([*arguments, "--headless", "--out", "there"]) == 0  # asked for
    assert "no window" not in capsys.readouterr().err
