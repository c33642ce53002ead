"""Trails summed by a compute shader look as ribbons do, within bounds that are stated here."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording, spirals, with_breaks

pytestmark = pytest.mark.gpu

SIZE = (480, 270)
WAYS = {
    "map": {"flat": True},
    "height field": {"flat": False},
    "near": {"flat": False, "distance": 0.9, "pitch": 8.0},
}


def both(gl, source, *settings, **view):
    """Return the pictures by the rasteriser and by the compute shader, and one without trails."""
    shots = []
    for more in (("trails.renderer=raster",), ("trails.renderer=compute",), ("trails.opacity=0",)):
        with studio(gl, source, *settings, *more, "agents.size_px=1", size=SIZE) as camera:
            shots.append(camera.shoot(**view))
    return shots


def apart():
    """Circles around one another: trails that do not cross."""
    t = np.linspace(0, 5.5, 64)[:, None]
    radius = np.linspace(0.3, 1.8, 8)
    return Recording(np.stack([radius * np.cos(t), radius * np.sin(t)], axis=2))


@pytest.mark.parametrize("view", WAYS)
@pytest.mark.parametrize("width", [1, 4])
def test_trails_that_do_not_cross_are_the_same(gl, view, width):
    raster, compute, without = both(gl, apart(), f"trails.width_px={width}", **WAYS[view])
    drawn = np.count_nonzero(np.abs(raster - without).max(axis=2) > 8)
    off = np.abs(raster - compute).max(axis=2)
    assert drawn > 1500
    # Bends of wide ribbons overlap themselves; where a hill hides a trail, depths are rounded otherwise.
    assert np.count_nonzero(off > 3) <= 0.004 * drawn
    assert np.count_nonzero(off > 1) <= 0.02 * drawn


@pytest.mark.parametrize("view", WAYS)
def test_trails_that_cross_differ_in_their_order_alone(gl, view):
    crowd = Recording(*with_breaks(spirals(300, 64, seed=5)))
    raster, compute, without = both(gl, crowd, **WAYS[view])
    assert np.abs(raster - without).mean() > 3
    assert np.abs(raster - compute).mean() < 1
    assert np.percentile(np.abs(raster - compute).max(axis=2), 99) < 24


def test_trails_on_each_other_hide_as_much_as_layers(gl):
    """Layers of opacity a leave (1 - a)^n of the map, whatever their order."""
    line = np.linspace([-1.5, -1.5], [1.5, 1.2], 8)
    looks = ("trails.width_px=15", "trails.length=4096", "agents.size_px=1")  # so long that none fades
    shots = []
    for count, opacity in ((1, 0), (1, 1), (20, 0.1)):
        crowd, more = Recording(np.repeat(line[:, None], count, axis=1)), f"trails.opacity={opacity}"
        with studio(gl, crowd, *looks, more, "trails.renderer=compute", size=SIZE) as camera:
            shots.append(camera.shoot(flat=True))
    ground, opaque, layers = shots
    inside = np.abs(opaque - ground).max(axis=2) > 60
    left = (1 - 0.1) ** 20
    expected = left * ground + (1 - left) * opaque
    assert np.count_nonzero(inside) > 800
    assert np.percentile(np.abs(layers - expected)[inside], 75) <= 2  # the rest is the edges


def test_trails_summed_twice_give_the_same_picture(gl):
    crowd = Recording(spirals(300, 64, seed=5))
    with studio(gl, crowd, "trails.renderer=compute", size=SIZE) as camera:
        np.testing.assert_array_equal(camera.shoot(flat=True), camera.shoot(flat=True))


def test_maps_side_by_side_have_the_same_trails(gl):
    views = {"flat": True, "beside": "density"}
    raster, compute, without = both(gl, apart(), **views)
    for half in (slice(0, 240), slice(240, 480)):
        assert np.abs(raster - without)[:, half].mean() > 0.2
        assert np.abs(raster - compute)[:, half].mean() < 0.02
