"""A display on a page: what was drawn arrives, also over a link that is slow, or loses answers."""

import numpy as np
import pytest
from audiences import SIZE, Page, audience, clock, noise, pixels_of, send, show, until
from screens import open_streamed, opened
from small_scene import a_viewer, drawn

from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.events import Button, Move, Press, Scroll
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pacing import LEVELS, MOST_IN_FLIGHT, Pacing
from valuescape.render.displays.streaming.pictures import as_jpeg

__all__ = ["audience", "clock", "open_streamed", "opened"]


def test_events_come_in_pixels_of_the_picture_in_their_order(audience):
    page = Page(audience)
    page.send({"type": "size", "width": 400, "height": 200, "ratio": 2})
    events = [["move", 0.5, 0.25], ["press", "left", 0.5, 0.25, True], ["scroll", 2, 0.0, 1.0]]
    page.happened(3, *events)
    expected = [Move(400, 100), Press(Button.LEFT, 400, 100, True), Scroll(2, 0, 400)]
    assert audience.take_events() == expected
    assert page.of("heard") == [({"type": "heard", "number": 3}, None)]
    assert audience.take_events() == []
    assert len(page.of("heard")) == 1, "what was heard is said once"


def test_jpeg_is_close_to_what_was_drawn():
    smooth = np.broadcast_to(np.linspace(20, 220, SIZE[0])[None, :, None], (SIZE[1], SIZE[0], 3))
    shown = pixels_of(as_jpeg(smooth.astype(np.uint8), LEVELS - 1).content)
    assert np.abs(shown.astype(int) - smooth).max() <= 6


# --- Slow links, and answers that are lost ---


def test_a_slow_link_drops_frames_and_does_not_lag(audience, clock):
    """A link that takes 10 frames a second one after the other; 60 are drawn. The eye sees no old picture."""
    page, busy_until, ages, queue = Page(audience), 0.0, [], []
    for tick in range(300):
        clock.now = 100 + tick / 60
        if audience.ready:
            send(audience, noise(tick), [page])
            busy_until = max(busy_until, clock.now) + 0.1
            queue.append((busy_until, page.owed.pop(), clock.now))
        while queue and queue[0][0] <= clock.now:
            arrived, number, drawn_at = queue.pop(0)
            ages.append(arrived - drawn_at)
            page.send({"type": "shown", "frame": number})
    assert 40 <= len(ages) <= 50
    assert max(ages) <= 0.22
    sizes = [len(content) for _, content in page.frames()]
    assert sizes[-1] < 0.8 * sizes[0], "frames get smaller on a slow link"


def test_quality_rises_again_on_a_fast_link():
    pacing = Pacing()
    for number in range(40):
        took, now = (0.5 if number < 10 else 0.01), number * 0.6
        pacing.sent(number, now)
        pacing.answered(number, now + took)
        if number == 9:
            assert pacing.level == 0
    assert pacing.level == LEVELS - 1


def test_an_answer_that_was_lost_holds_up_nothing(audience, clock):
    page = Page(audience, answering=lambda: True)
    for seed in range(MOST_IN_FLIGHT):
        send(audience, noise(seed), [page])
    page.send({"type": "shown", "frame": page.owed[-1]})  # the one before was lost
    for seed in range(2, 4):  # neither of these is answered
        send(audience, noise(seed), [page])
    clock.now += 2
    assert not audience.ready
    clock.now += 2
    assert audience.ready, "another one is tried"
    send(audience, noise(5), [page])
    assert not audience.ready


def test_pictures_go_on_slowly_while_a_kernel_cannot_hear_answers(audience, clock):
    page = Page(audience, answering=lambda: False)
    for tick in range(600):
        clock.now = 100 + tick / 60
        if audience.ready:
            send(audience, noise(tick), [page])
    assert 18 <= len(page.frames()) <= 24, "two a second for ten seconds"
    assert audience.watched
    assert audience.silent() == []


def test_a_side_that_never_answers_gets_no_frames_for_ever():
    """They may be kept on the way."""
    pacing, sent = Pacing(probing=True), 0
    for number in range(2000):
        if pacing.may_send(number / 2, answering=False):
            pacing.sent(number, number / 2)
            sent += 1
    assert 500 < sent < 700


# --- Pages that come and go ---


def test_nothing_is_drawn_for_a_page_that_cannot_be_seen(audience):
    page = Page(audience, watches=False)
    assert not audience.watched
    assert not audience.ready
    page.watch()
    assert audience.watched
    show(audience, noise(0), [page])
    page.watch(False)
    assert not audience.ready


def test_a_page_that_is_opened_anew_gets_the_picture_again(audience):
    page = Page(audience)
    for seed in range(2):
        send(audience, noise(seed), [page])
    page.watch()  # the answers to the two are not to come
    until(lambda: len(page.frames()) == 3)
    assert np.abs(pixels_of(page.frames()[-1][1]).astype(int) - noise(1)).mean() < 30
    assert audience.ready, "one is in flight"


def test_a_page_that_does_not_answer_any_more_is_not_drawn_for(audience, clock):
    page = Page(audience)
    send(audience, noise(0), [page])
    clock.now += 20
    assert not audience.watched
    page.watch()
    assert audience.watched


# --- The display ---


@pytest.fixture
def played():
    """An audience with the time of the world, and its page."""
    with Audience((480, 270)) as audience:
        page = Page(audience)
        yield audience, page


def without_loss(page):
    """Return the newest picture that came without loss; waits for it."""
    until(lambda: any(about["lossless"] for about, _ in page.frames()))
    return next(pixels_of(content) for about, content in reversed(page.frames()) if about["lossless"])


@pytest.mark.gpu
def test_what_was_drawn_arrives(open_streamed, played):
    audience, page = played
    display = open_streamed((480, 270), audience)
    page.send({"type": "size", "width": 480, "height": 270, "ratio": 1})
    rgb = drawn(display, a_viewer())
    until(page.frames)
    page.answer()
    assert without_loss(page).tobytes() == rgb


@pytest.mark.gpu
def test_a_panel_is_left_of_the_picture(open_streamed, played):
    audience, page = played
    display = open_streamed((60, 20), audience)
    sides = []
    for width, color in ((20, (0, 0, 1)), (40, (1, 0, 0))):
        sides.append(display.gl.framebuffer([display.gl.texture((width, 20), 4)]))
        sides[-1].clear(*color, 1.0)
    display.present(sides[1], sides[0])
    shown = without_loss(page)
    assert shown.shape == (20, 60, 3)
    assert shown[:, :20].tobytes() == picture_bytes(sides[0])
    assert shown[:, 20:].tobytes() == picture_bytes(sides[1])
