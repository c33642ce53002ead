"""A panel by itself, with a note of every widget, and the hand of a person who uses it."""

import pkgutil
import sys
from importlib import import_module
from types import SimpleNamespace

import pytest
from imgui_bundle import imgui

import valuescape.render.panel
from valuescape.render.displays.events import Button, Edit, Move, Press, Release, Text
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.panel.panel import Panel
from valuescape.render.panel.standing import Past, Standing
from valuescape.render.scene.colormaps import DIVERGING, SEQUENTIAL
from valuescape.render.view.changes import Set
from valuescape.render.view.looks import Looks, looks_settings
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.config.model import settings_of
from valuescape.sim.config.setting import Live
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.worlds import make_world

SIZE = (300, 2000)
"""High enough for all widgets to be in view."""

WIDGETS = {
    *("button", "checkbox", "collapsing_header", "combo", "drag_float", "input_int", "radio_button"),
    *(
        "slider_float",
        "slider_float2",
        "slider_int",
        "begin_combo",
        "input_text",
        "input_text_with_hint",
        "input_double",
    ),
    *("small_button",),
}
"""Functions of ImGui that draw a widget which a person can touch."""

OTHERS = {
    *("begin_disabled", "end_disabled", "get_content_region_avail", "new_line", "plot_lines", "pop_id"),
    *("push_id", "same_line", "text_colored", "selectable", "end_combo", "is_item_hovered"),
    *("begin_tooltip", "push_text_wrap_pos", "get_font_size", "text_unformatted", "pop_text_wrap_pos"),
    *("end_tooltip", "set_next_item_width", "is_item_active", "get_window_width", "get_cursor_pos_x"),
    *("begin_child", "end_child", "push_item_width", "pop_item_width", "get_cursor_screen_pos"),
    *("begin_group", "end_group", "separator_text", "get_window_pos", "get_item_rect_max", "calc_text_size"),
    *("get_style", "get_color_u32", "get_window_draw_list", "set_tooltip", "get_frame_height", "get_io"),
    *("is_any_item_active", "text_disabled"),
}
MODULES = [
    import_module(f"valuescape.render.panel.{each.name}")
    for each in pkgutil.iter_modules(valuescape.render.panel.__path__)
]
"""The modules of the panel; those that draw widgets use a `Recorder` while a `Hand` watches."""


NOT_WATCHED = [
    sys.modules["valuescape.render.panel.panel"],
    sys.modules["valuescape.render.panel.imgui_renderer"],
]
"""Modules of the panel that draw no widget."""


MAPS = [*SEQUENTIAL, *DIVERGING]
"""Colour maps in the order of the lists."""


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
    plain = load_config(None, ["world.name=cartpole", "agents.count=60", "run.seed=3"])
    config = changes.pop("config", plain)
    return Standing(
        **{
            "config": config,
            "past": Past(config),
            "worlds": ["cartpole", "pendulum", "flock"],
            "plane": map_plane(config, make_world("cartpole")),
            "paused": False,
            "live": {
                each.name: each.value_in(config)
                for each in settings_of(type(config)).values()
                if each.declared.live is Live.RUN
            }
            | {"lod.segment_budget": 5000},
            "workers": 2,
            "limits": [("frame time", 3.0, 33.0, True)],
            "busy_ms": (1.0, 2.0),
            "may_take_ms": 16.0,
            "sliced": True,
            **changes,
        }
    )


NOTHING = SimpleNamespace(cmd_lists=())
"""What ImGui gives to be drawn, empty."""


class Hand:
    """A panel by itself, and the gestures of a person who uses it."""

    def __init__(self, display, monkeypatch, standing):
        self.panel, self.standing = Panel(display), standing
        draw = self.panel._renderer.draw  # keeps the fonts' textures; nobody looks at pixels here
        monkeypatch.setattr(self.panel._renderer, "draw", lambda _, size: draw(NOTHING, size))
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
        for module in MODULES:
            if hasattr(module, "imgui") and module not in NOT_WATCHED:
                self._monkeypatch.setattr(module, "imgui", self.recorder)
        seen = {each.name for each in settings_of(type(self.standing.config)).values()}
        seen -= self.standing.live.keys()
        for change in self.panel.draw(SIZE, 0.05, self.viewer, self.standing):
            if isinstance(change, Set) and change.name in seen:
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
        return viewer | self.drafts

    @property
    def drafts(self):
        return self.panel._contents.form.drafts

    def search(self, text):
        """Click into the search, and type."""
        self.click(*self.place(("toolbar", "##search")))
        self.type_anew(text)

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

    def list_y(self, y, height, number):
        """Return where entry `number` of an open list is, below its widget at y."""
        style = imgui.get_style()
        line = imgui.get_font_size() + style.item_spacing.y
        return y + height / 2 + style.window_padding.y + (number + 0.5) * line

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
