"""Pages that decode video: when they get one, and that it can be decoded."""

import time

import av
import numpy as np
import pytest
from audiences import Page, audience, clock, show, until

from valuescape.render.displays.streaming.messages import Accepts, Prefer
from valuescape.render.displays.streaming.seat import Newest, Seat
from valuescape.render.displays.streaming.video import CODECS

__all__ = ["audience", "clock"]


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
    frames = page.frames()
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
    until(lambda: second.frames())
    second.answer()
    for step in range(2, 5):
        show(audience, moving(step), [first, second])
    assert {said["format"] for said, _ in second.frames()} == {"image/jpeg"}
    time.sleep(1.0)  # a frame that can be decoded alone is not made more often
    for step in range(5, 8):
        show(audience, moving(step), [first, second])
    begun = [frame for frame in second.frames() if frame[0]["format"].startswith("video")]
    assert begun[0][0]["key"]
    assert len(decoded(codec, begun)) == len(begun) == 3


def test_a_video_begins_anew_with_another_size(audience):
    page = Page(audience, accepts=CODECS)
    show(audience, moving(0), [page])
    show(audience, moving(1, (200, 101)), [page])
    said, _ = page.frames()[-1]
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
    assert page.frames()[-1][0]["format"] == "image/jpeg"
