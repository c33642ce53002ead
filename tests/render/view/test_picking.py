"""Places of points on the screen, and the nearest one to the pointer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuescape.render.overlay.axes import project
from valuescape.render.view.camera import MapCamera, OrbitCamera, Rect
from valuescape.render.view.picking import inside, nearest, on_screen

SIZE, BOUNDS = (640, 360), ((-2.0, 10.0), (4.0, 30.0))
places = arrays(np.float32, (7, 3), elements=st.floats(-1, 1, width=32))


@given(places)
def test_points_are_on_the_screen_where_labels_would_be(points):
    for matrix in (OrbitCamera().matrix(SIZE), MapCamera().matrix(SIZE, Rect(80, 40, 400, 250))):
        for found, point in zip(on_screen(points, matrix, SIZE), points, strict=True):
            assert tuple(found) == pytest.approx(project(matrix, SIZE, tuple(point)), abs=0.01)


def test_what_is_behind_the_camera_is_nowhere():
    x, y, z = OrbitCamera().eye()
    behind = np.array([[3 * x, 3 * y, 3 * z]], np.float32)
    pixels = on_screen(behind, OrbitCamera().matrix(SIZE), SIZE)
    assert np.isnan(pixels).all()
    assert nearest(pixels, (320, 180), 1e9) is None


@given(arrays(np.float32, (20, 2), elements=st.floats(0, 600, width=32)), st.integers(0, 19))
def test_the_nearest_is_the_nearest(pixels, index):
    pointer = tuple(float(x) for x in pixels[index])
    found = nearest(pixels, pointer, 5)
    assert np.allclose(pixels[found], pixels[index])


def test_nobody_is_near_enough():
    assert nearest(np.array([[10.0, 10.0]], np.float32), (20, 10), 9.9) is None
    assert nearest(np.array([[10.0, 10.0]], np.float32), (20, 10), 10.1) == 0
    assert nearest(np.zeros((0, 2), np.float32), (20, 10), 10) is None


def test_inside_a_box():
    ground = np.array([[0, 0], [0.5, 0.5], [0.6, 0], [np.nan, 0]], np.float32)
    assert inside(ground, (0, 0, 0.5, 0.5)).tolist() == [True, True, False, False]
