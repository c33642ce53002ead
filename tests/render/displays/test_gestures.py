"""Drags, boxes and double clicks, recognised from raw events of the pointer."""

import pytest

from valuescape.render.displays.events import (
    Action,
    Button,
    Click,
    DoubleClick,
    Drag,
    DragEnd,
    Hover,
    Key,
    Move,
    Press,
    Release,
)
from valuescape.render.displays.gestures import Gestures

LEFT, RIGHT = Button.LEFT, Button.RIGHT


class Hand:
    """Gestures with a clock that the test sets."""

    def __init__(self):
        self.now = 0.0
        self.gestures = Gestures(lambda: self.now)

    def does(self, *events):
        return list(self.gestures.read(events))


def click(x, y, button=LEFT):
    return Press(button, x, y), Release(button, x, y)


def test_a_drag_begins_once_the_pointer_has_moved():
    hand = Hand()
    assert hand.does(Press(LEFT, 100, 50), Move(102, 51)) == []
    assert hand.does(Move(110, 60)) == [Drag(LEFT, 10, 10, 110, 60)]
    assert hand.does(Move(111, 60), Release(LEFT, 111, 60)) == [Drag(LEFT, 1, 0, 111, 60), DragEnd()]
    assert hand.does(Move(200, 200)) == [Hover(200, 200)]


def test_the_steps_of_a_drag_add_up():
    moves = [Move(103, 50), Move(120, 55), Move(90, 80)]
    drags = Hand().does(Press(RIGHT, 100, 50), *moves)
    assert sum(drag.dx for drag in drags) == -10
    assert sum(drag.dy for drag in drags) == 30


def test_shift_makes_a_box():
    gestures = Hand().does(Press(LEFT, 0, 0, shift=True), Move(50, 50), Release(LEFT, 50, 50))
    assert gestures == [Drag(LEFT, 50, 50, 50, 50, box=True), DragEnd(box=True)]


def test_two_clicks_are_a_double_click():
    assert Hand().does(*click(10, 20), *click(11, 20)) == [Click(10, 20), DoubleClick(11, 20)]


def test_three_clicks_are_one_double_click():
    clicks = [Click(10, 20), DoubleClick(10, 20), Click(10, 20)]
    assert Hand().does(*click(10, 20), *click(10, 20), *click(10, 20)) == clicks


@pytest.mark.parametrize("apart", ["time", "place", "button"])
def test_clicks_apart_are_no_double_click(apart):
    hand = Hand()
    assert hand.does(*click(10, 20)) == [Click(10, 20)]
    hand.now = 1.0 if apart == "time" else 0.1
    second = click(60 if apart == "place" else 10, 20, RIGHT if apart == "button" else LEFT)
    clicked = [] if apart == "button" else [Click(second[1].x, 20)]
    assert hand.does(*second) == clicked


def test_a_release_without_a_press_is_nothing():
    assert Hand().does(Release(LEFT, 1, 1), Release(RIGHT, 1, 1)) == []


def test_keys_pass():
    assert Hand().does(Key(Action.HELP)) == [Key(Action.HELP)]
