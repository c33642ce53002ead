"""Several pages that show one display: who controls, what is sent to whom, and how often it is encoded."""

import io
import time

import av
import numpy as np
import pytest
from PIL import Image

from valuescape.render.displays.events import Button, Edit, Move, Release
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.controlling import ANSWER_S, Controlling
from valuescape.render.displays.streaming.messages import Accepts, Control, Prefer
from valuescape.render.displays.streaming.pacing import GONE_S
from valuescape.render.displays.streaming.pictures import STILL_S
from valuescape.render.displays.streaming.seat import Newest, Seat
from valuescape.render.displays.streaming.video import CODECS

SIZE = 64, 36


class Page:
    """A page at the other end of an audience; answers frames when a test has it do so."""

    def __init__(self, audience, *, watches=True, accepts=None):
        self.audience, self.got = audience, []
        self.owed = []
        self.number = audience.join(self.take)
        if accepts:
            self.send({"type": "accepts", "codecs": list(accepts), "prefer": "video"})
        if watches:
            self.send({"type": "watching", "on": True})

    def take(self, content, more):
        self.got.append((dict(content), more))
        if content["type"] == "frame":
            self.owed.append(content["number"])

    def send(self, message):
        self.audience.receive(self.number, message)

    def happened(self, number, *events):
        self.send({"type": "events", "number": number, "events": list(events)})

    def answer(self):
        while self.owed:
            self.send({"type": "shown", "frame": self.owed.pop(0)})

    def of(self, kind):
        return [(said, more) for said, more in list(self.got) if said["type"] == kind]


class Clock:
    """A clock that stands still, so that no picture becomes one that stays by itself."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def audience(clock):
    with Audience(SIZE, "0.0", clock) as audience:
        yield audience


def noise(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)


def until(ready, seconds=10):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.002)


def show(audience, pixels, pages):
    """Show a picture, and wait until every page that answers has it."""
    counts = [len(page.of("frame")) for page in pages]
    audience.show(pixels)
    until(lambda: all(len(page.of("frame")) > n for page, n in zip(pages, counts, strict=True)))
    for page in pages:
        page.answer()


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)))


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
    assert [len(page.of("frame")) for page in pages] == [5] * 10


def test_a_page_that_does_not_answer_gets_two_frames_and_holds_up_nobody(audience, clock):
    deaf, page = Page(audience), Page(audience)
    for seed in range(6):
        show(audience, noise(seed), [page])
    assert len(deaf.of("frame")) == 2
    assert len(page.of("frame")) == 6
    assert audience.silent() == []
    clock.now += GONE_S + 1
    assert audience.silent() == [deaf.number]


def test_a_picture_that_stays_comes_without_loss_and_once(audience, clock):
    page = Page(audience)
    show(audience, noise(0), [page])
    audience.show(noise(0))
    time.sleep(0.1)
    assert len(page.of("frame")) == 1
    clock.now += STILL_S
    audience.show(noise(0))
    until(lambda: len(page.of("frame")) == 2)
    page.answer()
    (said, content) = page.of("frame")[-1]
    assert said["lossless"]
    assert np.array_equal(pixels_of(content), noise(0))
    assert audience.still
    clock.now += 1
    audience.show(noise(0))
    time.sleep(0.1)
    assert len(page.of("frame")) == 2


def test_a_page_that_comes_later_gets_the_picture_that_there_is(audience):
    first = Page(audience)
    show(audience, noise(0), [first])
    second = Page(audience)
    until(lambda: second.of("frame"))
    assert audience.encoded == 1, "it is kept for as long as it is the newest"


def test_a_small_page_gets_small_pictures(audience):
    first, small = Page(audience, watches=False), Page(audience)
    first.send({"type": "size", "width": 640, "height": 360, "ratio": 1})
    small.send({"type": "size", "width": 200, "height": 113, "ratio": 1})
    show(audience, noise(0, (640, 360)), [small])
    assert pixels_of(small.of("frame")[-1][1]).shape == (120, 214, 3)


def test_a_frame_says_which_events_it_shows(audience):
    page = Page(audience)
    page.happened(7, ["move", 0.5, 0.5])
    audience.take_events()
    page.happened(8, ["move", 0.5, 0.5])
    show(audience, noise(0), [page])
    assert page.of("frame")[-1][0]["heard"] == 7


def test_what_breaks_the_encoder_is_told_to_the_thread_that_draws(audience):
    Page(audience)
    audience.show(np.zeros((4, 4, 7), np.uint8))
    until(lambda: audience._sending._error)
    with pytest.raises(TypeError):
        audience.show(noise(0))


# --- Video ---


def moving(step, size=(320, 180)):
    rows, columns = np.mgrid[: size[1], : size[0]]
    return np.stack([(columns + 3 * step) % 256, rows, 0 * rows + 90], axis=2).astype(np.uint8)


def decoded(codec, frames):
    """Return the pictures of a video from its first frame on, as a browser decodes them."""
    decoder = av.CodecContext.create("h264" if codec.startswith("avc1") else "vp8", "r")
    decoder.thread_count = 1
    pictures = []
    for _, content in frames:
        pictures += decoder.decode(av.Packet(content))
    pictures += decoder.decode(None)
    return [each.to_ndarray(format="rgb24") for each in pictures]


@pytest.mark.parametrize("codec", CODECS)
def test_a_page_that_decodes_video_gets_one_that_can_be_decoded(audience, codec):
    page = Page(audience, accepts=[codec])
    for step in range(8):
        show(audience, moving(step), [page])
    frames = page.of("frame")
    assert [said["format"] for said, _ in frames] == [f"video/{codec}"] * 8
    assert [said["key"] for said, _ in frames] == [True] + [False] * 7
    pictures = decoded(codec, frames)
    assert len(pictures) == 8
    for step, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - moving(step)).mean() < 20
        assert np.abs(picture.astype(int) - moving(step + 40)).mean() > 30, "it is this picture, no other"


def test_a_page_that_comes_into_a_video_gets_pictures_until_it_can_begin(audience):
    codec = next(iter(CODECS))
    first = Page(audience, accepts=[codec])
    for step in range(2):
        show(audience, moving(step), [first])
    second = Page(audience, accepts=[codec])
    until(lambda: second.of("frame"))
    second.answer()
    for step in range(2, 5):
        show(audience, moving(step), [first, second])
    assert {said["format"] for said, _ in second.of("frame")} == {"image/jpeg"}
    time.sleep(1.0)  # a frame that can be decoded alone is not made more often
    for step in range(5, 8):
        show(audience, moving(step), [first, second])
    begun = [frame for frame in second.of("frame") if frame[0]["format"].startswith("video")]
    assert begun[0][0]["key"]
    assert len(decoded(codec, begun)) == len(begun) == 3


def test_a_video_begins_anew_with_another_size(audience):
    page = Page(audience, accepts=CODECS)
    show(audience, moving(0), [page])
    show(audience, moving(1, (200, 101)), [page])
    said, _ = page.of("frame")[-1]
    assert (said["key"], said["width"], said["height"]) == (True, 200, 100)


def test_a_slow_link_gets_video_for_a_while_and_each_time_for_longer():
    seat = Seat(lambda *_: None)
    seat.visible, seat.accepts = True, Accepts(("vp8",), Prefer.AUTO)
    version, now, forms = 0, 100.0, []
    while now < 200:
        version, now = version + 1, now + 0.5
        newest = Newest((1280, 720), version, now)
        kind = seat.wants(newest, now)
        forms.append((kind.form, now))
        seat.sent(version, newest, lossless=False, now=now)
        seat.pacing.answered(version, now + (0.3 if kind.form == "jpeg" else 0.01))
    changes = [
        (form, now) for (form, now), (before, _) in zip(forms[1:], forms, strict=False) if form != before
    ]
    assert [form for form, _ in changes] == ["vp8", "jpeg", "vp8", "jpeg", "vp8"]
    times = [now for _, now in changes]
    assert times[1] - times[0] == pytest.approx(30, abs=1)
    assert times[3] - times[2] == pytest.approx(60, abs=1)
    assert 2 <= times[2] - times[1] < 5


def test_without_the_codec_there_are_pictures(audience, monkeypatch):
    from valuescape.render.displays.streaming import video

    monkeypatch.setattr(video, "CODECS", {name: ("no such encoder", {}) for name in CODECS})
    page = Page(audience, accepts=CODECS)
    show(audience, moving(0), [page])
    assert page.of("frame")[-1][0]["format"] == "image/jpeg"
