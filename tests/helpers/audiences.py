"""Pages of an audience that a test plays, by a clock that stands still."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from valuescape.render.displays.streaming.audience import Audience

SIZE = 64, 36


class Page:
    """A page at the other end of an audience; answers frames when a test has it do so."""

    def __init__(self, audience, *, watches=True, accepts=None, answering=None):
        self.audience, self.got = audience, []
        self.owed = []
        self.number = audience.join(self.take, answering)
        if accepts:
            self.send({"type": "accepts", "codecs": list(accepts), "prefer": "video"})
        if watches:
            self.watch()

    def take(self, content, more):
        self.got.append((dict(content), more))
        if content["type"] == "frame":
            self.owed.append(content["number"])

    def send(self, message):
        self.audience.receive(self.number, message)

    def watch(self, on=True):
        self.send({"type": "watching", "on": on})

    def happened(self, number, *events):
        self.send({"type": "events", "number": number, "events": list(events)})

    def answer(self):
        while self.owed:
            self.send({"type": "shown", "frame": self.owed.pop(0)})

    def of(self, kind):
        return [(said, more) for said, more in list(self.got) if said["type"] == kind]

    def frames(self):
        return self.of("frame")


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
    with Audience(SIZE, clock) as audience:
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
    send(audience, pixels, pages)
    for page in pages:
        page.answer()


def send(audience, pixels, pages):
    """Show a picture, and wait until the pages have it; they do not answer."""
    counts = [len(page.frames()) for page in pages]
    audience.show(pixels)
    until(lambda: all(len(page.frames()) > n for page, n in zip(pages, counts, strict=True)))


def pixels_of(content):
    return np.asarray(Image.open(io.BytesIO(content)))
