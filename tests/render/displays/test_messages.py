"""Messages of pages, and keys in them: what they mean, and that damaged ones mean nothing."""

import json
import random
from typing import get_args

import pytest

from valuescape.render.displays.events import KEYS, Action, Edit, Key, Move, Text
from valuescape.render.displays.streaming.keys import Pressed, key_events
from valuescape.render.displays.streaming.messages import (
    Accepts,
    Control,
    Happened,
    PictureWanted,
    Sized,
    Wished,
    read_message,
)
from valuescape.render.view.change_messages import change_of
from valuescape.render.view.changes import (
    Change,
    GoTo,
    Preset,
    Probe,
    Request,
    Restart,
    SavePreset,
    Select,
    Set,
    Slice,
    Touch,
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


WISHES = [
    {"type": "change", "name": "agents.count", "value": 12, "gesture": 4},
    {"type": "request", "name": "undo"},
    {"type": "restart", "changes": {"world.name": "flock", "lod.tolerance_px": 0.5}},
    {"type": "preset", "name": "flock"},
    {"type": "slice", "values": [0, 1.5]},
    {"type": "go to", "index": 2},
    {"type": "save preset", "name": "mine", "here": False},
    {"type": "touch", "plugin": "wind", "label": "on", "value": True},
]


def test_every_kind_of_change_that_a_panel_makes_is_a_message():
    """Those that name a pixel of the picture come as events on it."""
    assert [change_of(each) for each in WISHES] == [
        Set("agents.count", 12, 4),
        Request.UNDO,
        Restart({"world.name": "flock", "lod.tolerance_px": 0.5}),
        Preset("flock"),
        Slice((0, 1.5)),
        GoTo(2),
        SavePreset("mine", here=False),
        Touch("wind", "on", True),
    ]
    assert change_of(WISHES[0]).gesture == 4
    assert {type(change_of(each)) for each in WISHES} == {*get_args(Change)} - {Select, Probe}
    assert all(isinstance(read_message(each), Wished) for each in WISHES)


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
        {"type": "change", "name": "heatmap.layer", "value": 3},
        {"type": "shown", "frame": 1},
        {"type": "watching", "on": True},
        {"type": "accepts", "codecs": ["vp8", "avc1.42E01F"], "prefer": "auto"},
        {"type": "control", "do": "ask"},
        *WISHES,
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
            case Wished(content) if change := change_of(content):
                assert len(f"{change}") < 2000
    assert (
        read_message({"type": "events", "number": 1, "events": [["move", 0, 0]] * 10**5}).events[1000:] == ()
    )


def test_a_page_of_many_pixels_gets_a_picture_of_fewer():
    said = read_message({"type": "size", "width": 4000, "height": 3000, "ratio": 3})
    assert said.width * said.height * said.ratio**2 == pytest.approx(2**24)
    assert read_message({"type": "size", "width": 1920, "height": 1080, "ratio": 2}).ratio == 2
