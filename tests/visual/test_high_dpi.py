"""On a screen with twice as many pixels an inch, the same picture, sharper."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording, spirals

from valuescape.render.overlay.labels import Heading

pytestmark = pytest.mark.gpu

SIZE = (800, 450)


def halved(picture):
    """Return the mean of every 2 x 2 pixels."""
    height, width, _ = picture.shape
    return picture.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))


def test_twice_the_pixels_show_the_same(gl):
    """Lines, marks and text are as large as before, in logical pixels.

    On the height field, which moves aside by a pixel or two with the sizes that a font comes in.
    """
    source, heading = Recording(spirals(20, 32)), Heading(("Valuescape",), ("60 fps",))
    shots, middles = [], []
    for scale in (1, 2):
        size = SIZE[0] * scale, SIZE[1] * scale
        with studio(gl, source, size=size, scale=scale) as camera:
            shots.append(camera.shoot(heading, flat=False, labels_shown=False))
            middles.append(camera.scene.plot().right / 2)
    aside = round(2 * middles[0] - middles[1])
    assert abs(aside) < 8
    once, twice = shots[0], halved(np.roll(shots[1], aside, axis=1))
    left = [image[:, :600] for image in (once, twice)]  # of the colour bar
    blurred = [image.reshape(45, 10, 60, 10, 3).mean(axis=(1, 3)) for image in left]
    change = np.abs(blurred[0] - blurred[1]).max(axis=2)
    # Numbers of the axes may be a pixel further; trails half as wide again would make it 3.6.
    assert np.quantile(change, 0.95) < 2.7
    assert np.quantile(change, 0.99) < 14
    marks = [(image.min(axis=2) > 200).mean() for image in (once, twice)]
    assert marks[1] == pytest.approx(marks[0], rel=0.35)
