"""The top of the panel: undo, redo, reset all, and presets that are saved; drags are one gesture."""

import pytest
from panel_hands import a_standing

from valuescape.render.displays.events import Button, Move, Press, Release
from valuescape.render.panel.standing import Past
from valuescape.render.view.changes import Preset, Request, SavePreset, Set
from valuescape.sim.config.model import Config

pytestmark = pytest.mark.gpu

BAR, INSIGHT = "toolbar", "Insight"


@pytest.mark.parametrize(
    ("past", "button", "asked"),
    [
        ({"undo": "trails.opacity 0.2 → 0.85"}, "undo", Request.UNDO),
        ({"redo": "trails.opacity 0.85 → 0.2"}, "redo", Request.REDO),
        ({"changed": "trails.opacity"}, "reset all", Request.RESET),
    ],
)
def test_a_button_is_grey_until_there_is_something_to_do(a_hand, past, button, asked):
    hand = a_hand()
    hand.click(*hand.place((BAR, button)))
    assert hand.changes == []
    hand.standing = a_standing(past=Past(Config(), **past))
    hand.click(*hand.place((BAR, button)))
    assert hand.changes == [asked]


def test_a_preset_gets_a_name_and_a_folder(a_hand):
    hand = a_hand()
    hand.click(*hand.place((BAR, "save…")))
    hand.click(*hand.place((BAR, "##name")))
    hand.type_anew("calm water")
    assert hand.changes == [SavePreset("calm water", here=False)]
    hand.click(*hand.place((BAR, "save…")))
    hand.click(*hand.place((BAR, "current folder")))
    hand.click(*hand.place((BAR, "save")))
    assert hand.changes[1:] == [SavePreset("calm water", here=True)]
    assert (BAR, "##name") not in hand.recorder.widgets


def test_a_slider_that_is_dragged_is_one_gesture_and_the_next_drag_another(a_hand):
    hand = a_hand()
    gestures = []
    x, y = hand.place((INSIGHT, "rollouts a cell"))
    for _ in range(2):
        hand.hover(x, y)
        hand.frame(Press(Button.LEFT, x, y))
        for to in range(5, 40, 5):
            hand.frame(Move(x + to, y))
        hand.frame(Release(Button.LEFT, x + 40, y))
        hand.frame()
        gestures.append({each.gesture for each in hand.changes})
        assert len(hand.changes) > 3
        assert all(isinstance(each, Set) for each in hand.changes)
        hand.changes = []
    first, second = gestures
    assert len(first) == len(second) == 1
    assert first != second
    assert 0 not in first | second


def test_a_preset_is_gone_over_to_by_its_name(a_hand):
    hand = a_hand(presets={"demo": "a point mass", "runs/mine.toml": "saved in this session"})
    x, y = hand.place(("Run", "preset"))
    height = hand.recorder.widgets["Run", "preset"][3]
    hand.click(x, y)
    hand.click(x, hand.list_y(y, height, 1))
    assert hand.changes == [Preset("runs/mine.toml")]
