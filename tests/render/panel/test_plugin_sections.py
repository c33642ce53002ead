"""Widgets of plug-ins, drawn by Dear ImGui and pointed at: what a person does comes back by label."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from imgui_bundle import imgui

from valuescape.render.panel.plugin_sections import plugin_section
from valuescape.render.view.changes import Touch
from valuescape.sim.errors import UsageError
from valuescape.sim.plugins.widgets import Choice, Panel, Section


@contextmanager
def window():
    """Give a function that draws sections in a window of 300 x 600 pixels and returns the touches."""
    context = imgui.create_context()
    io = imgui.get_io()
    io.set_ini_filename("")
    io.display_size = imgui.ImVec2(300, 600)
    io.backend_flags |= imgui.BackendFlags_.renderer_has_textures

    def draw(*sections):
        io.delta_time = 0.05
        imgui.new_frame()
        imgui.set_next_window_pos((0, 0))
        imgui.set_next_window_size((300, 600))
        imgui.begin("panel", None, imgui.WindowFlags_.no_decoration)
        touches = []
        for section in sections:
            for row in plugin_section(section).rows:
                row.draw(SimpleNamespace(ask=touches.append))
        imgui.end()
        imgui.render()
        return touches

    try:
        yield draw
    finally:
        imgui.destroy_context(context)


def described(touched):
    panel = Panel(touched)
    panel.text("a line")
    values = {
        "slider": panel.slider("slider", 5.0, 0.0, 10.0),
        "whole": panel.slider("whole", 3, 0, 9, whole=True),
        "check": panel.checkbox("check", False),
        "button": panel.button("button"),
        "choice": panel.choice("choice", "b", ("a", "b", "c")),
        "number": panel.number("number", 2.5),
    }
    panel.plot("plot", [1, 2, float("nan")])
    return Section("mine", "Mine", tuple(panel.widgets)), values


def click(draw, section, x, y):
    io = imgui.get_io()
    io.add_mouse_pos_event(x, y)
    draw(section)
    io.add_mouse_button_event(0, True)
    touches = draw(section)
    io.add_mouse_button_event(0, False)
    return [*touches, *draw(section)]


def test_every_place_of_the_section_touches_at_most_one_widget_and_each_can_be_touched():
    section, _ = described({})
    seen = {}
    with window() as draw:
        draw(section)
        draw(section)
        for y in range(20, 260, 4):
            if imgui.is_popup_open("", imgui.PopupFlags_.any_popup_id | imgui.PopupFlags_.any_popup_level):
                click(draw, section, 290, 590)
            touches = click(draw, section, 40, y)
            assert len({each.label for each in touches}) <= 1
            seen |= {each.label: each for each in touches}
    assert seen.keys() >= {"slider", "whole", "check", "button"}
    assert seen["check"] == Touch("mine", "check", True)
    assert seen["button"] == Touch("mine", "button", True)
    assert 0 < seen["slider"].value < 10
    assert isinstance(seen["whole"].value, int)


def test_what_was_touched_comes_back_with_the_next_description_and_once():
    _, before = described({})
    assert before == {
        "slider": 5.0,
        "whole": 3,
        "check": False,
        "button": False,
        "choice": "b",
        "number": 2.5,
    }
    touched = {"slider": 99.0, "whole": 4.4, "check": True, "button": True, "choice": "c", "number": 7}
    section, after = described(touched)
    assert after == {**touched, "slider": 10.0, "whole": 4}
    assert Choice("choice", "c", ("a", "b", "c")) in section.widgets


@pytest.mark.parametrize(
    ("describe", "said"),
    [
        (lambda panel: panel.slider("a", 1, 2, 2), "expected low < high"),
        (lambda panel: panel.slider("a", 1, 0, 2, logarithmic=True), "logarithmic from above 0"),
        (lambda panel: panel.choice("a", "x", ("y",)), "'x' is none of"),
        (lambda panel: [panel.button("a") for _ in range(2)], "two widgets are called 'a'"),
        (lambda panel: [panel.text("a") for _ in range(300)], "more than 200 widgets"),
    ],
)
def test_what_cannot_be_drawn_is_refused(describe, said):
    with pytest.raises(UsageError, match=said):
        describe(Panel({}))
