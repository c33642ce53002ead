"""Several pages that show one display: who controls, what is sent to whom, and how often it is encoded."""

import gc
import time
import weakref

import numpy as np
import pytest
from audiences import SIZE, Page, audience, clock, noise, pixels_of, show, until

from valuescape.render.displays.events import Button, Edit, Move, Release
from valuescape.render.displays.streaming.controlling import ANSWER_S, Controlling
from valuescape.render.displays.streaming.messages import Control
from valuescape.render.displays.streaming.pacing import GONE_S
from valuescape.render.displays.streaming.pictures import STILL_S

__all__ = ["audience", "clock"]


# --- Control ---


def test_one_controls_and_what_others_do_is_passed_over(audience):
    first, second = Page(audience), Page(audience)
    for page in first, second:
        page.happened(5, ["move", 0.25, 0.5])
        page.send({"type": "request", "name": "pause" if page is first else "quit"})
    assert audience.take_events() == [Move(16, 18)]
    assert [each.content["name"] for each in audience.take_wishes()] == ["pause"]
    assert [page.of("heard")[-1][0]["number"] for page in (first, second)] == [5, 5], "both may send more"
    assert [page.of("role")[-1][0]["controls"] for page in (first, second)] == [True, False]


def test_the_page_that_controls_says_how_large_the_picture_is(audience):
    first, second = Page(audience), Page(audience)
    second.send({"type": "size", "width": 100, "height": 50, "ratio": 1})
    assert audience.size_px == SIZE
    first.send({"type": "size", "width": 300, "height": 200, "ratio": 2})
    assert (audience.size_px, audience.pixel_scale) == ((600, 400), 2)
    audience.limit_ratio(1)
    assert (audience.size_px, audience.pixel_scale) == ((300, 200), 1)
    audience.leave(first.number)
    assert audience.size_px == (100, 50)


def test_pictures_as_files_are_made_once_a_second_for_all_that_ask(audience, clock):
    pages = [Page(audience) for _ in range(3)]
    for page in pages[:2] * 5:
        page.send({"type": "picture"})
    assert audience.take_pictures_wanted() == [1, 2]
    pages[2].send({"type": "picture"})
    clock.now += 0.9
    assert audience.take_pictures_wanted() == []
    pages[0].send({"type": "picture"})
    clock.now += 0.1
    assert audience.take_pictures_wanted() == [1, 3]
    clock.now += 10
    assert audience.take_pictures_wanted() == []


def test_what_a_page_held_is_let_go_when_it_leaves(audience):
    first, second = Page(audience), Page(audience)
    first.happened(1, ["press", "left", 0.5, 0.5, False], ["key", "Shift", "ShiftLeft", True, True, False])
    audience.take_events()
    audience.leave(first.number)
    second.happened(1, ["move", 0.0, 0.0])
    assert audience.take_events() == [Release(Button.LEFT, 32, 18), Edit("shift", down=False), Move(0, 0)]


def said_to(controlling, viewer):
    return [said["type"] for to, said in controlling.take_news() if to == viewer]


@pytest.fixture
def three():
    controlling = Controlling()
    for viewer in 1, 2, 3:
        controlling.join(viewer)
    controlling.take_news()
    return controlling


@pytest.mark.parametrize(
    ("answer", "then"), [(Control.GIVE, 2), (Control.REFUSE, 1), (None, 2)], ids=["given", "refused", "none"]
)
def test_another_takes_over_unless_it_is_refused_in_time(three, answer, then):
    three.say(2, Control.ASK, 10.0)
    assert said_to(three, 1) == ["asked"]
    if answer:
        three.say(3, Control.GIVE, 10.0)  # is not asked
        three.say(1, answer, 11.0)
    three.look(10.0 + ANSWER_S - 0.1)
    assert three.controller == (1 if answer is None else then)
    three.look(10.0 + ANSWER_S)
    assert three.controller == then
    assert "answered" in said_to(three, 2)


def test_one_that_was_refused_waits_before_it_asks_again(three):
    three.say(2, Control.ASK, 10.0)
    three.say(1, Control.REFUSE, 10.1)
    three.take_news()
    three.say(2, Control.ASK, 10.2)
    assert said_to(three, 1) == []
    three.say(2, Control.ASK, 10.2 + ANSWER_S)
    assert said_to(three, 1) == ["asked"]


def test_one_that_leaves_is_replaced_at_once_by_the_one_that_asks(three):
    three.say(3, Control.ASK, 10.0)
    three.leave(1)
    assert three.controller == 3
    three.leave(3)
    assert three.controller == 2
    three.leave(2)
    assert three.controller is None
    three.join(4)
    assert three.controller == 4


def test_a_page_that_nobody_sees_is_not_waited_for(audience):
    first, second = Page(audience), Page(audience)
    first.send({"type": "watching", "on": False})
    second.send({"type": "control", "do": "ask"})
    assert second.of("role")[-1][0]["controls"]


# --- Frames ---


def test_ten_pages_cost_one_encoding(audience):
    pages = [Page(audience) for _ in range(10)]
    for seed in range(5):
        show(audience, noise(seed), pages)
    assert audience.encoded == 5
    assert [len(page.frames()) for page in pages] == [5] * 10


def test_a_page_that_does_not_answer_gets_two_frames_and_holds_up_nobody(audience, clock):
    deaf, page = Page(audience), Page(audience)
    for seed in range(6):
        show(audience, noise(seed), [page])
    assert len(deaf.frames()) == 2
    assert len(page.frames()) == 6
    assert audience.silent() == []
    clock.now += GONE_S + 1
    assert audience.silent() == [deaf.number]


def test_a_picture_that_stays_comes_without_loss_and_once(audience, clock):
    page = Page(audience)
    show(audience, noise(0), [page])
    assert page.frames()[-1][0]["format"] == "image/jpeg"
    audience.show(noise(0))
    time.sleep(0.1)
    assert len(page.frames()) == 1
    clock.now += STILL_S
    audience.show(noise(0))
    until(lambda: len(page.frames()) == 2)
    page.answer()
    (said, content) = page.frames()[-1]
    assert said["lossless"]
    assert np.array_equal(pixels_of(content), noise(0))
    assert audience.still
    clock.now += 1
    audience.show(noise(0))
    time.sleep(0.1)
    assert len(page.frames()) == 2


def test_a_page_that_comes_later_gets_the_picture_that_there_is(audience):
    first = Page(audience)
    show(audience, noise(0), [first])
    second = Page(audience)
    until(lambda: second.frames())
    assert audience.encoded == 1, "it is kept for as long as it is the newest"


def test_a_small_page_gets_small_pictures(audience):
    first, small = Page(audience, watches=False), Page(audience)
    first.send({"type": "size", "width": 640, "height": 360, "ratio": 1})
    small.send({"type": "size", "width": 200, "height": 113, "ratio": 1})
    show(audience, noise(0, (640, 360)), [small])
    assert pixels_of(small.frames()[-1][1]).shape == (120, 214, 3)


def test_a_frame_says_which_events_it_shows(audience):
    page = Page(audience)
    page.happened(7, ["move", 0.5, 0.5])
    audience.take_events()
    page.happened(8, ["move", 0.5, 0.5])
    show(audience, noise(0), [page])
    assert page.frames()[-1][0]["heard"] == 7


def test_an_audience_that_has_ended_keeps_nothing(audience):
    page = Page(audience)
    show(audience, noise(0), [page])
    last = weakref.ref(audience._sending._pixels)
    audience.end()
    page.send({"type": "request", "name": "pause"})
    page.happened(3, ["move", 0.5, 0.25])
    assert audience.take_wishes() == audience.take_events() == []
    gc.collect()
    assert last() is None


def test_what_breaks_the_encoder_is_told_to_the_thread_that_draws(audience):
    Page(audience)
    audience.show(np.zeros((4, 4, 7), np.uint8))
    until(lambda: audience._sending._error)
    with pytest.raises(TypeError):
        audience.show(noise(0))
