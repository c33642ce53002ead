"""Fields and lists of the panel under the keyboard: bounds, leaving, copying, and which keys are whose."""

import math

import pytest
from imgui_bundle import imgui

from valuescape.render.displays.events import Action, Button, Close, Edit, Key, Move, Press, Text
from valuescape.render.view.changes import Set

pytestmark = pytest.mark.gpu

RUN, VIEW, FIELDS = "Run", "View", "Fields"


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


def test_escape_leaves_a_field_and_what_was_in_it(a_hand):
    hand = a_hand()
    before = hand.settings()
    hand.click(*hand.place((RUN, "trail length")))
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
    hand.frame(Key(Action.FIT), Key(Action.VIEW, 3), Key(Action.UNDO), Key(Action.QUIT), Close())
    assert hand.left_over == [Key(Action.QUIT), Close()]


def test_a_number_is_copied_and_pasted(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "trail length")))
    hand.key("ctrl", "a")
    hand.key("ctrl", "c")
    hand.click(*hand.place((RUN, "seed")))
    hand.key("ctrl", "a")
    hand.key("ctrl", "v")
    hand.key("enter")
    hand.frame()
    assert hand.settings()["run.seed"] == 64
    assert not math.isnan(hand.settings()["run.seed"])


def test_tab_goes_from_field_to_field_and_else_hides_the_panel(a_hand):
    hand = a_hand()
    hand.click(*hand.place((RUN, "seed")))
    hand.key("tab")
    hand.frame()
    hand.type_anew("5")
    assert hand.settings()["trails.length"] == 5
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
