"""The studies `scale` and `compare`, and HTML reports."""

import json
import math
from base64 import b64decode
from types import SimpleNamespace

import numpy as np
import pytest
from commands import SMALL
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from valuescape.cli.app import run_cli
from valuescape.run.report import about
from valuescape.sim.config.files import load_config
from valuescape.sim.config.toml_writer import config_toml
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.studies.compare import as_report, compare, read_report
from valuescape.studies.confidence import Change
from valuescape.studies.html_report import Chapter, Page, _show_whole_markers, write_html
from valuescape.studies.impact import Worth
from valuescape.studies.impact_report import plot_worths
from valuescape.studies.scale import Cell, ScalePlan, measure
from valuescape.studies.scale_report import scale_page, scale_table, verdict_lines
from valuescape.studies.scale_verdict import as_json, growth_exponent, judge

TINY = [*SMALL]


def cell(workers, agents, ticks_per_s, **figures):
    return Cell(workers, agents, ticks_per_s=[float(each) for each in ticks_per_s], **figures)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.7])
def test_the_exponent_of_a_power_is_found(exponent):
    points = [(n, 3e-6 * n**exponent) for n in (10, 100, 1_000, 10_000)]
    assert growth_exponent(points) == pytest.approx(exponent)
    assert math.isnan(growth_exponent(points[:1]))


def test_figures_are_judged():
    cells = [
        cell(0, 100, [900, 1000, 1100]),
        cell(0, 1000, [99, 100, 101]),
        cell(1, 100, [500, 510, 505]),
        cell(1, 1000, [100, 98, 100]),
        cell(2, 100, [400, 410, 390]),
        cell(2, 1000, [178, 180, 182]),
        cell(2, 9, []),  # did not fit
    ]
    verdict = judge(cells, cores=2)
    assert verdict.best == {100: 0, 1000: 2}
    assert verdict.efficiency[2, 1000] == pytest.approx(0.9)
    assert verdict.efficiency[2, 100] == pytest.approx(400 / 505 / 2)
    assert (0, 100) not in verdict.efficiency
    assert verdict.exponents[0] == pytest.approx(1.0)
    said = " ".join(verdict_lines(verdict, repeats=3))
    assert "workers.count = 0 with 100 agents, 2 with 1,000 agents" in said
    assert "1,000 agents with 2 workers: 1.80 times as fast as with no workers (95 %: " in said
    assert "With no workers a tick takes agents^1.00" in said
    table = scale_table(cells, verdict, spread=True)
    assert len(table) == 7
    assert table[1][2] == "1 k (900 to 1.1 k)"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load_config(None, TINY)


def test_every_cell_is_measured_and_reported(tiny, tmp_path):
    plan = ScalePlan((0, 1), (32,), seconds=0.05, frames=4, repeats=2)
    told = []
    with Interrupts() as interrupts:
        steps = [
            [len(each.ticks_per_s) for each in cells]
            for cells in measure(tiny, plan, interrupts, told.append)
        ]
    assert len(steps) == len(told) == 4
    assert steps[1] == [1, 1]  # every cell once before any twice
    assert steps[-1] == [2, 2]
    assert set(told[:2]) == {f"{workers} workers, 32 agents (1 of 2)" for workers in (0, 1)}


def test_the_figures_are_of_a_run(tiny, tmp_path):
    plan = ScalePlan((0,), (40,), seconds=0.1, frames=8, repeats=1)
    with Interrupts() as interrupts:
        *_, cells = measure(tiny, plan, interrupts, lambda _: None)
    (found,) = cells
    assert 10 < found.ticks_per_s[0] < 1e6
    assert found.agent_steps_per_s == pytest.approx(40 * found.ticks_per_s[0])
    assert 0.3 < found.handed_over_us[0] * found.ticks_per_s[0] / 1e6 < 3  # alone, a tick asked for is a tick
    assert found.fps[0] > 1
    assert found.bytes_per_agent > 40
    (verdict,) = json.loads(json.dumps(as_json(cells, plan), allow_nan=False))["verdicts"]
    assert verdict["best_workers"] == {"40": 0}
    assert verdict["exponents"] == {"0": None}
    write_html(tmp_path / "scale.html", scale_page(tiny, cells, repeats=1), about({}))
    assert "workers.count = 0" in (tmp_path / "scale.html").read_text()


def test_an_interrupt_keeps_what_was_measured(tiny):
    plan = ScalePlan((0,), (32, 64), seconds=0.05, frames=0, repeats=3)
    interrupts = SimpleNamespace(asked=False, check=lambda: None)
    kept = []
    for cells in measure(tiny, plan, interrupts, lambda _: None):
        kept = cells
        interrupts.asked = True
    assert sum(len(each.ticks_per_s) for each in kept) == 1


def test_a_crowd_that_does_not_fit_is_left_out(tiny, monkeypatch):
    monkeypatch.setattr("valuescape.studies.scale.available_memory", lambda: 1_000_000)
    plan = ScalePlan((0,), (32, 100_000), seconds=0.05, frames=0, repeats=1)
    with Interrupts() as interrupts:
        *_, cells = measure(tiny, plan, interrupts, lambda _: None)
    assert {each.agents for each in cells if each.ticks_per_s} == {32}


def test_scale_writes_a_configuration_that_can_be_run(tiny, tmp_path, capsys):
    sets = [part for setting in TINY for part in ("--set", setting)]
    arguments = ["scale", "--workers", "0", "--agents", "32,64", "--seconds", "0.05", "--frames", "0"]
    status = run_cli([*arguments, "--repeats", "1", *sets, "--json", "s.json", "--write", "mine.toml"])
    assert status == 0
    (verdict,) = json.loads((tmp_path / "s.json").read_text())["verdicts"]
    assert verdict["best_workers"] == {"32": 0, "64": 0}
    written = load_config(tmp_path / "mine.toml")
    assert written.workers.count == 0
    assert written.trails.length == 4
    assert (tmp_path / "runs" / "scale.html").is_file()
    assert "workers.count = 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workers", "1,x"], "--workers 1,x"),
        (["--agents", "0"], "--agents 0"),
        (["--world", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_of_scale_is_refused(tiny, capsys, arguments, message):
    assert run_cli(["scale", *arguments]) == 2
    assert message in capsys.readouterr().err


def report(**changes):
    health = {"fps_std": True, "frame_ms_p95": True, "memory": False}
    plain = {
        "fps_mean": 50.0,
        "fps_std": 1.0,
        "frame_ms_p50": 20.0,
        "frame_ms_p95": 24.0,
        "busy_ms_p50": 12.0,
    }
    return plain | {"health": health, "frame_parts_ms": {"surface": 7.0, "trails": 3.0}} | changes


def compared(before, after):
    return compare(as_report(before), as_report(after))


def test_a_run_as_good_as_before_gives_no_reason():
    found = compared(report(), report(frame_parts_ms={"surface": 16.9, "trails": 3.0}))
    assert found.reasons == []
    assert ("surface (ms)", 7.0, 16.9) in found.rows


def test_a_section_that_grew_is_named():
    found = compared(report(), report(frame_parts_ms={"surface": 7.0, "trails": 13.5}))
    assert found.reasons == ["trails (ms) takes 10.5 ms more than before (3.0, now 13.5 ms)"]
    assert (
        compared(report(), report(frame_parts_ms={"new": 11.0}))
        .reasons[0]
        .startswith("new (ms) takes 11.0 ms")
    )


def test_a_run_too_short_to_be_taken_apart_has_no_section_that_grew():
    assert compared(report(frame_parts_ms={}), report()).reasons == []


def test_a_limit_that_broke_is_named_and_one_that_was_broken_is_not():
    health = {"fps_std": False, "frame_ms_p95": True, "memory": False}
    found = compared(report(), report(health=health, fps_std=6.0))
    assert found.reasons == ["the limit on fps_std was kept before and is broken now"]
    unknown = report(health=health, fps_std=None)  # too short to tell
    assert compared(report(), unknown).reasons == []


@pytest.mark.parametrize("worse", [False, True])
def test_compare_ends_with_a_status_for_ci(tmp_path, capsys, worse):
    paths = tmp_path / "a.json", tmp_path / "b.json"
    paths[0].write_text(json.dumps(report()))
    paths[1].write_text(json.dumps(report(frame_ms_p50=31.0 if worse else 20.0)))
    assert run_cli(["compare", *map(str, paths)]) == int(worse)
    assert ("frame_ms_p50 takes 11.0 ms more" in capsys.readouterr().out) == worse
    assert run_cli(["compare", *map(str, paths), "--json"]) == int(worse)
    assert len(json.loads(capsys.readouterr().out)["reasons"]) == int(worse)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"health": {}}'])
def test_what_is_no_report_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=r"x\.json"):
        read_report(path)


def test_a_configuration_written_is_read_as_the_same(tmp_path):
    settings = ["agents.count=5", "lod.segment_budget=7", "heatmap.low=-2.5", "features.simd=false"]
    config = load_config(None, [*settings, "heatmap.axes=pole angle, pole velocity", "world.name=cartpole"])
    path = tmp_path / "a.toml"
    path.write_text(config_toml(config))
    assert load_config(path) == config
    assert config_toml(load_config(None)) == "\n"


def test_a_report_is_one_file_and_safe_to_open(tmp_path):
    path = tmp_path / "new" / "r.html"
    chapters = [Chapter("<b>", "a & b", [["x"], ["<script>"]], lambda axes: axes.plot([1, 2]))]
    write_html(path, Page("T<i>", ["well"], chapters), about({}) | {"gl_renderer": "<driver>"})
    page = path.read_text()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;driver&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    image = page.split("base64,")[1].split('"')[0]
    assert b"<svg" in b64decode(image)
    with pytest.raises(UsageError, match="cannot be written"):
        write_html(tmp_path / "new" / "r.html" / "x.html", Page("T", [], []), about({}))


def ink(figure, color):
    """Return the columns and rows of a figure's pixels of about this colour."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    return np.nonzero((np.abs(pixels - color) < 40).all(-1))


def test_markers_at_the_edge_of_a_chart_are_whole():
    """Half of a marker lies outside if the axis ends at its value."""
    rows = []
    for mend in (False, True):
        figure = Figure(figsize=(4, 3))
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 0], marker="o", markersize=12, color="red", linestyle="none")
        axes.scatter([2, 3], [0, 0], s=140, color="red")
        axes.set(xlim=(0, 3), ylim=(0, 1))
        if mend:
            _show_whole_markers(axes)
        rows.append(len(ink(figure, (255, 0, 0))[0]))
    assert rows[1] > 2.5 * rows[0]


def test_a_loss_is_no_green_bar():
    """Gains are green, losses red, and changes within their error grey."""

    def worth(name, mean, reach):
        change = Change(mean, reach)
        return Worth(name, change, change, "", change, change, 1, "states equal")

    axes = Figure().subplots()
    plot_worths(axes, [worth("gain", 5.0, 1.0), worth("perhaps", -2.0, 3.0), worth("loss", -5.0, 1.0)])
    colors = {
        label.get_text(): bar.get_facecolor()
        for label, bar in zip(axes.get_yticklabels(), axes.patches, strict=True)
    }
    assert colors == {
        "gain": to_rgba("tab:green"),
        "perhaps": to_rgba("0.6"),
        "loss": to_rgba("tab:red"),
    }
