"""The picture of a start: its text fits, and lies over what was there."""

import numpy as np
import pytest

from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.scene.waiting import WaitingPicture

pytestmark = pytest.mark.gpu

STEPS = [
    ("starting the simulation", 0.9),
    ("compiling the simulation for this machine (first time only)", 12.3),
]


@pytest.mark.parametrize(
    ("size", "scale"), [((400, 300), 1), ((1280, 720), 1), ((3840, 2160), 2), ((900, 700), 3)]
)
def test_the_picture_of_a_start_fits(size, scale, monkeypatch):
    """Every piece of text is within the picture, and no two glyphs lie over each other."""
    display = HeadlessDisplay(size)
    picture = WaitingPicture(display.gl, scale)
    given = []
    monkeypatch.setattr(picture._renderer, "upload", given.append)
    try:
        picture.draw(size, "Valuescape: mountain car", STEPS, "Esc: back to the run as it was")
        quads = given[0]
        glyphs = quads[quads["kind"] == 1]
        low, high = glyphs["corner"], glyphs["corner"] + glyphs["right"] + glyphs["down"]
        assert len(glyphs) > 80
        assert low.min() >= 0
        assert (high <= size).all()
        overlaps = ((low[:, None] + scale < high[None]) & (high[:, None] - scale > low[None])).all(axis=2)
        assert overlaps.sum() == len(glyphs)  # each with itself
    finally:
        picture.release()
        display.release()


def test_the_picture_of_a_start_is_over_what_was_there(tmp_path):
    display = HeadlessDisplay((300, 200))
    picture = WaitingPicture(display.gl, 1)
    behind = display.gl.framebuffer([display.gl.texture((300, 200), 4)])
    behind.clear(1.0, 1.0, 1.0, 1.0)
    try:
        for given, expected in ((behind, (120, 150)), (None, (0, 40))):
            picture.draw((300, 200), "title", STEPS, "hint", given)
            corner = np.frombuffer(picture.picture.read(components=3), np.uint8).reshape(200, 300, 3)[0, 0]
            assert expected[0] <= corner.min() <= corner.max() <= expected[1]
        picture.draw((320, 200), "title", STEPS, "hint", behind)  # of another size
        assert picture.picture.size == (320, 200)
        assert display.gl.error == "GL_NO_ERROR"
    finally:
        picture.release()
        display.release()
