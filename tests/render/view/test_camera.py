"""Cameras: the places of scene points in the picture, and moves of the camera."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuescape.render.overlay.axes import project
from valuescape.render.view.camera import (
    MAX_DISTANCE,
    MAX_PITCH,
    MAX_REACH,
    MIN_DISTANCE,
    MIN_PITCH,
    MIN_REACH,
    MapCamera,
    OrbitCamera,
    Rect,
    between,
    eased,
)

SIZE = (640, 360)
PLOT = Rect(80, 40, 400, 250)

places = st.floats(-1, 1)
map_cameras = st.builds(MapCamera, places, places, st.floats(0.01, 1.5))
orbit_cameras = st.builds(
    OrbitCamera,
    yaw=st.floats(-10, 10),
    pitch=st.floats(MIN_PITCH, MAX_PITCH),
    distance=st.floats(0.5, 10),
    target_x=places,
    target_y=places,
    target_z=st.floats(0, 0.5),
)
pixels = st.tuples(st.floats(80, 480), st.floats(40, 290))
drags = st.tuples(st.floats(-300, 300), st.floats(-300, 300))


@given(map_cameras, pixels)
def test_the_scene_point_under_a_pixel_is_drawn_there(camera, pixel):
    x, y = camera.scene_at(*pixel, PLOT)
    found = project(camera.matrix(SIZE, PLOT), SIZE, (x, y, 0.0))
    assert found == pytest.approx(pixel, abs=0.01)


def test_the_whole_map_fills_the_plot():
    matrix = MapCamera().matrix(SIZE, PLOT)
    assert project(matrix, SIZE, (-1, -1, 0)) == pytest.approx((PLOT.left, PLOT.bottom), abs=1e-3)
    assert project(matrix, SIZE, (1, 1, 0)) == pytest.approx((PLOT.right, PLOT.top), abs=1e-3)


@given(map_cameras)
def test_the_visible_part_reaches_to_the_plot_s_corners(camera):
    x_low, y_low, x_high, y_high = camera.visible()
    assert (x_low, y_high) == pytest.approx(camera.scene_at(PLOT.left, PLOT.top, PLOT))
    assert (x_high, y_low) == pytest.approx(camera.scene_at(PLOT.right, PLOT.bottom, PLOT))


@given(map_cameras, pixels, st.floats(0.1, 10))
def test_zooming_keeps_what_is_under_the_pointer(camera, pixel, factor):
    zoomed = camera.zoomed(factor, *pixel, PLOT)
    assert zoomed.scene_at(*pixel, PLOT) == pytest.approx(camera.scene_at(*pixel, PLOT), abs=1e-6)
    assert MIN_REACH <= zoomed.reach <= MAX_REACH


@given(map_cameras, pixels, st.floats(0.1, 10), st.floats(0, 0.3))
def test_the_point_under_the_pointer_stays_while_the_camera_moves(camera, pixel, factor, elapsed_s):
    zoomed = camera.zoomed(factor, *pixel, PLOT)
    halfway = eased(camera, zoomed, elapsed_s)
    assert halfway.scene_at(*pixel, PLOT) == pytest.approx(camera.scene_at(*pixel, PLOT), abs=1e-6)


def test_zooming_in_magnifies():
    x_low, _, x_high, _ = MapCamera().zoomed(4, *PLOT_MIDDLE, PLOT).visible()
    assert (x_low, x_high) == pytest.approx((-0.25, 0.25))


PLOT_MIDDLE = (PLOT.left + PLOT.width / 2, PLOT.top + PLOT.height / 2)


@given(map_cameras, pixels, drags)
def test_dragging_takes_the_map_along(camera, pixel, drag):
    dragged = camera.dragged(*drag, PLOT)
    after = pixel[0] + drag[0], pixel[1] + drag[1]
    assert dragged.scene_at(*after, PLOT) == pytest.approx(camera.scene_at(*pixel, PLOT), abs=1e-6)


@given(orbit_cameras)
def test_the_target_is_in_the_middle(camera):
    target = camera.target_x, camera.target_y, camera.target_z
    assert project(camera.matrix(SIZE), SIZE, target) == pytest.approx((320, 180), abs=0.05)


def test_the_height_field_is_in_the_middle_of_what_bars_leave():
    at = project(OrbitCamera().matrix(SIZE, PLOT), SIZE, (0, 0, 0.1))
    assert at == pytest.approx((240, 180), abs=0.05)
    narrow = Rect(40, 40, 200, 250)
    matrix = OrbitCamera().matrix(SIZE, narrow)
    corners = [project(matrix, SIZE, (x, y, 0.0)) for x in (-1, 1) for y in (-1, 1)]
    assert all(0 < x < narrow.right for x, _ in corners)


@given(orbit_cameras)
def test_up_is_up_and_nothing_is_mirrored(camera):
    matrix = camera.matrix(SIZE)
    x, y, z = camera.target_x, camera.target_y, camera.target_z
    across = -math.sin(camera.yaw), math.cos(camera.yaw)
    right = project(matrix, SIZE, (x + 0.1 * across[0], y + 0.1 * across[1], z))
    up = project(matrix, SIZE, (x, y, z + 0.1))
    assert right[0] > 320
    assert right[1] == pytest.approx(180, abs=0.1)
    assert up[1] < 180
    assert up[0] == pytest.approx(320, abs=0.1)


@given(orbit_cameras)
def test_the_camera_is_at_its_distance(camera):
    away = np.subtract(camera.eye(), (camera.target_x, camera.target_y, camera.target_z))
    assert np.linalg.norm(away) == pytest.approx(camera.distance)
    *_, w = camera.matrix(SIZE) @ np.array([camera.target_x, camera.target_y, camera.target_z, 1])
    assert w == pytest.approx(camera.distance, rel=1e-4)


def test_pixels_are_square():
    camera = OrbitCamera(yaw=-math.pi / 2, pitch=MAX_PITCH, target_z=0)
    matrix = camera.matrix(SIZE)
    right, up = project(matrix, SIZE, (0.1, 0, 0)), project(matrix, SIZE, (0, 0.1, 0))
    assert right[0] - 320 == pytest.approx(180 - up[1], rel=0.01)


@given(orbit_cameras, drags)
def test_tilting_ends_before_the_ground_and_the_pole(camera, drag):
    turned = camera.orbited(*drag)
    assert MIN_PITCH <= turned.pitch <= MAX_PITCH
    assert camera.orbited(0, 1e6).pitch == MAX_PITCH
    assert camera.orbited(0, -1e6).pitch == MIN_PITCH
    assert camera.orbited(10, 0).yaw < camera.yaw


MIDDLE = (SIZE[0] / 2, SIZE[1] / 2)
whole_pixels = st.tuples(st.integers(0, SIZE[0]), st.integers(0, SIZE[1]))


@given(orbit_cameras, st.floats(0.01, 100))
def test_the_distance_has_bounds(camera, factor):
    assert MIN_DISTANCE <= camera.zoomed(factor, MIDDLE, SIZE).distance <= MAX_DISTANCE
    assert camera.zoomed(1.1, MIDDLE, SIZE).distance < camera.distance


plots = st.sampled_from([None, PLOT, Rect(40, 40, 200, 250)])
"""Rectangles of the flat map: none, one beside colour bars, one in a narrow picture."""


@given(orbit_cameras, plots, whole_pixels)
def test_the_ground_under_a_pixel_is_drawn_there(camera, plot, pixel):
    ground = camera.ground_at(*pixel, SIZE, plot=plot)
    if ground is not None:
        found = project(camera.matrix(SIZE, plot), SIZE, (*ground, camera.target_z))
        assert found == pytest.approx(pixel, abs=0.6)


def test_the_sky_is_no_ground():
    assert OrbitCamera(pitch=0.15).ground_at(320, 5, SIZE) is None
    assert OrbitCamera().ground_at(*MIDDLE, SIZE) == pytest.approx((0, 0), abs=1e-6)


@given(orbit_cameras, plots, whole_pixels, st.floats(0.5, 2))
def test_zooming_keeps_the_ground_under_the_pointer(camera, plot, pixel, factor):
    zoomed = camera.zoomed(factor, pixel, SIZE, plot)
    before, after = (each.ground_at(*pixel, SIZE, plot=plot) for each in (camera, zoomed))
    if None not in (before, after) and max(abs(zoomed.target_x), abs(zoomed.target_y)) < 3:
        assert after == pytest.approx(before, abs=1e-4)


@given(orbit_cameras, plots, whole_pixels, whole_pixels)
def test_panning_takes_the_ground_along(camera, plot, start, end):
    moved, before = camera.panned(start, end, SIZE, plot), camera.ground_at(*start, SIZE, plot=plot)
    if None in (before, camera.ground_at(*end, SIZE, plot=plot)):
        assert moved == camera
    elif max(abs(moved.target_x), abs(moved.target_y)) < 3:
        assert moved.ground_at(*end, SIZE, plot=plot) == pytest.approx(before, abs=1e-4)


@given(places, places, st.floats(0.02, 1), st.floats(0.02, 1))
def test_a_fitted_view_shows_the_whole_box(x, y, width, height):
    low, high = (x, y), (x + width, y + height)
    x_low, y_low, x_high, y_high = MapCamera().fitted(low, high).visible()
    assert x_low < low[0] < high[0] < x_high
    assert y_low < low[1] < high[1] < y_high
    matrix = OrbitCamera().fitted(low, high).matrix(SIZE)
    for corner in ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])):
        found_x, found_y = project(matrix, SIZE, (*corner, 0.1))
        assert 0 < found_x < SIZE[0]
        assert 0 < found_y < SIZE[1]


def test_between_two_views_the_target_goes_straight():
    flat, field = MapCamera().matrix(SIZE, PLOT), OrbitCamera().matrix(SIZE)
    target = (0.0, 0.0, 0.1)
    ends = [np.array(project(matrix, SIZE, target)) for matrix in (flat, field)]
    for share in (0.0, 0.25, 0.5, 1.0):
        found = project(between(flat, field, OrbitCamera().distance, share), SIZE, target)
        assert found == pytest.approx(tuple((1 - share) * ends[0] + share * ends[1]), abs=0.5)


@pytest.mark.parametrize(
    "pair", [(MapCamera(), MapCamera(0.5, -0.2, 0.1)), (OrbitCamera(), OrbitCamera(1, 1))]
)
def test_the_way_is_the_same_at_any_frame_rate(pair):
    now, goal = pair
    once = eased(now, goal, 0.032)
    twice = eased(eased(now, goal, 0.016), goal, 0.016)
    assert astuple(once) == pytest.approx(astuple(twice))
    assert astuple(eased(now, goal, 0.06)) == pytest.approx(np.add(astuple(now), astuple(goal)) / 2)
    assert eased(now, goal, 0.0) == now
    assert astuple(eased(now, goal, 5.0)) == pytest.approx(astuple(goal))


def test_what_is_behind_the_camera_is_nowhere():
    camera = OrbitCamera()
    x, y, z = np.multiply(camera.eye(), 1.5)
    assert project(camera.matrix(SIZE), SIZE, (x, y, z)) is None
