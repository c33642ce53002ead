"""Selections: boxes on the map, and regions of the height field under a frame."""

import numpy as np
import pytest

from valuescape.render.overlay.axes import project
from valuescape.render.view.camera import OrbitCamera
from valuescape.render.view.selection import Region, region_of, within

SIZE = (1280, 720)
FRAME = (420.0, 250.0, 700.0, 430.0)


def hills(ground):
    """Two hills and a valley, as high as the scene lets them be."""
    x, y = ground.T
    z = 0.31 * (1 + np.sin(2.4 * x) * np.cos(1.9 * y + 0.4))
    return np.column_stack([x, y, z]).astype(np.float32)


def outside_by(pixel, frame):
    """Return the distance of a pixel to the nearest edge of a frame, negative inside."""
    (x, y), (left, top, right, bottom) = pixel, frame
    return max(left - x, x - right, top - y, y - bottom)


@pytest.mark.parametrize("camera", [OrbitCamera(), OrbitCamera(yaw=0.7, pitch=0.9, distance=2.5)])
def test_a_region_holds_what_is_seen_in_the_frame(camera):
    """Each point is projected by itself; those within two pixels of the edge may be on either side."""
    rng = np.random.default_rng(2)
    ground = rng.uniform(-1, 1, (3000, 2)).astype(np.float32)
    found = region_of(FRAME, camera, SIZE, hills).holds(ground)
    seen = [
        outside_by(project(camera.matrix(SIZE), SIZE, tuple(map(float, point))), FRAME)
        for point in hills(ground)
    ]
    clear = np.abs(seen) > 2
    np.testing.assert_array_equal(found[clear], (np.array(seen) < 0)[clear])
    assert 50 < found.sum() < 2500
    on_the_plain = [project(camera.matrix(SIZE), SIZE, (*map(float, point), 0.0)) for point in ground]
    lower = np.array([outside_by(pixel, FRAME) < 0 for pixel in on_the_plain])
    assert (lower != found).sum() > 100  # so heights count


def test_what_is_off_the_map_or_nowhere_is_in_no_region():
    region = Region(np.ones((4, 4), np.bool_), np.zeros((0, 3), np.float32))
    places = np.array([[0, 0], [-1, -1], [0.99, 0.99], [1.1, 0], [0, -1.1], [np.nan, 0]], np.float32)
    assert within(places, region).tolist() == [True] * 3 + [False] * 3


def test_cells_are_columns_along_x_and_rows_along_y():
    cells = np.zeros((4, 4), np.bool_)
    cells[3, 0] = True
    region = Region(cells, np.zeros((0, 3), np.float32))
    assert region.holds(np.array([[-0.9, 0.9], [0.9, -0.9]], np.float32)).tolist() == [True, False]


def test_the_outline_lies_on_the_surface_under_the_frame():
    camera = OrbitCamera()
    outline = region_of(FRAME, camera, SIZE, hills).outline
    there = np.isfinite(outline).all(axis=1)
    assert there.sum() > 40
    np.testing.assert_allclose(hills(outline[there, :2]), outline[there], atol=1e-5)
    pixels = [project(camera.matrix(SIZE), SIZE, tuple(map(float, point))) for point in outline[there]]
    assert all(abs(outside_by(pixel, FRAME)) < 4 for pixel in pixels)


def test_a_frame_in_the_sky_covers_nothing():
    region = region_of((10.0, 2.0, 200.0, 30.0), OrbitCamera(pitch=0.15), SIZE, hills)
    assert not region.cells.any()
    assert np.isnan(region.outline).all()
