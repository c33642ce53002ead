"""Colour scales of two maps side by side: one for both, or one each."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import SIZE, studio
from recording import Recording, spirals

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import Input, MapLayer
from valuescape.gpu.layers.registry import MapRegistry
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE

pytestmark = pytest.mark.gpu

FIRST = MapLayer(
    name="first",
    title="first",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    colormap="magma",
    quantity="return",
)
SECOND = replace(FIRST, name="second", title="second", colormap="gray")
OTHER = replace(FIRST, name="other", title="other", quantity="ticks")
FOLLOWER = replace(FIRST, name="follower", scale_of="value")
RAMP = np.linspace(0, 1, 64, dtype=np.float32)[None] * np.ones((64, 1), np.float32)


@pytest.fixture
def camera(gl):
    maps = MapRegistry((VALUE, DENSITY, FIRST, SECOND, OTHER, FOLLOWER))
    settings = ["trails.opacity=0", "heatmap.contours=0"]
    with studio(gl, Recording(spirals(2, 4)), *settings, maps=maps) as camera:
        camera.scene.put_map("first", 10 * RAMP)  # 0 to 10
        camera.scene.put_map("second", 20 * RAMP - 5)  # -5 to 15
        camera.scene.put_map("other", 20 * RAMP - 5)
        yield camera


def ends(camera, left, right, linked=True):
    fields = camera.scene.fields
    pictures = fields.resolve_both(left, right, linked=linked)
    fields.show(*pictures)
    return [(bar.low, bar.high) for (bar,) in map(fields.bars, pictures)]


def test_linked_maps_have_one_scale_that_holds_both(camera):
    assert ends(camera, "first", "second") == [(-5, 15), (-5, 15)]
    assert ends(camera, "first", "second", linked=False) == [(0, 10), (-5, 15)]
    camera.scene.put_map("first", 30 * RAMP)
    assert ends(camera, "first", "second") == [(-5, 30), (-5, 30)]


def test_a_joint_scale_follows_its_maps(camera):
    assert ends(camera, "first", "second")[0] == (-5, 15)
    camera.scene.put_map("second", 40 * RAMP)
    bars = camera.scene.fields.bars(camera.scene.fields.resolve_both("first", "second", linked=True)[0])
    assert (bars[0].low, bars[0].high) == (0, 40)


def test_maps_of_different_quantities_keep_their_scales(camera):
    assert ends(camera, "first", "other") == [(0, 10), (-5, 15)]


def test_equal_values_have_equal_colours_where_scales_are_linked(camera):
    """At value 5: the middle of both maps, the middle of the joint scale, and of the first one's own."""
    plot, half = camera.scene.plot(split=True), SIZE[0] // 2
    middle = round(plot.top + plot.height / 5), round(plot.left + plot.width / 2)
    quarter = round(plot.left + plot.width / 4)
    colors = {}
    for linked in (True, False):
        picture = camera.shoot(layer="first", beside="second", linked=linked, labels_shown=False)
        at = middle[0]
        colors[linked] = [picture[at, middle[1]], picture[at, half + middle[1]], picture[at, half + quarter]]
    left, right, lower = colors[True]
    assert np.abs(left - right).max() <= 3
    assert np.abs(left - lower).max() > 20
    left, right, _ = colors[False]
    assert np.abs(left - right).max() > 20  # magma and gray


def test_maps_that_share_a_scale_have_their_own_if_they_are_not_linked(camera):
    camera.scene.put_map("follower", 100 * RAMP)
    (low, high), followed = ends(camera, "value", "follower", linked=False)
    assert followed == (0, 100)
    assert high < 10
    assert ends(camera, "value", "follower") == [(low, 100)] * 2
    assert ends(camera, "follower", "value", linked=False) == [(0, 100), (low, high)]


def test_value_s_colours_win_where_it_is_one_of_two(camera):
    left, right = camera.scene.fields.resolve_both("first", "value", linked=True)
    assert left.colored_as is right.colored_as is VALUE
