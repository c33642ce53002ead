"""Comparisons of two reports, of runs and of all measuring commands."""

import collections
import copy
import json

import pytest
from fuzz.fuzzing import misfit
from reports import REPORTS

from valuescape.cli.app import run_cli
from valuescape.sim.errors import UsageError
from valuescape.studies.compare import as_report, compare, read_report
from valuescape.studies.report_models import KINDS


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


def analysis(mean_return=-100.0, bias=0.1, **more):
    """An analysis whose intervals are 1 wide, in either direction."""
    numbers = {"mean_return": mean_return, "q_bias": bias}
    estimates = {name: {"value": at, "low": at - 1.0, "high": at + 1.0} for name, at in numbers.items()}
    return (
        estimates | {"world": "mountain_car", "gamma": 0.98, "episodes": 512, "cells": 64, "seed": 3} | more
    )


def bench(median_us):
    return {"benchmarks": [{"name": "heights: loop, 100", "median_us": median_us}]}


PAIRS = {
    "an analysis": (analysis(), analysis(-101.5), "mean_return is -101.5, before -100, by more than chance"),
    "an analysis, of a critic": (analysis(bias=0.1), analysis(bias=-3.0), "q_bias is -3, before 0.1"),
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


# --- Analyses of critics ---------------------------------------------------------------------------------


def test_a_change_within_both_intervals_is_chance():
    """Half-widths of 1 on both sides leave changes up to √2 open."""
    for change, beyond in ((1.40, False), (1.42, True)):
        found = compare(as_report(analysis()), as_report(analysis(-100.0 - change)))
        assert found.is_beyond("mean_return") is beyond
        assert bool(found.reasons) is beyond
        low, high = found.intervals["mean_return"][2]
        assert (low, high) == pytest.approx((-change - 2**0.5, -change + 2**0.5))


def test_a_critic_is_worse_the_farther_its_bias_is_from_zero():
    """On either side; and a higher return is no reason to look again, however far beyond the intervals."""
    good, bad = as_report(analysis(bias=-2.0)), as_report(analysis(bias=5.0))
    assert compare(good, bad).reasons == ["q_bias is 5, before -2, by more than chance"]
    assert compare(bad, good).reasons == []
    assert compare(as_report(analysis()), as_report(analysis(-50.0))).reasons == []


def test_an_analysis_that_was_interrupted_is_not_the_same():
    found = compare(as_report(analysis(complete=True)), as_report(analysis(complete=False)))
    assert found.warnings() == ["not the same: complete was True, is False"]


def test_a_tolerance_is_a_share_of_the_size_before():
    before, after = as_report(analysis()), as_report(analysis(-108.0))
    assert compare(before, after, 0.1).reasons == []
    assert compare(before, after, 0.05).reasons == ["mean_return is -108, before -100"]


def test_analyses_are_shown_with_both_intervals(compared):
    out, page = compared(analysis(), analysis(-105.0, seed=4, world="pendulum"))
    for text in (out, page):
        assert "not the same: world.name was mountain_car, is pendulum" in text
        assert "not the same: run.seed was 3, is 4" in text
        assert "-100 [-101, -99]" in text
        assert "-5 [-6.414, -3.586]" in text
    assert out.index("not the same") < out.index("beyond the intervals") < out.index("worse: ")
    rows = {row["name"]: row for row in json.loads(compared(analysis(), analysis(), "--json")[0])["rows"]}
    assert rows["mean_return"]["before_interval"] == [-101.0, -99.0]
    assert rows["mean_return"]["beyond"] is False


def test_numbers_that_are_undefined_are_no_reason():
    unknown = {"explained_variance": {"value": None, "low": None, "high": None}}
    found = compare(as_report(analysis(**unknown)), as_report(analysis()))
    assert found.reasons == []
    assert [name for name, *_ in found.rows] == ["mean_return", "q_bias"]
    known = {"explained_variance": {"value": 0.5, "low": 0.4, "high": 0.6}}
    found = compare(as_report(analysis(**known)), as_report(analysis(**unknown)))
    assert found.reasons == []
    assert not found.is_beyond("explained_variance")


def test_an_analysis_of_several_checkpoints_is_refused():
    with pytest.raises(UsageError, match="expected one of a single one\n  name the summary"):
        as_report({"checkpoints": [], "complete": True, "differences": []})
    with pytest.raises(UsageError, match="a report of an analysis cannot be compared with one of bench"):
        compare(as_report(analysis()), as_report(bench(1.0)))


# --- What they were made with ----------------------------------------------------------------------------


def run_with(*, world="pendulum", view="3d", **more):
    config = {"world": {"name": world}, "render": {"view": view}, "run": {"seconds": 20.0}}
    return REPORTS["run"] | {"config": config} | more


@pytest.fixture
def compared(tmp_path, capsys):
    """Compare two reports by the command; returns its output and its HTML."""

    def call(before, after, *options):
        paths = [tmp_path / name for name in ("a.json", "b.json", "page.html")]
        for path, report in zip(paths, (before, after), strict=False):
            path.write_text(json.dumps(report))
        run_cli(["compare", str(paths[0]), str(paths[1]), "--report", str(paths[2]), *options])
        return capsys.readouterr().out, paths[2].read_text()

    return call


def test_other_settings_are_said_before_any_verdict(compared):
    before, after = run_with(), run_with(world="mountain_car", view="2d", frame_ms_p95=50.0)
    out, page = compared(before, after)
    for text in (out, page):
        world = text.index("not the same: world.name was pendulum, is mountain_car")
        assert (
            world < text.index("not the same: render.view was 3d, is 2d") < text.index("worse: frame_ms_p95")
        )
    told = json.loads(compared(before, after, "--json")[0])
    assert told["differences"] == [
        {"name": "world.name", "before": "pendulum", "after": "mountain_car"},
        {"name": "render.view", "before": "3d", "after": "2d"},
    ]


def test_reports_of_the_same_say_nothing_of_differences(compared):
    assert "not the same" not in compared(run_with(), run_with(frame_ms_p95=25.0))[0]
    assert json.loads(compared(run_with(), run_with(), "--json")[0])["differences"] == []


def test_another_machine_and_other_versions_are_said(compared):
    versions = {"python": "3.12.1", "numpy": "2.4.6"}
    out, _ = compared(run_with(), run_with(machine={"cores": 64}, versions=versions, gl_renderer="a card"))
    assert "not the same: machine: cores was 2, is 64" in out
    assert "not the same: version of python was 3.11.7, is 3.12.1" in out
    assert "not the same: OpenGL driver was llvmpipe, is a card" in out
    assert "numpy" not in out


@pytest.mark.parametrize("kind", REPORTS)
def test_another_driver_is_said_first_of_every_kind(kind):
    """Else figures of a GPU would be compared with those of a processor without a warning."""
    before, after = ({"config": {"a": {"b": at}}, "gl_renderer": driver} for at, driver in enumerate("xy"))
    found = compare(as_report(REPORTS[kind] | before), as_report(REPORTS[kind] | after))
    assert found.warnings() == ["not the same: OpenGL driver was x, is y", "not the same: a.b was 0, is 1"]


def test_of_many_differences_the_first_are_named_and_the_most_telling_first():
    sections = {"run": {f"key{index}": index for index in range(30)}, "agents": {"count": 5}}
    others = {"run": {f"key{index}": -1 for index in range(30)}, "agents": {"count": 6}}
    found = compare(*(as_report(REPORTS["run"] | {"config": each}) for each in (sections, others)))
    assert found.warnings()[0] == "not the same: agents.count was 5, is 6"
    assert found.warnings()[-1] == "not the same: 25 more (--json has all)"
    assert len(found.warnings()) == 7


def test_a_report_that_does_not_say_what_it_was_made_with_is_said():
    old = {name: value for name, value in REPORTS["run"].items() if name != "config"}
    (difference,) = compare(as_report(old), as_report(REPORTS["run"])).differences
    assert (difference.name, difference.before) == ("configuration", "not in the report")
    assert compare(as_report(old), as_report(old)).differences == []


def test_the_plan_of_a_measurement_counts_too():
    other = REPORTS["scale"] | {"plan": {"workers": [0, 2], "seconds": 0.1}}
    found = compare(as_report(REPORTS["scale"]), as_report(other))
    assert [each.name for each in found.differences] == ["plan.seconds"]


# --- What is no report -----------------------------------------------------------------------------------


def places(tree, path=()):
    """Yield the path of every value in a tree of lists and dicts."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(tree[key], (*path, key))


def replaced(tree, path, value):
    """Return a copy with another value at a path; `...` removes the value."""
    copied = copy.deepcopy(tree)
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copied


OTHERS = [..., None, [], ["x"], [[1]], "text", "\x1b[31m", {}, {"a": [None]}, True, -1, 2**70, 10**400, 1e308]


@pytest.mark.parametrize("kind", REPORTS)
def test_any_field_may_be_anything_or_missing(kind):
    """Each such report is compared, both ways, or refused with the field's name."""
    sound = as_report(REPORTS[kind])
    refusals = collections.Counter()
    for path in places(REPORTS[kind]):
        for value in OTHERS:
            refusals[refusal_of(sound, replaced(REPORTS[kind], path, value), path)] += 1
    assert refusals[True] > 40
    assert refusals[False] >= 4


def refusal_of(sound, tables, path):
    """Return whether the report is refused; fails if the message does not name the field at `path`."""
    try:
        report = as_report(tables, "a.json")
        compare(sound, report).warnings()
        compare(report, sound).warnings()
    except UsageError as error:
        said = error
    else:
        return False
    assert misfit(said) == ""
    another_kind = str(said).startswith(
        ("a.json: is no report\n", "stress of agents cannot", "stress of text")
    )
    assert another_kind or str(path[-1]) in str(said) or str(path[0]) in str(said)
    return True


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "is not JSON (recursion limit exceeded"),
        ('{"cells": ' + "[" * 150 + "]" * 150 + "}", "is no report of scale: cells.0 = "),
        ('{"cells": null}', "is no report of scale: cells = None, expected a valid list"),
        ('{"cells": [{"workers": 1}]}', "is no report of scale: cells.0.agents is missing"),
        ('{"benchmarks": [{"name": "x", "median_us": 0}]}', "benchmarks.0.median_us = 0, expected greater"),
        ('{"benchmarks": [{"name": "x", "median_us": 1' + "0" * 5000 + "}]}", "is not JSON (number out of"),
        ('{"benchmarks": [' + "1," * 3000 + "1]}", "expected at most 2,000 entries, found 3,001"),
        ("[]", "is no report"),
        ("null", "is no report"),
        ("\ud800", "is not JSON"),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_a_file_that_is_no_report_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError) as refusal:
        read_report(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert said in str(refusal.value)
    assert misfit(refusal.value) == ""


def test_names_in_a_report_do_not_reach_the_terminal_raw(compared):
    run = REPORTS["run"] | {"frame_parts_ms": {"\x1b[31mred\n": 1.0}, "gl_renderer": "\x1b]0;x"}
    out, _ = compared(REPORTS["run"], run)
    assert "\x1b" not in out
    assert r"\x1b[31mred\n (ms)" in out
    found = compare(*(as_report(REPORTS["scale"] | {"plan": {"a": each}}) for each in ("\x1b", ["\x1b"])))
    assert found.warnings() == [r"not the same: plan.a was \x1b, is ['\x1b']"]
