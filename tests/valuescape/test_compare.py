"""Whether the second of two reports is worse: of runs, and of all commands that measure."""

import json

import pytest

from sim.errors import UsageError
from valuescape.cli import run_cli
from valuescape.compare import as_report, compare, read_report
from valuescape.report_models import KINDS


def scale(p95):
    cell = {"workers": 2, "agents": 1000, "ticks_per_s": [10.0, 30.0, 20.0], "frame_ms_p95": [p95, p95, 1.0]}
    return {"cells": [cell]}


def stress(carried, p95=20.0):
    trial = {"load": 1000, "fps": 50.0, "frame_ms_p95": p95, "broken": []}
    return {"load": "agents", "carried": carried, "broke": 2 * (carried or 1), "trials": [trial]}


def soak(*grows):
    return {
        "memory_mb_per_min": None,
        "grows": list(grows),
        "samples": [{"at_s": 9.0, "files": 30, "fps": None}],
    }


def chaos(*differing):
    return {"rounds": 5, "killed": 4, "stopped": 6, "restarts": 10, "differing": list(differing)}


def impact(agrees="pictures equal", p95=20.0):
    variants = [{"name": "all on", "fps": [50.0, 51.0, 49.0], "frame_ms_p95": [p95]}]
    return {"switches": [{"switch": "trail_lod", "agrees": agrees}], "variants": variants}


def bench(median_us):
    return {"benchmarks": [{"name": "heights: loop, 100", "median_us": median_us}]}


PAIRS = {
    "scale": (scale(20.0), scale(30.5), "1,000 agents, 2 workers: P95 (ms) takes 10.5 ms more"),
    "stress": (stress(1000), stress(790), "790 agents are carried, before 1,000"),
    "stress, slower": (stress(1000), stress(1000, 31.0), "1,000 agents: P95 (ms) takes 11.0 ms more"),
    "stress, nothing": (stress(1000), stress(None), "0 agents are carried, before 1,000"),
    "a soak": (soak(), soak("files: 9 more"), "it grows: files: 9 more"),
    "chaos": (chaos(), chaos(3), "rounds ended in another state than an undisturbed run: [3]"),
    "impact": (impact(), impact("PICTURES DIFFER (RMSE 9)"), "trail_lod changes what comes out"),
    "impact, slower": (impact(), impact(p95=30.1), "all on: P95 (ms) takes 10.1 ms more"),
    "bench": (bench(10.0), bench(21.0), "heights: loop, 100 (us) takes 2.1 times as long"),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_what_got_worse_is_named_and_what_did_not_is_not(pair):
    before, after, reason = PAIRS[pair]
    before, after = as_report(before), as_report(after)
    found = compare(before, after)
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(reason)
    assert compare(before, before).reasons == []
    assert compare(after, after).reasons == []
    assert compare(after, before).reasons == []
    assert before.kind == pair.partition(",")[0]


def test_every_kind_is_compared_here():
    kinds = {type(as_report(before)) for before, *_ in PAIRS.values()}
    assert kinds == set(KINDS[1:])  # runs: test_measuring.py


def test_reports_of_two_kinds_are_not_compared(tmp_path, capsys):
    (tmp_path / "a.json").write_text(json.dumps(bench(1.0)))
    (tmp_path / "b.json").write_text(json.dumps(stress(10)))
    assert run_cli(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 2
    assert "a report of bench cannot be compared with one of stress" in capsys.readouterr().err
    with pytest.raises(UsageError):
        compare(as_report(scale(1.0)), as_report(chaos()))
    with pytest.raises(UsageError, match="stress of agents cannot be compared with stress of trails"):
        compare(as_report(stress(10)), as_report(stress(10) | {"load": "trails"}))


def test_the_command_writes_a_page_too(tmp_path, capsys):
    paths = [tmp_path / name for name in ("a.json", "b.json", "page.html")]
    for path, report in zip(paths, (stress(1000), stress(500)), strict=False):
        path.write_text(json.dumps(report))
    assert run_cli(["compare", str(paths[0]), str(paths[1]), "--report", str(paths[2])]) == 1
    assert "worse: 500 agents are carried, before 1,000" in capsys.readouterr().out
    assert "1,000 agents: P95 (ms)" in paths[2].read_text()
    assert read_report(paths[0]) == as_report(stress(1000))
