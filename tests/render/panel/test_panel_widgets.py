"""Every widget of the panel, pointed at, clicked and typed into: it changes its own setting and no other."""

import pytest
from imgui_bundle import imgui
from panel_hands import MAPS, SIZE, changed_alone

import valuescape.render.panel.contents
from valuescape.render.displays.events import Button, Move, Press, Release
from valuescape.render.view.changes import GoTo, Request, Restart, Set, Slice
from valuescape.render.view.choosing import MapChoice
from valuescape.sim.policy.training_files import Place
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

BAR, RUN, WORLD, VIEW, FIELDS, INSIGHT, TRAILS, SLICE, EFFECTS = (
    *("toolbar", "Run", "World", "View", "Fields", "Insight"),
    *("Trails and agents", "Axes and slice", "Effects"),
)
CLICKED = {
    (RUN, "pause"): [Request.PAUSE],
    (RUN, "step"): [Request.STEP],
    (RUN, "screenshot"): [Request.SCREENSHOT],
    (BAR, "undo"): [],  # there is nothing to undo
    (BAR, "redo"): [],
    (BAR, "reset all"): [],
    (BAR, "save…"): [],  # it asks for a name first
    (BAR, "restart with these"): [],  # there are none
    (BAR, "drop"): [],
    (RUN, "restart"): [Restart({})],
    (VIEW, "map"): {},
    (VIEW, "height field"): {"flat": False},
    (VIEW, "link colour scales"): {"linked": False},
    (INSIGHT, "keep the time limit"): [Set("insight.time_limit", True)],
    (INSIGHT, "mean over agents"): [Set("insight.marginal", True)],
    (VIEW, "fit to the agents"): [Request.FIT],
    (VIEW, "help"): {"help_shown": True},
    (VIEW, "frame costs"): {"profile_shown": True},
    (FIELDS, "##keep low end"): {"heatmap.low": "auto"},
    (FIELDS, "##keep high end"): {"heatmap.high": "auto"},
    (TRAILS, "mark ends of episodes"): {"trails.end_marks": False},
    (EFFECTS, "tone mapping"): {"render.tone_mapping": True},
}
CHOSEN = {
    (RUN, "world"): (2, {"world.name": "flock"}),
    (VIEW, "layer"): (2, {"layer": "both"}),
    (VIEW, "beside"): (2, {"beside": "density"}),
    (FIELDS, "value"): (1 + MAPS.index("magma"), {"heatmap.colormap": "magma"}),
    (FIELDS, "density"): (MAPS.index("magma"), {"heatmap.density_colormap": "magma"}),
    (TRAILS, "colour"): (1, {"trail_color": "agent"}),
    (TRAILS, "segments"): (1, [Set("lod.segment_budget", 0)]),
    (SLICE, "along x"): (1, None),
    (SLICE, "along y"): (3, None),
}
TYPED = {
    (RUN, "ticks/s"): ("250", [Set("sim.ticks_per_s", 250.0)]),
    (RUN, "agents"): ("777", [Set("agents.count", 777)]),
    (RUN, "workers"): ("1", [Set("workers.count", 1)]),
    (RUN, "exploration"): ("0.5", [Set("policy.exploration", 0.5)]),
    **{
        (WORLD, each.name): (
            f"{each.high}",
            [Set(f"world.parameters.{each.name}", each.high)],
        )
        for each in make_world("cartpole").parameters
    },
    (RUN, "seed"): ("12345", {"run.seed": 12345}),
    (RUN, "trail length"): ("80", {"trails.length": 80}),
    (INSIGHT, "rollouts a cell"): ("32", [Set("insight.rollouts", 32)]),
    (INSIGHT, "fade below"): ("50", {"insight.min_visits": 50.0}),
    (INSIGHT, "advantage of"): ("left", [Set("insight.action", "left")]),
    (INSIGHT, "over"): ("right", [Set("insight.over", "right")]),
    (VIEW, "turning"): ("-12", {"turn_deg_per_s": -12.0}),
    (FIELDS, "opacity"): ("0.25", {"heatmap.opacity": 0.25}),
    (FIELDS, "contours"): ("7", {"heatmap.contours": 7}),
    (FIELDS, "low end"): ("-7.5", {"heatmap.low": -7.5}),
    (FIELDS, "high end"): ("9.5", {"heatmap.high": 9.5}),
    (TRAILS, "opacity"): ("0.5", {"trails.opacity": 0.5}),
    (TRAILS, "width"): ("2.5", {"trails.width_px": 2.5}),
    (TRAILS, "agents"): ("0.75", {"agent_opacity": 0.75}),
    (TRAILS, "size"): ("11", {"agents.size_px": 11.0}),
    (TRAILS, "at most"): ("9000", [Set("lod.segment_budget", 9000)]),
    (EFFECTS, "glow"): ("1.5", {"render.glow": 1.5}),
}
SLICED = [(SLICE, "cart velocity"), (SLICE, "pole velocity")]


def test_every_widget_is_tried(a_hand):
    untouched = {"collapsing_header", "small_button"}  # the buttons that reset what the hand has changed
    found = {key for key, widget in a_hand().recorder.widgets.items() if widget[0] not in untouched}
    boxes = {(WORLD, f"##range of {each.name}") for each in make_world("cartpole").parameters}
    assert found == {*CLICKED, *CHOSEN, *TYPED, *SLICED, *boxes, (BAR, "##search"), (RUN, "preset")}


@pytest.mark.parametrize("key", CLICKED, ids=": ".join)
def test_a_click_does_what_is_written_there_alone(a_hand, key):
    hand = a_hand()
    before = hand.settings()
    hand.click(*hand.place(key))
    changed_alone(hand, before, CLICKED[key])


@pytest.mark.parametrize("key", CHOSEN, ids=": ".join)
def test_a_choice_is_of_what_is_written_there_alone(a_hand, key):
    hand = a_hand()
    before = hand.settings()
    number, expected = CHOSEN[key]
    if expected is None:
        names = [each.name for each in hand.standing.plane.world.state]
        axes = [names[axis] for axis in hand.standing.plane.axes]
        axes[key[1] == "along y"] = names[number]
        expected = [Restart({"heatmap.axes": ", ".join(axes), "heatmap.slice": ""})]
    x, y = hand.place(key)
    height = hand.recorder.widgets[key][3]
    hand.click(x, y)
    hand.click(x, hand.list_y(y, height, number))
    changed_alone(hand, before, expected)


@pytest.mark.parametrize("key", TYPED, ids=": ".join)
def test_what_is_typed_is_kept_where_it_was_typed_alone(a_hand, key):
    hand = a_hand()
    before = hand.settings()
    text, expected = TYPED[key]
    kind = hand.recorder.widgets[key][0]
    hand.click(*hand.place(key), control=kind not in ("input_int", "input_text"))
    hand.type_anew(text)
    changed_alone(hand, before, expected)


@pytest.mark.parametrize("key", SLICED, ids=": ".join)
def test_a_slice_moves_along_its_own_variable(a_hand, key):
    hand = a_hand()
    hand.click(*hand.place(key), control=True)
    hand.type_anew("0.5")
    plane = hand.standing.plane
    index = [each.name for each in plane.world.state].index(key[1])
    values = [0.5 if each == index else value for each, value in enumerate(plane.values)]
    changed_alone(hand, hand.settings(), [Slice(tuple(values))])


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_number_s_buttons_are_its_own(a_hand, steps):
    hand = a_hand()
    for (section, label), (kind, x, y, height, width) in list(hand.recorder.widgets.items()):
        if kind != "input_int" or section != RUN:
            continue
        before = hand.settings()
        hand.click(x + width - height * (0.5 if steps > 0 else 1.7), y)
        after = hand.settings()
        assert len({name for name in after if after[name] != before.get(name)}) == 1, label
    assert hand.drafts == {
        "run.seed": 3 + steps,
        "trails.length": hand.standing.config.trails.length + steps,
    }
    assert hand.conflicts == 0


def test_nothing_changes_by_being_pointed_at(a_hand):
    """Over every widget and every label, line by line."""
    hand = a_hand()
    before = hand.settings()
    for x in (12, 100, 160, 270):
        for y in range(4, SIZE[1], 7):
            hand.frame(Move(x, y))
    changed_alone(hand, before, {})


def test_two_widgets_of_one_name_are_found_out(a_hand):
    """So the tests above can fail."""
    hand = a_hand()
    contents = hand.panel._contents

    def twins(*_):
        contents._changes = []
        valuescape.render.panel.contents.imgui.push_id("Run")
        imgui.button("twin")
        imgui.button("twin")
        valuescape.render.panel.contents.imgui.pop_id()
        return []

    contents.draw = twins
    hand.hover(20, 18)
    assert hand.conflicts > 0


def test_the_slider_of_checkpoints_counts_once_it_is_let_go(a_hand):
    hand = a_hand(place=Place((200, 3_000, 10_000), 0))
    _, x, y, *_ = hand.recorder.widgets[RUN, "##checkpoint"]
    hand.hover(x + 10, y)
    hand.frame(Press(Button.LEFT, x + 10, y))
    for to in (SIZE[0] / 2, SIZE[0] - 15):
        hand.frame(Move(to, y))
        hand.frame()
    assert hand.changes == []
    hand.frame(Release(Button.LEFT, SIZE[0] - 15, y))
    hand.frame()
    assert hand.changes == [Set("policy.steps", 10_000)]
    hand.click(x + 10, y)  # where it is
    assert hand.changes == [Set("policy.steps", 10_000)]


def test_maps_that_cannot_be_shown_are_listed_and_not_chosen(a_hand):
    hand = a_hand()
    hand.viewer.layers = ["value", "density"]
    hand.viewer.choices = [MapChoice("value", "a return"), MapChoice("truth", "no"), MapChoice("density", "")]
    before = hand.settings()
    x, y = hand.place((VIEW, "layer"))
    style = imgui.get_style()
    line = imgui.get_font_size() + style.item_spacing.y
    top = y + hand.recorder.widgets[VIEW, "layer"][3] / 2 + style.window_padding.y
    hand.click(x, y)
    hand.click(x, top + 1.5 * line)
    assert hand.settings() == before
    hand.click(x, top + 2.5 * line)
    assert hand.viewer.layer == "density"


FOUND = [(f"kind {number}", f"agent {number}") for number in range(11)]


@pytest.mark.parametrize(("at", "listed"), [(None, range(8)), (2, range(8)), (9, range(2, 10))])
def test_a_click_on_a_finding_goes_to_it(a_hand, at, listed):
    hand = a_hand(findings=FOUND, finding=at)
    lines = [label for group, label in hand.recorder.widgets if label.startswith("kind")]
    assert lines == [f"kind {number}: agent {number}##{number}" for number in listed]
    before = hand.settings()
    hand.click(*hand.place((INSIGHT, lines[3])))
    changed_alone(hand, before, [GoTo(listed[3])])


@pytest.mark.parametrize(("findings", "said"), [(None, "press N"), ([], "nothing found")])
def test_a_list_without_findings_says_why(a_hand, monkeypatch, findings, said):
    texts = []
    draw = imgui.text_colored
    monkeypatch.setattr(imgui, "text_colored", lambda color, text: (texts.append(text), draw(color, text)))
    hand = a_hand(findings=findings)
    assert [text for text in texts if text.startswith(said)]
    assert not [label for _, label in hand.recorder.widgets if label.startswith("kind")]
