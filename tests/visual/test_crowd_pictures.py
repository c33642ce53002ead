"""A crowd looks like the trails that it stands for; the heading tells what is left out."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording, spirals, with_breaks
from test_switches import apart, blurred, changed

from valuescape.render.scene.trails import Thinned

pytestmark = pytest.mark.gpu

ONE = "lod.segment_budget=70"
"""Segments of one individual's 64 samples."""


def whole_and_crowd(gl, source, size=(1280, 720), **view):
    """Return the picture with every trail drawn, the picture with one, and what that one leaves out."""
    shots = []
    for budget in ("lod.segment_budget=0", ONE):
        with studio(gl, source, budget, "agents.size_px=0.01", size=size) as camera:
            camera.scene.keep_to_budget(70, 1.0, 1.0)
            shots.append(camera.shoot(**view))
            thinned = camera.scene.trails.thinned
    return *shots, thinned


@pytest.mark.parametrize("flat", [True, False], ids=["map", "height field"])
@pytest.mark.parametrize("broken", [False, True], ids=["smooth", "broken"])
def test_a_crowd_of_trails_apart_looks_like_them(gl, flat, broken):
    """As wide as they are, as bright, and where they are: 3 pixels in 1,000 change so that it shows."""
    drawn, crowd, thinned = whole_and_crowd(gl, apart(broken), flat=flat)
    assert thinned == Thinned(1, 63)
    rmse, share = changed(drawn, crowd)
    assert 0.5 < rmse < 3
    assert share < 0.005
    assert np.abs(blurred(drawn, 15) - blurred(crowd, 15)).max() < 30


def test_a_dense_crowd_covers_as_much_of_the_map(gl):
    """Or a little less: where trails lie on each other, they don't add up, and faded ends are not seen."""
    drawn, crowd, _ = whole_and_crowd(gl, Recording(*with_breaks(spirals(300, 64, seed=5))), flat=True)
    bare, _, _ = whole_and_crowd(gl, Recording(np.full((64, 300, 2), 99, np.float32)), flat=True)
    assert changed(drawn, bare)[0] > 1.5 * changed(drawn, crowd)[0]
    covered = [(np.abs(picture - bare).max(axis=2) > 16).mean() for picture in (drawn, crowd)]
    assert 0.7 < covered[1] / covered[0] < 1.05


def test_a_crowd_is_drawn_with_the_surface(gl):
    """In the same four draw calls, however many agents it has."""
    with studio(gl, Recording(spirals(2000, 8)), ONE) as camera:
        camera.shoot(flat=False)
        assert camera.meter.draw_calls == 4


def test_nothing_is_left_out_where_all_have_a_trail(gl):
    *_, thinned = whole_and_crowd(gl, Recording(spirals(1, 64)), size=(320, 180))
    assert thinned is None
