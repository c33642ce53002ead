"""The panel of a page: the same rows as in a window, told as differences, and touched by name."""

import json

import pytest
from panel_hands import a_standing

from valuescape.browser.merging import merged
from valuescape.render.panel.headings import Headings
from valuescape.render.panel.page_panel import PagePanel
from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import GoTo, Preset, Request, Restart, SavePreset, Set, Slice, Touch
from valuescape.render.view.looks import Looks
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.widgets import Section, Slider
from valuescape.sim.policy.training_files import Place


@pytest.fixture
def panel():
    return PagePanel()


def a_viewer(standing):
    viewer = Viewer(flat=True, layer="value", trail_color="age")
    viewer.looks = Looks.of(standing.config)
    return viewer


FULL = {
    "findings": [("V − G", "agent 3")],
    "presets": {"demo": "a point mass"},
    "place": Place((200, 3_000, 10_000), 1),
    "sections": [Section("wind", "Wind", (Slider("speed", 3.0, 0.0, 10.0),))],
}


def widgets(message):
    return {each["name"]: each for row in message["rows"].values() for each in row["widgets"]}


def test_a_page_is_told_every_row_that_a_window_has(panel):
    standing = a_standing(**FULL)
    panel.tell(a_viewer(standing), standing)
    message = json.loads(json.dumps(panel.whole(), allow_nan=False))
    headings = Headings().of(standing)
    assert [each["title"] for each in message["sections"]] == [each.title for each in headings]
    for told, heading in zip(message["sections"], headings, strict=True):
        assert told["rows"] == [row.name for row in heading.rows if row.seen(standing)]
        assert {row: message["rows"][row]["words"] for row in told["rows"]} == {
            row.name: row.words for row in heading.rows if row.seen(standing)
        }
    names = [each["name"] for row in message["rows"].values() for each in row["widgets"]]
    assert len(names) == len(set(names))
    assert settings_of().keys() - set(names) <= {"world.parameters", "heatmap.axes", "heatmap.slice"}


def test_differences_one_after_the_other_say_what_is_told_as_a_whole(panel):
    standing = a_standing(**FULL)
    viewer = a_viewer(standing)
    page = dict(panel.tell(viewer, standing), whole=True)
    assert panel.tell(viewer, standing) is None
    waiting = None
    for value, busy in ((0.25, (1.0, 2.0)), (0.5, (1.0, 3.0)), (0.5, (2.0,))):
        viewer.apply(Set("trails.opacity", value))
        change = panel.tell(viewer, a_standing(**FULL, busy_ms=busy))
        assert set(change["rows"]) <= {"trails.opacity", "frame times"}
        page = merged(page, change)
        waiting = merged(waiting, change) if waiting else change
    assert page["rows"] == panel.whole()["rows"]
    assert not waiting["whole"]
    assert all(panel.whole()["rows"][name].items() >= row.items() for name, row in waiting["rows"].items())
    assert merged(waiting, panel.whole()) == panel.whole()


DONE = {
    ("trails.opacity", 0.25): Set("trails.opacity", 0.25),
    ("sim.ticks_per_s", 10_000.5): Set("sim.ticks_per_s", 10_000.0),  # rounded beyond its end
    ("agents.count", 77.2): Set("agents.count", 77),
    ("heatmap.layer", "density"): Set("heatmap.layer", "density"),
    ("heatmap.low keep", False): Set("heatmap.low", "auto"),
    ("policy.steps", 3): Set("policy.steps", 10_000),
    ("world.parameters.gravity", 12): Set("world.parameters.gravity", 12.0),
    ("heatmap.slice pole velocity", 0.5): Slice((0.0, 0.0, 0.0, 0.5)),
    ("heatmap.axes x", "pole velocity"): Restart(
        {"heatmap.axes": "pole velocity, pole angle", "heatmap.slice": ""}
    ),
    ("request pause", True): Request.PAUSE,
    ("findings", 0): GoTo(0),
    ("preset", "demo"): Preset("demo"),
    ("plug-in wind: speed", 7): Touch("wind", "speed", 7.0),
    ("save in current folder", "calm"): SavePreset("calm", here=True),
}


@pytest.mark.parametrize(("name", "value"), DONE, ids=str)
def test_a_value_asks_for_what_the_window_s_widget_asks_for(panel, name, value):
    standing = a_standing(**FULL)
    expected = DONE[name, value]
    if name == "heatmap.axes x":
        names = [each.name for each in standing.plane.world.state]
        expected = Restart({"heatmap.axes": f"{value}, {names[standing.plane.axes[1]]}", "heatmap.slice": ""})
    viewer = a_viewer(standing)
    viewer.apply(Set("heatmap.low", -5.0))
    assert panel.take(name, value, viewer, standing) == [expected]


REFUSED = {
    ("trails.opacity", "much"): "number",
    ("trails.length", 1): "from 2 to",
    ("sim.ticks_per_s", 1e9): "from 1 to 10000",
    ("trails.length", 2.5): "whole number",
    ("heatmap.layer", "gold"): "none of",
    ("heatmap.layer", True): "none of",
    ("trails.end_marks", 1): "true or false",
    ("heatmap.low", 6.0): "heatmap.high",
    ("render.device", "auto"): "cannot be changed now",
    ("request undo", True): "cannot be changed now",
    ("no such", 1): "has no 'no such'",
    ("reset trails.opacity", True): "as it was",
    ("world.parameters.gravity", float("nan")): "number",
}


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=str)
def test_what_does_not_fit_is_refused_with_a_reason_and_asks_for_nothing(panel, name, value):
    standing = a_standing(**FULL)
    viewer = a_viewer(standing)
    viewer.apply(Set("heatmap.low", -5.0))
    viewer.apply(Set("heatmap.high", 5.0))
    with pytest.raises(UsageError, match=REFUSED[name, value]):
        panel.take(name, value, viewer, standing)
    assert panel.form.drafts == {}


def test_values_of_a_hand_that_holds_on_are_one_gesture(panel):
    standing = a_standing()
    viewer = a_viewer(standing)

    def gesture(value, *, held):
        return panel.take("trails.opacity", value, viewer, standing, held=held)[0].gesture

    first = [gesture(value, held=value > 0.3) for value in (0.5, 0.4, 0.3)]
    panel.tell(viewer, standing)
    assert len(set(first)) == 1
    assert gesture(0.6, held=False) != first[0]


def test_drafts_wait_are_marked_reset_and_restarted_with(panel):
    standing = a_standing()
    viewer = a_viewer(standing)
    panel.tell(viewer, standing)
    assert panel.take("trails.length", 33, viewer, standing) == []
    told = panel.tell(viewer, standing)["rows"]
    assert told["trails.length"]["mark"] == {
        "name": "reset trails.length",
        "tip": "reset trails.length to 64",
        "drafted": True,
    }
    assert "on" not in told["drafts"]["widgets"][0]
    assert panel.take("restart with drafts", True, viewer, standing) == [Restart({"trails.length": 33})]
    changed = load_config(None, ["world.name=cartpole", "agents.count=60", "run.seed=3", "trails.length=33"])
    panel.tell(viewer, a_standing(config=changed, past=Past(standing.config)))
    assert panel.form.drafts == {}  # it has come true
    panel.take("reset trails.length", True, viewer, a_standing(config=changed, past=Past(standing.config)))
    assert panel.form.drafts == {"trails.length": 64}


def test_every_widget_takes_the_value_that_it_shows(panel):
    standing = a_standing(**FULL)
    viewer = a_viewer(standing)
    panel.tell(viewer, standing)
    tried = 0
    for name, told in widgets(panel.whole()).items():
        if told.get("on") is False or told["kind"] in ("said", "plot", "pick", "button", "text", "list"):
            continue
        changes = panel.take(name, told["value"], viewer, standing)
        for each in changes:
            if isinstance(each, Set) and each.name == name:
                shown = told["value"]  # of checkpoints, which of them, from 1
                expected = FULL["place"].steps[shown - 1] if name == "policy.steps" else shown
                assert each.value == pytest.approx(expected), name
        tried += 1
    assert tried > 40
