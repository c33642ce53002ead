"""Truth and value on one colour scale, which also is the scale of the surface's height."""

import numpy as np
import pytest
from pictures import studio
from recording import Recording

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import MapLayer, MapPair
from valuescape.gpu.layers.registry import MapRegistry
from valuescape.gpu.layers.truth import ERROR, TRUTH
from valuescape.gpu.layers.value import VALUE

pytestmark = pytest.mark.gpu

PAIRS = MapPair("both", VALUE, DENSITY), MapPair("two", VALUE, TRUTH)
MAPS = MapRegistry((VALUE, DENSITY, TRUTH, ERROR, *PAIRS))


@pytest.fixture
def camera(gl, monkeypatch):
    """A camera on the point mass's hills, as if its run had a checkpoint."""
    monkeypatch.setattr("valuescape.gpu.layers.layer.MapLayer.available", lambda *_: True)
    nobody = Recording(np.full((2, 3, 2), 99, np.float32))
    with studio(gl, nobody, "trails.end_marks=false", "heatmap.contours=0", maps=MAPS) as camera:
        yield camera


def bar(camera, name):
    fields = camera.scene.fields
    (bar,) = fields.bars(fields.resolve(name))
    return bar


def test_the_scale_of_value_and_truth_holds_both(camera):
    """A truth within the value's range leaves the picture of the value as it is; one beyond it does not."""
    before, own = camera.shoot(layer="value"), bar(camera, "value")
    assert not camera.scene.fields.put("truth", np.float32([[own.low, own.high]]))
    assert (camera.shoot(layer="value") == before).all()
    assert camera.scene.fields.put("truth", np.float32([[own.low - 9, np.nan]]))
    moved, shared = bar(camera, "value"), bar(camera, "truth")
    assert (moved.low, moved.high) == pytest.approx((own.low - 9, own.high))
    assert (shared.row, shared.low, shared.high) == (moved.row, moved.low, moved.high)
    assert (camera.shoot(layer="value") != before).any()


def test_other_maps_keep_their_own_scale(camera):
    camera.shoot(layer="value")
    own = bar(camera, "value")
    assert not camera.scene.fields.put("error", np.float32([[-2, 99]]))
    assert (bar(camera, "value").low, bar(camera, "value").high) == (own.low, own.high)
    assert (bar(camera, "error").low, bar(camera, "error").high) == (-99, 99)


def test_the_surface_follows_a_scale_that_a_truth_moves(camera):
    """All of it is as high as the new scale says: the value is near its top now."""
    camera.shoot(flat=False, layer="value")
    low = camera.scene.points(np.float32([[-1, 0]]))[0, 2]
    camera.scene.put_map("truth", np.float32([[-100]]))
    after = camera.shoot(flat=False, layer="value")
    assert after.any()
    assert camera.scene.points(np.float32([[-1, 0]]))[0, 2] > low


def test_few_visits_are_said_and_shown(camera):
    """In every map but that of the visits."""
    plain, visits = camera.shoot(layer="value"), camera.shoot(layer="density")
    camera.looks = camera.looks.having("insight.min_visits", 5)
    faded = camera.shoot(layer="value")
    spread = [np.ptp(each, axis=2).mean() for each in (faded, plain)]
    assert spread[0] < spread[1] / 2
    assert "faded: fewer than 5 visits" in bar(camera, "value").meaning
    assert (camera.shoot(layer="density") == visits).all()


def test_scales_that_stand_apart_are_restored(camera):
    """With the ends that hysteresis left them, after which the scales shown are the same again."""
    camera.shoot(layer="value")
    fields = camera.scene.fields
    fields.put("truth", np.float32([[0, 100]]))
    panes = fields.resolve_both("value", "truth", linked=False)

    def ends_apart():
        return [(bar.low, bar.high) for pane in panes for bar in fields.bars(pane)]

    fields.show(*panes)
    fields.put("truth", np.float32([[0, 99]]))  # so little less that the scale stays
    saved, shown = fields.scales.ends(), ends_apart()
    assert shown[1] == (0, 100)
    fields.show(*fields.resolve_both("value", "density", linked=False))
    fields.show(*panes)
    assert ends_apart()[1] == (0, 99)
    fields.scales.set_ends(saved)
    assert ends_apart() == shown


def test_a_pair_is_not_shown_without_either_layer(camera, monkeypatch):
    fields = camera.scene.fields
    assert fields.resolve("two").layers == (VALUE, TRUTH)
    monkeypatch.setattr(MapLayer, "available", lambda layer, _: layer is not TRUTH)
    assert fields.resolve("two").layers == (DENSITY,)
    monkeypatch.setattr(MapLayer, "available", lambda layer, _: layer is not VALUE)
    assert fields.resolve("two").layers == (DENSITY,)
