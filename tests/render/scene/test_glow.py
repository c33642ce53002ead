"""Glow of trails and marks, against NumPy."""

from contextlib import ExitStack

import numpy as np
import pytest

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.render.scene.glow import Glow

pytestmark = pytest.mark.gpu

SIZE = (192, 128)


def glowing(gl, image, strength, part=None):
    """Return what becomes of an RGBA image [height, width, 4] uint8, and how many draws it took."""
    meter = FrameMeter()
    with ExitStack() as owned:
        glow = Glow(gl, meter)
        texture = gl.texture(image.shape[1::-1], 4, image.tobytes())
        framebuffer = gl.framebuffer([texture])
        for each in (glow, texture, framebuffer):
            owned.callback(each.release)
        owned.callback(lambda: gl.detect_framebuffer(0).use())
        glow.draw(framebuffer, strength, [part])
        result = np.frombuffer(texture.read(), np.uint8).reshape(image.shape)
    return result[..., :3].astype(int), meter


def spot(alpha=255):
    image = np.zeros((*SIZE[::-1], 4), np.uint8)
    image[..., :3] = 20
    image[48:80, 48:80] = 255
    image[48:80, 48:80, 3] = alpha
    return image


def expected(image, strength):
    """The same, step by step: shrink by eight, blur, enlarge, blend as a screen."""
    rgba = image / 255
    rgb = rgba[..., :3] * rgba[..., 3:]
    luminance = rgb @ [0.2126, 0.7152, 0.0722]
    t = np.clip((luminance - 0.35) / 0.65, 0, 1)
    light = rgb * (t * t * (3 - 2 * t))[..., None]
    height, width = light.shape[0] // 8, light.shape[1] // 8
    small = light.reshape(height, 8, width, 8, 3).mean(axis=(1, 3))
    weights = {0: 0.22702703, 1: 0.19459459, 2: 0.12162162, 3: 0.05405405, 4: 0.01621622}
    for axis in (0, 1):
        padded = np.pad(small, [(4, 4) if each == axis else (0, 0) for each in range(3)], mode="edge")
        small = sum(
            weights[abs(k)] * np.roll(padded, -k, axis).take(np.arange(4, 4 + small.shape[axis]), axis)
            for k in range(-4, 5)
        )
    at = [(np.arange(n * 8) + 0.5) / 8 - 0.5 for n in (height, width)]
    for axis, place in enumerate(at):
        low = np.clip(np.floor(place).astype(int), 0, small.shape[axis] - 1)
        high = np.minimum(low + 1, small.shape[axis] - 1)
        share = np.clip(place - low, 0, 1).reshape([-1 if each == axis else 1 for each in range(3)])
        small = small.take(low, axis) * (1 - share) + small.take(high, axis) * share
    glow = np.clip(strength * small, 0, 1)
    return 255 * (glow * (1 - rgba[..., :3]) + rgba[..., :3])


@pytest.mark.parametrize("strength", [0.5, 1.5])
def test_light_shines_beyond_its_edge(gl, strength):
    found, meter = glowing(gl, spot(), strength)
    np.testing.assert_allclose(found, expected(spot(), strength), atol=3)
    assert found[64, 90].min() > 30
    assert (found[64, 150] == 20).all()
    assert (meter.effects, meter.draw_calls) == (4, 0)


def test_what_is_a_field_s_does_not_glow(gl):
    """Alpha tells trails and marks from the fields."""
    image = spot(alpha=0)
    np.testing.assert_array_equal(glowing(gl, image, 1.0)[0], image[..., :3])


def test_what_is_white_stays_white_and_nothing_is_cut_off(gl):
    found, _ = glowing(gl, spot(), 2.0)
    assert (found[48:80, 48:80] == 255).all()
    ramp = found[64, 80:120, 0]
    assert (np.diff(ramp) <= 0).all()
    assert ramp.max() < 255


def test_only_a_part_glows(gl):
    found, _ = glowing(gl, spot(), 1.0, part=(0, 0, 70, SIZE[1]))
    assert (found[:, 80:] == 20).all()
    assert found[64, 40].min() > 30


def test_sizes_that_are_no_multiple_of_eight(gl):
    image = np.ascontiguousarray(spot()[:101, :147])
    found, _ = glowing(gl, image, 0.8)
    assert found.shape == (101, 147, 3)
    assert gl.error == "GL_NO_ERROR"
