"""Every widget of the panel, pointed at, clicked and typed into: it changes its own setting and no other."""

import math

import pytest
from imgui_bundle import imgui

import valuescape.render.panel.contents
import valuescape.render.panel.widgets
from valuescape.render.displays.events import Action, Button, Close, Edit, Key, Move, Press, Release, Text
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.panel.panel import Panel
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.tips import tip
from valuescape.render.scene.colormaps import DIVERGING, SEQUENTIAL
from valuescape.render.view.changes import GoTo, Request, Restart, Set, Slice
from valuescape.render.view.choosing import MapChoice
from valuescape.render.view.looks import Looks, looks_settings
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.config.model import Config, settings_of
from valuescape.sim.config.picture_sections import RenderConfig
from valuescape.sim.config.setting import Group, Live, setting
from valuescape.sim.config.setting import Panel as Hint
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.policy.training_files import Place
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

SIZE = (300, 1500)
"""High enough for all widgets to be in view."""

WIDGETS = {
    *("button", "checkbox", "collapsing_header", "combo", "drag_float", "input_int", "radio_button"),
    *("slider_float", "slider_int", "begin_combo", "input_text"),
}
"""Functions of ImGui that draw a widget which a person can touch."""

OTHERS = {
    *("begin_disabled", "end_disabled", "get_content_region_avail", "new_line", "plot_lines", "pop_id"),
    *("push_id", "same_line", "text_colored", "selectable", "end_combo", "is_item_hovered"),
    *("begin_tooltip", "push_text_wrap_pos", "get_font_size", "text_unformatted", "pop_text_wrap_pos"),
    *("end_tooltip", "set_next_item_width", "is_item_active"),
}


class Recorder:
    """Dear ImGui, with a note of every widget: (group, label) -> kind, left, middle, height, width (px)."""

    def __init__(self):
        self.widgets = {}
        self._ids = []

    def __getattr__(self, name):
        found = getattr(imgui, name)
        if not callable(found) or isinstance(found, type):
            return found
        assert name in WIDGETS | OTHERS, f"is {name} something that a person can touch?"

        def call(*arguments, **options):
            result = found(*arguments, **options)
            if name == "selectable" and not imgui.is_popup_open("", imgui.PopupFlags_.any_popup):
                self._note(name, arguments[0])
            if name == "push_id":
                self._ids.append(arguments[0])
            elif name == "pop_id":
                self._ids.pop()
            elif name in WIDGETS:
                self._note(name, arguments[0])
            return result

        return call

    def _note(self, kind, label):
        key = self._ids[0], label
        if kind == "begin_combo" and imgui.is_popup_open("", imgui.PopupFlags_.any_popup):
            return  # the item drawn last is in the list
        assert key not in self.widgets, f"two of {key}"
        low, high = imgui.get_item_rect_min(), imgui.get_item_rect_max()
        self.widgets[key] = kind, low.x, (low.y + high.y) / 2, high.y - low.y, imgui.calc_item_width()


def a_standing(**changes):
    config = load_config(None, ["world.name=cartpole", "agents.count=60", "run.seed=3"])
    return Standing(
        **{
            "config": config,
            "worlds": ["cartpole", "pendulum", "flock"],
            "plane": map_plane(config, make_world("cartpole")),
            "paused": False,
            "live": {"sim.ticks_per_s": 60.0, "lod.segment_budget": 5000, "heatmap.slice": ""}
            | {f"insight.{name}": value for name, value in InsightConfig().model_dump().items()},
            "workers": 2,
            "limits": [("frame time", 3.0, 33.0, True)],
            "busy_ms": (1.0, 2.0),
            "may_take_ms": 16.0,
            "sliced": True,
            **changes,
        }
    )


class Hand:
    """A panel by itself, and the gestures of a person who uses it."""

    def __init__(self, display, monkeypatch, standing):
        self.panel, self.standing = Panel(display), standing
        self.viewer = Viewer(flat=True, layer="value", trail_color="age")
        # A long list opens scrolled to what is chosen, so choose what stands first in it.
        self.viewer.looks = Looks.of(standing.config)
        for name in ("colormap", "density_colormap"):
            self.viewer.apply(Set(f"heatmap.{name}", MAPS[0]))
        self.viewer.apply(Set("heatmap.low", -5.0))
        self.viewer.apply(Set("heatmap.high", 5.0))
        self.changes, self.conflicts, self.left_over = [], 0, []
        self._monkeypatch = monkeypatch
        for _ in range(3):
            self.frame()

    def frame(self, *events):
        self.left_over += self.panel.take(events)
        self.recorder = Recorder()
        for module in (valuescape.render.panel.contents, valuescape.render.panel.widgets):
            self._monkeypatch.setattr(module, "imgui", self.recorder)
        settings = settings_of(type(self.standing.config))
        for change in self.panel.draw(SIZE, 0.05, self.viewer, self.standing):
            if isinstance(change, Set) and settings[change.name].declared.live is not Live.RUN:
                self.viewer.apply(change)  # as the controls of a run do
            else:
                self.changes.append(change)
        context = imgui.get_current_context()
        # As ImGui itself does before it shows its message to programmers.
        self.conflicts += context.hovered_id_previous_frame_item_count > 1
        self.conflicts += context.debug_draw_id_conflicts_id != 0

    def settings(self):
        viewer = {
            name: getattr(self.viewer, name) for name in ("flat", "layer", "trail_color", "beside", "linked")
        }
        viewer |= {name: getattr(self.viewer, name) for name in ("help_shown", "profile_shown")}
        viewer |= {"turn_deg_per_s": self.viewer.turn_deg_per_s}
        viewer |= {each.name: self.viewer.value(each.name) for each in looks_settings()}
        viewer |= {"agent_opacity": self.viewer.looks.agent_opacity}
        return viewer | self.panel._contents._draft

    def hover(self, x, y):
        for _ in range(3):
            self.frame(Move(x, y))

    def click(self, x, y, *, control=False):
        self.hover(x, y)
        if control:
            self.frame(Edit("ctrl", True))
        self.frame(Press(Button.LEFT, x, y))
        self.frame(Release(Button.LEFT, x, y))
        if control:
            self.frame(Edit("ctrl", False))
        for _ in range(2):
            self.frame()

    def key(self, *names):
        """Press keys together and release them."""
        for down in (True, False):
            for name in names:
                self.frame(Edit(name, down))

    def type_anew(self, text):
        """Replace the content of a field by `text`, and leave the field."""
        assert imgui.get_io().want_text_input
        self.key("ctrl", "a")
        for character in text:
            self.frame(Text(character))
        self.key("enter")
        self.frame()

    def place(self, key):
        """Return where to click a widget: on its box, not on its label."""
        kind, x, y, _, width = self.recorder.widgets[key]
        return (x + 10, y) if kind not in ("slider_float", "slider_int", "drag_float") else (x + width / 2, y)


@pytest.fixture
def a_hand(monkeypatch):
    opened = []

    def a_hand(**changes):
        display = HeadlessDisplay(SIZE)
        hand = Hand(display, monkeypatch, a_standing(**changes))
        opened.append((hand, display))
        return hand

    yield a_hand
    for hand, display in opened:
        hand.panel.release()
        display.release()


RUN, VIEW, FIELDS, INSIGHT, TRAILS, SLICE, EFFECTS = (
    *("Run", "View", "Fields", "Insight"),
    *("Trails and agents", "Axes and slice", "Effects"),
)
MAPS = [*SEQUENTIAL, *DIVERGING]
CLICKED = {
    (RUN, "pause"): [Request.PAUSE],
    (RUN, "step"): [Request.STEP],
    (RUN, "screenshot"): [Request.SCREENSHOT],
    (RUN, "restart with these"): [],  # there are none
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
    (RUN, "agents"): ("777", {"agents.count": 777}),
    (RUN, "workers"): ("1", {"workers.count": 1}),
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
    assert hand.changes == [Restart({"policy.steps": 10_000})]
    hand.click(x + 10, y)  # where it is
    assert hand.changes == [Restart({"policy.steps": 10_000})]


def changed_alone(hand, before, expected):
    """Require that what is expected changed and nothing else.

    expected: settings with their new values, or the changes that the panel asks of the run.
    """
    after = hand.settings()
    settings = {name: after.get(name) for name in {*before, *after} if after.get(name) != before.get(name)}
    if isinstance(expected, dict):
        assert settings == expected
        assert hand.changes == []
    else:
        assert settings == {}
        # A field tells its number while it is typed: the last counts.
        assert hand.changes[-1:] == expected
        assert all(type(each) is type(expected[-1]) for each in hand.changes)
    assert hand.conflicts == 0


def test_every_widget_is_tried(a_hand):
    found = {key for key, widget in a_hand().recorder.widgets.items() if widget[0] != "collapsing_header"}
    assert found == {*CLICKED, *CHOSEN, *TYPED, *SLICED}


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
    height, style = hand.recorder.widgets[key][3], imgui.get_style()
    hand.click(x, y)
    line = imgui.get_font_size() + style.item_spacing.y
    hand.click(x, y + height / 2 + style.window_padding.y + (number + 0.5) * line)
    changed_alone(hand, before, expected)


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
    assert hand.panel._contents._draft == {
        **{"agents.count": 60 + steps, "workers.count": 2 + steps, "run.seed": 3 + steps},
        "trails.length": hand.standing.config.trails.length + steps,
    }
    assert hand.conflicts == 0


def test_nothing_changes_by_being_pointed_at(a_hand):
    """Over every widget and every label, line by line."""
    hand = a_hand()
    before = hand.settings()
    for x in (12, 100, 140, 160, 200, 280):
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


def test_what_is_typed_stays_within_bounds(a_hand):
    hand = a_hand()
    for key, text in (((FIELDS, "contours"), "-3"), ((FIELDS, "opacity"), "7"), ((RUN, "ticks/s"), "-1")):
        hand.click(*hand.place(key), control=True)
        hand.type_anew(text)
    assert (hand.viewer.looks.heatmap.contours, hand.viewer.looks.heatmap.opacity) == (0, 1)
    assert hand.changes[-1] == Set("sim.ticks_per_s", 1.0)


def test_the_lower_end_of_a_scale_stays_below_the_upper(a_hand):
    hand = a_hand()
    hand.click(*hand.place((FIELDS, "low end")), control=True)
    hand.type_anew("6")
    assert (hand.viewer.looks.heatmap.low, hand.viewer.looks.heatmap.high) == (-5, 5)


def test_typed_settings_come_with_the_restart_and_are_kept_if_it_comes_to_nothing(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "agents")))
    hand.type_anew("0")
    for _ in range(2):
        hand.click(*hand.place((RUN, "restart with these")))
        assert hand.changes.pop() == Restart({"agents.count": 0})
    hand.standing = a_standing(config=load_config(None, ["world.name=cartpole", "agents.count=61"]))
    hand.click(*hand.place((RUN, "agents")))
    hand.type_anew("61")
    hand.frame()
    assert "agents.count" not in hand.panel._contents._draft  # it has come true


def test_escape_leaves_a_field_and_what_was_in_it(a_hand):
    hand = a_hand()
    before = hand.settings()
    hand.click(*hand.place((RUN, "agents")))
    hand.key("ctrl", "a")
    hand.frame(Text("9"))
    hand.frame(Edit("escape", True), Key(Action.BACK))
    hand.frame(Edit("escape", False))
    hand.frame()
    assert not imgui.get_io().want_text_input
    assert hand.settings() == before
    assert Key(Action.BACK) not in hand.left_over
    hand.frame(Key(Action.BACK))
    assert hand.left_over[-1] == Key(Action.BACK)


def test_escape_closes_an_open_list_and_no_more(a_hand):
    hand = a_hand()
    hand.click(*hand.place((VIEW, "layer")))
    hand.frame(Key(Action.BACK))
    hand.frame()
    assert Key(Action.BACK) not in hand.left_over
    assert not imgui.is_popup_open("", imgui.PopupFlags_.any_popup)


def test_while_typing_keys_are_the_field_s_but_the_end_is_heard(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "seed")))
    hand.left_over.clear()
    hand.frame(Key(Action.FIT), Key(Action.VIEW, 3), Key(Action.QUIT), Close())
    assert hand.left_over == [Key(Action.QUIT), Close()]


def test_a_number_is_copied_and_pasted(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "agents")))
    hand.key("ctrl", "a")
    hand.key("ctrl", "c")
    hand.click(*hand.place((RUN, "seed")))
    hand.key("ctrl", "a")
    hand.key("ctrl", "v")
    hand.key("enter")
    hand.frame()
    assert hand.settings()["run.seed"] == 60
    assert not math.isnan(hand.settings()["run.seed"])


def test_tab_goes_from_field_to_field_and_else_hides_the_panel(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "agents")))
    hand.key("tab")
    hand.frame()
    hand.type_anew("5")
    assert hand.settings()["workers.count"] == 5
    hand.left_over.clear()
    hand.frame(Edit("tab", True), Key(Action.INTERFACE))
    hand.frame(Edit("tab", False))
    hand.frame()
    assert hand.left_over == [Key(Action.INTERFACE)]
    assert not imgui.get_io().want_text_input


def test_what_was_held_is_let_go_of(a_hand):
    hand = a_hand()
    x, y = hand.place((FIELDS, "opacity"))
    hand.frame(Move(x, y))
    hand.frame(Press(Button.LEFT, x, y))
    hand.panel.let_go()
    before = hand.settings()
    hand.hover(x + 30, y)
    assert hand.settings() == before


class Hazy(RenderConfig):
    """A section with one more setting, declared as any other."""

    haze: float = setting(
        0.0,
        "how far one cannot see",
        unit="m",
        ge=0,
        le=9,
        live=Live.LOOKS,
        panel=Hint(Group.EFFECTS, 3, "haze", 0, 2, "%.1f m"),
    )


class HazyConfig(Config):
    render: Hazy = Hazy()


def test_a_new_setting_takes_one_declaration(a_hand):
    """From it alone come the widget with its ends, the tip, the change, and the look that is drawn by."""
    config = HazyConfig.model_validate(load_config(None, ["world.name=cartpole"]).model_dump())
    hand = a_hand(config=config)
    before = hand.viewer.looks
    assert before.render.haze == 0
    x, y = hand.place((EFFECTS, "haze"))
    hand.click(x, y, control=True)
    hand.type_anew("1.5")
    assert hand.viewer.looks.render.haze == 1.5
    hand.click(x, y, control=True)
    hand.type_anew("7")
    assert hand.viewer.looks.render.haze == 2
    assert hand.viewer.looks == before.having("render.haze", 2.0)
    assert tip(settings_of(HazyConfig)["render.haze"]) == "render.haze: how far one cannot see (m)"
    for _ in range(20):
        hand.frame(Move(x, y))
    assert hand.panel._contents.tip == "render.haze: how far one cannot see (m)"
