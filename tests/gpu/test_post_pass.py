"""Glow and tone mapping against NumPy."""

from contextlib import ExitStack

import numpy as np
import pytest

from gpu.meter import FrameMeter
from gpu.passes.post import PostPass
from gpu.textures import clamped

pytestmark = pytest.mark.gpu

SIZE = (48, 32)


def processed(gl, image, **effects):
    """Return what becomes of an RGBA image [height, width, 4] uint8, and how many dispatches it took."""
    meter = FrameMeter()
    with ExitStack() as owned:
        post = PostPass(gl, meter)
        owned.callback(post.release)
        size = image.shape[1::-1]
        source = clamped(gl.texture(size, 4, image.tobytes()))
        target = clamped(gl.texture(size, 4))
        for each in (source, target):
            owned.callback(each.release)
        post.update(source, target, **{"glow": 0.0, "tone_mapping": False, **effects})
        result = np.frombuffer(target.read(), np.uint8).reshape(image.shape)
    return result[..., :3].astype(int), meter.dispatches


def noise(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*SIZE[::-1], 4), dtype=np.uint8)


def test_without_effects_nothing_changes(gl):
    image = noise()
    result, dispatches = processed(gl, image)
    np.testing.assert_array_equal(result, image[..., :3])
    assert dispatches == 1


def test_tone_mapping_leaves_what_is_below_the_knee(gl):
    image = noise(1)
    result, _ = processed(gl, image, tone_mapping=True)
    before = image[..., :3] / 255
    over = np.maximum(before - 0.75, 0)
    expected = np.minimum(before, 0.75) + 0.25 * (1 - np.exp(-over / 0.25))
    np.testing.assert_allclose(result, expected * 255, atol=1)
    dark = before < 0.75
    assert (np.abs(result - image[..., :3])[dark] <= 1).all()


def test_light_shines_beyond_its_edge_and_fields_do_not(gl):
    """Alpha says whose light it is: that of trails and marks alone glows."""
    image = np.zeros((*SIZE[::-1], 4), np.uint8)
    image[12:20, 12:20] = 255
    field = image.copy()
    field[..., 3] = 0
    lit, dispatches = processed(gl, image, glow=1.0)
    assert dispatches == 4
    assert lit[16, 24].min() > 10
    assert lit[16, 24].min() > lit[16, 28].min()
    assert lit[16, 44].max() == 0
    np.testing.assert_array_equal(processed(gl, field, glow=1.0)[0], field[..., :3])


def test_twice_the_glow_is_twice_as_light(gl):
    image = np.zeros((*SIZE[::-1], 4), np.uint8)
    image[12:20, 12:20] = 255
    once, twice = (processed(gl, image, glow=glow)[0][16, 23] for glow in (0.5, 1.0))
    np.testing.assert_allclose(twice, 2 * once, atol=2)


def test_sizes_that_are_no_multiple_of_four(gl):
    image = noise(2)[:31, :45].copy()
    result, _ = processed(gl, image, glow=0.3, tone_mapping=True)
    assert result.shape == (31, 45, 3)
    assert gl.error == "GL_NO_ERROR"
