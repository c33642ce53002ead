"""Rows of the world's parameters, one value or a range each, and rows that plug-ins describe."""

import pytest
from panel_hands import a_standing

from valuescape.render.displays.events import Button, Move, Press, Release
from valuescape.render.view.changes import Set, Touch
from valuescape.sim.config.files import load_config
from valuescape.sim.plugins.widgets import Button as PressButton
from valuescape.sim.plugins.widgets import Checkbox, Choice, Number, Plot, Section, Slider, Text

pytestmark = pytest.mark.gpu

WORLD, GRAVITY = "World", "world.parameters.gravity"


def cartpole(*settings, **changes):
    return a_standing(config=load_config(None, ["world.name=cartpole", *settings]), **changes)


def test_a_value_moves_while_it_is_dragged_as_one_gesture(a_hand):
    hand = a_hand()
    x, y = hand.place((WORLD, "gravity"))
    hand.hover(x, y)
    hand.frame(Press(Button.LEFT, x, y))
    for to in (8, 16, 24):
        hand.frame(Move(x + to, y))
    hand.frame(Release(Button.LEFT, x + 24, y))
    hand.frame()
    values = [each.value for each in hand.changes]
    assert {each.name for each in hand.changes} == {GRAVITY}
    assert len({each.gesture for each in hand.changes}) == 1
    assert values == sorted(values)
    assert len(values) > 2
    assert all(value == float(f"{value:.7g}") for value in values)  # as a person would write it


def test_a_box_spreads_a_value_and_takes_the_middle_again(a_hand):
    hand = a_hand()
    hand.click(*hand.place((WORLD, "##range of gravity")))
    low, high = map(float, hand.changes.pop().value.split(".."))
    assert low < 9.8 < high
    hand.standing = cartpole("world.parameters.gravity=8..12")
    hand.frame()
    assert hand.recorder.widgets[WORLD, "gravity"][0] == "slider_float2"
    hand.click(*hand.place((WORLD, "##range of gravity")))
    assert hand.changes == [Set(GRAVITY, 10.0)]


def test_the_ends_of_a_range_count_once_they_are_let_go(a_hand):
    hand = a_hand()
    hand.standing = cartpole("world.parameters.gravity=8..12")
    hand.frame()
    _, x, y, _, width = hand.recorder.widgets[WORLD, "gravity"]
    hand.hover(x + 0.75 * width, y)
    hand.frame(Press(Button.LEFT, x + 0.75 * width, y))
    for to in (0.8, 0.9):
        hand.frame(Move(x + to * width, y))
        assert hand.changes == []
    hand.frame(Release(Button.LEFT, x + 0.9 * width, y))
    hand.frame()
    (change,) = hand.changes
    low, high = map(float, change.value.split(".."))
    assert low == 8.0
    assert high > 12


def test_a_parameter_that_differs_from_the_start_is_marked_and_reset(a_hand):
    hand = a_hand()
    name = f"↺##reset {GRAVITY}"
    assert (WORLD, name) not in hand.recorder.widgets
    hand.standing = cartpole("world.parameters.gravity=12", past=hand.standing.past)
    hand.frame()
    hand.click(*hand.place((WORLD, name)))
    assert hand.changes == [Set(GRAVITY, 9.8)]


WIDGETS = (
    *(Text("wind from the west"), Number("target", 2.0), Slider("speed", 3.0, 0.0, 10.0)),
    *(Slider("gusts", 3, 0, 10, whole=True), Checkbox("on", False), Choice("from", "west", ("west", "east"))),
    *(PressButton("calm"), Plot("mean", (1.0, 2.0, float("nan"))), Plot("none", ())),
)
WIND = Section("wind", "Wind", WIDGETS)


@pytest.mark.parametrize(
    ("label", "text", "value"),
    [("target", "4.5", 4.5), ("speed", "7", 7.0), ("gusts", "9", 9), ("on", "", True), ("calm", "", True)],
)
def test_a_plug_in_is_told_what_is_done_with_its_widgets(a_hand, label, text, value):
    hand = a_hand(sections=[WIND])
    key = "plug-in windWind", label
    hand.click(*hand.place(key), control=bool(text) and label != "target")
    if text:
        hand.type_anew(text)
    assert hand.changes[-1] == Touch("wind", label, value)
    assert {each.label for each in hand.changes} == {label}
    assert hand.conflicts == 0


def test_plug_ins_of_one_title_do_not_disturb_each_other_and_are_searched(a_hand):
    hand = a_hand(sections=[WIND, Section("storm", "Wind", WIDGETS)])
    hand.search("gusts")
    assert {key for key in hand.recorder.widgets if key[0] != "toolbar"} == {
        ("plug-in windWind", "gusts"),
        ("plug-in stormWind", "gusts"),
    }
    assert hand.conflicts == 0
