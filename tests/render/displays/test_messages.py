"""Messages of pages, and keys in them: what they mean, and that damaged ones mean nothing."""

import json
import random

import pytest

from valuescape.render.displays.events import KEYS, Action, Edit, Key, Move, Text
from valuescape.render.displays.streaming.keys import Pressed, key_events
from valuescape.render.displays.streaming.messages import (
    Accepts,
    Control,
    Happened,
    PictureWanted,
    Sized,
    Touched,
    read_message,
)

OF_THE_BROWSER = {Action.INTERFACE, Action.RELOAD, Action.SCREENSHOT, Action.QUIT}
"""Tab, F5, F12 and Ctrl-Q."""


# --- Keys ---


def pressed(key, code="", *, shift=False, control=False, down=True):
    return key_events(Pressed(key, code, down, shift, control))


def test_the_keys_of_the_help_have_a_key_in_a_browser():
    keys = [*"rafgvmblshnc ", "ArrowRight", "End", "+", "-", ".", "1", "Escape", "F1", "F3", "F9", "F11"]
    meant = [each for key in keys for each in pressed(key)]
    meant += [each for key in "zy1" for each in pressed(key, control=True)]
    meant += pressed("3", "Numpad3") + pressed("3", "Numpad3", control=True)
    found = {each.action for each in meant if isinstance(each, Key)}
    assert found == {action for _, action, _ in KEYS} - OF_THE_BROWSER


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (pressed("M", shift=True), Key(Action.LAYER, -1)),
        (pressed(","), Key(Action.CHECKPOINT, -1)),
        (pressed("Z", control=True, shift=True), Key(Action.REDO)),
        (pressed("4", "Digit4"), Key(Action.VIEW, 4)),
        (pressed("4", "Numpad4"), Key(Action.CHOOSE_LAYER, 4)),
        (pressed("a", control=True), Edit("a", True)),
        (pressed("Shift", down=False), Edit("shift", False)),
        (pressed("ü"), Text("ü")),
    ],
)
def test_a_key_means_what_it_means_in_the_window(events, expected):
    assert expected in events


def test_a_key_that_goes_up_does_nothing_again():
    assert [each for each in pressed("r", down=False) if not isinstance(each, Edit)] == []


# --- Messages ---


def test_a_widget_that_is_touched_is_read_whole():
    said = {"type": "widget", "name": "heatmap.opacity", "value": 0.5, "held": True, "number": 9}
    assert read_message(said) == Touched("heatmap.opacity", 0.5, True, 9)
    assert not read_message({**said, "held": 1}).held
    for value in (None, True, -3, 1e15, "x" * 2000, [0.1, 2]):
        assert read_message({**said, "value": value}).value == value


LARGE = [
    {"type": "events", "number": 2**53 + 1, "events": []},
    {"type": "events", "number": -1, "events": []},
    {"type": "events", "number": True, "events": []},
    {"type": "shown", "frame": 10**4000},
    {"type": "widget", "name": "a", "value": 1, "number": 2**64},
    {"type": "widget", "name": "a" * 301, "value": 1, "number": 1},
    {"type": "widget", "name": "a", "value": "x" * 2001, "number": 1},
    {"type": "widget", "name": "a", "value": [1] * 3, "number": 1},
    {"type": "widget", "name": "a", "value": ["x", "y"], "number": 1},
    {"type": "widget", "name": "a", "value": {"a": 1}, "number": 1},
    {"type": "widget", "name": "a", "value": float("nan"), "number": 1},
    {"type": "widget", "name": "a", "value": 10**400, "number": 1},
    {"type": "restart", "changes": {"world.name": "flock"}},
    {"type": "preset", "name": "flock"},
]


@pytest.mark.parametrize("message", LARGE, ids=lambda each: each["type"])
def test_what_is_larger_than_a_page_sends_or_none_of_its_kinds_is_no_message(message):
    assert read_message(message) is None


def test_a_page_says_what_it_decodes_and_who_is_to_control():
    said = {"type": "accepts", "codecs": ["vp8", 3, "x" * 1000], "prefer": "video"}
    assert read_message(said) == Accepts(("vp8",), "video")
    assert read_message({"type": "control", "do": "give"}) is Control.GIVE
    assert read_message({"type": "picture"}) == PictureWanted()
    assert read_message({"type": "control", "do": "steal"}) is None


def test_what_is_no_message_is_passed_over():
    """Messages that were damaged in every place: none raises, and none becomes too large."""
    good = [
        {"type": "events", "number": 1, "events": [["move", 0.1, 0.2], ["press", "left", 0.1, 0.2, False]]},
        {"type": "events", "number": 1, "events": [["scroll", 1, 0.1, 0.2], ["key", "a", "", True, 0, 1]]},
        {"type": "size", "width": 100, "height": 50, "ratio": 1.5},
        {"type": "shown", "frame": 1},
        {"type": "watching", "on": True},
        {"type": "accepts", "codecs": ["vp8", "avc1.42E01F"], "prefer": "auto"},
        {"type": "control", "do": "ask"},
        {"type": "widget", "name": "heatmap.opacity", "value": 0.5, "held": True, "number": 9},
    ]
    bad = [None, -1, 1e400, float("nan"), 2**80, "x" * 1000, [], {}, [[[]]], True, 1e9]
    chance = random.Random(0)
    for _ in range(3000):
        message = json.loads(json.dumps(chance.choice(good)))
        key = chance.choice(list(message))
        if isinstance(message[key], list) and chance.random() < 0.7:
            event = chance.choice(message[key])
            event = event if isinstance(event, list) else message[key]
            event[chance.randrange(len(event))] = chance.choice(bad)
        else:
            message[key] = chance.choice(bad)
        match read_message(message):
            case Sized(width, height, ratio):
                assert 0 < width <= 4096
                assert 0 < height <= 4096
                assert 0 < ratio <= 4
            case Happened(_, events):
                assert all(abs(each.x) < 10 for each in events if isinstance(each, Move))
            case Touched(name, value, _, number):
                assert len(f"{name}{value}") < 2400
                assert 0 <= number <= 2**53
    assert (
        read_message({"type": "events", "number": 1, "events": [["move", 0, 0]] * 10**5}).events[1000:] == ()
    )


def test_a_page_of_many_pixels_gets_a_picture_of_fewer():
    said = read_message({"type": "size", "width": 4000, "height": 3000, "ratio": 3})
    assert said.width * said.height * said.ratio**2 == pytest.approx(2**24)
    assert read_message({"type": "size", "width": 1920, "height": 1080, "ratio": 2}).ratio == 2
