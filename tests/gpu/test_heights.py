"""Scene points of map positions, all at once and one by one; the shader: test_place_and_shade.py."""

import timeit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuescape.gpu.heights import Surface, bilinear, on_ground, scene_points, scene_points_one_by_one

BOUNDS = ((-2.0, 10.0), (4.0, 30.0))


def test_the_map_s_corners_are_the_scene_s():
    corners = np.array([[-2, 10], [4, 30], [1, 20]], np.float32)
    np.testing.assert_allclose(on_ground(corners, BOUNDS), [[-1, -1], [1, 1], [0, 0]], atol=1e-6)


def test_bilinear_at_centres_between_and_beyond():
    field = np.array([[0, 1], [2, 3]], np.float32)
    uv = np.array([[0.25, 0.25], [0.75, 0.75], [0.5, 0.5], [-1, 2], [np.nan, 0.25]], np.float32)
    np.testing.assert_allclose(bilinear(field, *uv.T), [0, 3, 1.5, 2, 0])


@pytest.mark.parametrize("placed", [scene_points, scene_points_one_by_one])
def test_heights_are_on_the_scale(placed):
    field = np.array([[0, 0], [10, 10]], np.float32)
    surface = Surface(BOUNDS, field, (2.0, 10.0), 0.5)
    points = placed(np.array([[1, 10], [1, 20], [1, 30]], np.float32), surface)
    np.testing.assert_allclose(points[:, 2], [0, 0.5 * 3 / 8, 0.5], atol=1e-6)


def bumpy(seed=0, edge=16):
    field = np.random.default_rng(seed).normal(0, 3, (edge, 2 * edge)).astype(np.float32)
    return Surface(BOUNDS, field, (-2.0, 2.0), 0.6)


def crowd(agents, seed=0):
    """Agents all over the map, some of them beyond its edges."""
    spread = np.random.default_rng(seed).uniform(-0.1, 1.1, (agents, 2))
    return (spread * [6, 20] + [-2, 10]).astype(np.float32)


@pytest.mark.regression
@given(st.integers(0, 2**32 - 1))
def test_all_at_once_is_one_by_one(seed):
    positions, surface = crowd(40, seed), bumpy(seed)
    at_once, one_by_one = scene_points(positions, surface), scene_points_one_by_one(positions, surface)
    # A texel's step is up to 10 high, and a position's place in it is known to 1e-6 of the map.
    np.testing.assert_allclose(at_once, one_by_one, atol=1e-5)


@pytest.mark.performance
def test_all_at_once_is_five_times_as_fast_as_one_by_one():
    positions, surface = crowd(100), bumpy()
    at_once, one_by_one = (
        min(timeit.repeat(lambda placed=placed: placed(positions, surface), number=20, repeat=15))
        for placed in (scene_points, scene_points_one_by_one)
    )
    assert 5 * at_once < one_by_one
