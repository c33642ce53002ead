"""A display on a page: messages, frames in flight, and pictures that get lossless once they are still."""

import gc
import io
import json
import random
import weakref
from typing import get_args

import numpy as np
import pytest
from PIL import Image
from screens import open_streamed, opened
from small_scene import a_viewer, drawn

from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.events import KEYS, Action, Button, Edit, Key, Move, Press, Scroll, Text
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
from valuescape.render.displays.streaming.pacing import LEVELS, MOST_IN_FLIGHT, Pacing
from valuescape.render.displays.streaming.pictures import STILL_S
from valuescape.render.displays.streaming.stream import Stream
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

__all__ = ["open_streamed", "opened"]

SIZE = 64, 36
OF_THE_BROWSER = {Action.INTERFACE, Action.RELOAD, Action.SCREENSHOT, Action.QUIT}
"""Tab, F5, F12 and Ctrl-Q."""


class Page:
    """A browser at the other end of a stream: answers frames when it is told to."""

    def __init__(self, answering=lambda: True):
        self.now = 100.0
        self.got = []
        self.stream = Stream(self.take, SIZE, answering, clock=lambda: self.now)

    def take(self, content, picture):
        self.got.append((dict(content), picture))

    def watch(self, on=True):
        self.stream.receive({"type": "watching", "on": on})

    def frames(self):
        return [(about, picture) for about, picture in self.got if about["type"] == "frame"]

    def answer(self, number=None):
        newest = self.frames()[-1][0]["number"] if number is None else number
        self.stream.receive({"type": "shown", "frame": newest})


@pytest.fixture
def page():
    page = Page()
    page.watch()
    return page


def noise(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)))


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


def test_events_come_in_pixels_of_the_picture_in_their_order(page):
    page.stream.receive({"type": "size", "width": 400, "height": 200, "ratio": 2})
    events = [["move", 0.5, 0.25], ["press", "left", 0.5, 0.25, True], ["scroll", 2, 0.0, 1.0]]
    page.stream.receive({"type": "events", "number": 3, "events": events})
    assert page.stream.take_events() == [
        Move(400, 100),
        Press(Button.LEFT, 400, 100, True),
        Scroll(2, 0, 400),
    ]
    assert page.got == [({"type": "heard", "number": 3}, None)]
    assert page.stream.take_events() == []
    assert len(page.got) == 1, "what was heard is said once"


def test_controls_ask_in_the_same_vocabulary(page):
    page.stream.receive({"type": "change", "name": "heatmap.layer", "value": "error"})
    page.stream.receive({"type": "request", "name": "pause"})
    wishes = [change_of(each.content) for each in page.stream.take_wishes()]
    assert wishes == [Set("heatmap.layer", "error"), Request.PAUSE]


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


def test_a_stream_that_has_ended_keeps_nothing(page):
    page.stream.show(noise(0))
    last = weakref.ref(page.stream._changing._last)
    page.stream.end()
    page.stream.receive({"type": "request", "name": "pause"})
    page.stream.receive({"type": "events", "number": 3, "events": [["move", 0.5, 0.25]]})
    assert page.stream.take_wishes() == page.stream.take_events() == []
    gc.collect()
    assert last() is None


# --- Frames in flight ---


def test_two_frames_are_in_flight_at_most(page):
    for seed in range(10):
        page.stream.show(noise(seed))
    assert len(page.frames()) == MOST_IN_FLIGHT
    page.answer(1)
    for seed in range(10, 20):
        page.stream.show(noise(seed))
    assert [about["number"] for about, _ in page.frames()] == [1, 2, 3]


def test_an_answer_that_was_lost_holds_up_nothing(page):
    for seed in range(2):
        page.stream.show(noise(seed))
    page.answer(2)
    assert page.stream.pacing.in_flight == 0
    for seed in range(2, 4):  # neither of these is answered
        page.stream.show(noise(seed))
    page.now += 2
    assert not page.stream.ready
    page.now += 2
    assert page.stream.ready, "another one is tried"


def test_a_slow_link_drops_frames_and_does_not_lag():
    """A link that takes 10 frames a second one after the other; 60 are drawn. The eye sees no old picture."""
    page, busy_until, ages, queue = Page(), 0.0, [], []
    page.watch()
    for tick in range(600):
        page.now = 100 + tick / 60
        before = len(page.frames())
        page.stream.show(noise(tick))
        if len(page.frames()) > before:
            busy_until = max(busy_until, page.now) + 0.1
            queue.append((busy_until, page.frames()[-1][0]["number"], page.now))
        while queue and queue[0][0] <= page.now:
            arrived, number, drawn_at = queue.pop(0)
            ages.append(arrived - drawn_at)
            page.answer(number)
    assert 80 <= len(ages) <= 100
    assert max(ages) <= 0.22
    assert page.stream.pacing.level < LEVELS - 1, "frames get smaller on a slow link"


def test_quality_rises_again_on_a_fast_link():
    pacing = Pacing()
    for number in range(40):
        took, now = (0.5 if number < 10 else 0.01), number * 0.6
        pacing.sent(number, now)
        pacing.answered(number, now + took)
        if number == 9:
            assert pacing.level == 0
    assert pacing.level == LEVELS - 1


def test_pictures_go_on_slowly_while_a_kernel_cannot_hear_answers():
    page = Page(answering=lambda: False)
    page.watch()
    for tick in range(600):
        page.now = 100 + tick / 60
        page.stream.show(noise(tick))
    assert 18 <= len(page.frames()) <= 24, "two a second for ten seconds"
    assert page.stream.watched
    for tick in range(10_000):
        page.now += 0.5
        page.stream.show(noise(tick))
    assert len(page.frames()) < 700, "not for ever: they may be kept on the way"


# --- Pictures ---


def test_a_picture_that_moves_is_jpeg_and_once_it_is_still_every_pixel_is_there(page):
    still = noise(1)
    page.stream.show(noise(0))
    page.stream.show(still)
    page.answer()
    assert [about["format"] for about, _ in page.frames()] == ["image/jpeg"] * 2
    page.now += STILL_S / 2
    page.stream.show(still.copy())
    assert len(page.frames()) == 2
    assert not page.stream.still
    page.now += STILL_S
    page.stream.show(still.copy())
    about, content = page.frames()[-1]
    assert about["lossless"]
    assert np.array_equal(pixels(content), still)
    assert page.stream.still
    page.answer()
    page.now += 10
    page.stream.show(still.copy())
    assert len(page.frames()) == 3, "nothing is sent twice"
    page.stream.show(noise(2))
    assert page.frames()[-1][0]["format"] == "image/jpeg"


def test_jpeg_is_close_to_what_was_drawn(page):
    smooth = np.broadcast_to(np.linspace(20, 220, SIZE[0])[None, :, None], (SIZE[1], SIZE[0], 3))
    page.stream.show(smooth.astype(np.uint8))
    assert np.abs(pixels(page.frames()[0][1]).astype(int) - smooth).max() <= 6


def test_nothing_is_sent_to_a_page_that_cannot_be_seen():
    page = Page()
    page.stream.show(noise(0))
    assert page.frames() == []
    assert not page.stream.watched
    page.watch()
    page.stream.show(noise(0))
    page.watch(False)
    page.stream.show(noise(1))
    assert len(page.frames()) == 1


def test_a_page_that_is_opened_anew_gets_the_picture_again(page):
    for _ in range(2):
        page.stream.show(noise(0))
    page.stream.show(noise(1))
    page.watch()  # the answers to the two are not to come
    page.stream.show(noise(1))
    assert len(page.frames()) == 3
    assert page.stream.pacing.in_flight == 1


def test_a_browser_that_does_not_answer_any_more_is_not_drawn_for(page):
    page.stream.show(noise(0))
    page.now += 20
    assert not page.stream.watched
    page.watch()
    assert page.stream.watched


# --- The display ---


@pytest.mark.gpu
def test_what_was_drawn_arrives(open_streamed):
    page = Page()
    display = open_streamed((480, 270), page.stream)
    page.stream.receive({"type": "size", "width": 480, "height": 270, "ratio": 1})
    page.watch()
    rgb = drawn(display, a_viewer())
    page.now += 1
    assert drawn(display, a_viewer()) == rgb
    about, content = page.frames()[-1]
    assert about["lossless"]
    assert pixels(content).tobytes() == rgb


@pytest.mark.gpu
def test_a_panel_is_left_of_the_picture(open_streamed):
    page = Page()
    page.watch()
    display = open_streamed((60, 20), page.stream)
    sides = []
    for width, color in ((20, (0, 0, 1)), (40, (1, 0, 0))):
        sides.append(display.gl.framebuffer([display.gl.texture((width, 20), 4)]))
        sides[-1].clear(*color, 1.0)
    display.present(sides[1], sides[0])
    page.now += 1
    display.present(sides[1], sides[0])
    shown = pixels(page.frames()[-1][1])
    assert shown.shape == (20, 60, 3)
    assert shown[:, :20].tobytes() == picture_bytes(sides[0])
    assert shown[:, 20:].tobytes() == picture_bytes(sides[1])
