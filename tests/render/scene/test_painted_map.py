"""Pixels of the flat map by compiled code: bilinear lookups, contour lines, the crowd, and where they lie."""

import numpy as np
import pytest
from pictures import hills, studio
from recording import Recording, spirals

from valuescape.render.scene.map_pixels import lay_crowd, lookups, paint_map

pytestmark = pytest.mark.gpu

f4 = np.float32


def packed(colors):
    """Return RGBA [h, w, 4] from 0 to 255 as one number a texel."""
    return np.ascontiguousarray(colors.astype(np.uint8)).view(np.uint32)[..., 0]


def between(texels, u, v):
    """Return texels [h, w, …] at places, bilinear, in float64."""
    (height, width), found = texels.shape[:2], 0.0
    x, y = np.clip(u * width - 0.5, 0, width - 1), np.clip(v * height - 0.5, 0, height - 1)
    for row, share_y in ((np.floor(y), 1 - y % 1), (np.minimum(np.floor(y) + 1, height - 1), y % 1)):
        for column, share_x in ((np.floor(x), 1 - x % 1), (np.minimum(np.floor(x) + 1, width - 1), x % 1)):
            weight = np.multiply.outer(share_y, share_x)
            weight = weight.reshape(*weight.shape, *[1] * (texels.ndim - 2))
            found = found + texels[row.astype(int)][:, column.astype(int)] * weight
    return found


def test_pixels_are_those_of_plain_arithmetic():
    """Map, opacity, contour lines and crowd, of textures of three sizes, against NumPy in float64."""
    rng = np.random.default_rng(1)
    u, v = np.sort(rng.random(90)).astype(f4), np.sort(rng.random(70)).astype(f4)
    shades, cells = rng.integers(0, 256, (24, 31, 4)), rng.integers(0, 200, (50, 41, 4))
    cells[..., :3] = cells[..., :3] * cells[..., 3:] // 255
    values = rng.random((9, 12)).astype(f4)
    low, per_value, per_slope, opacity, back = 0.2, 7.0, 3e-6, 0.8, (3.0, 5.0, 7.0)
    below, out = np.empty((2, 70, 90), np.uint32)
    places = tuple(lookups(u, 31)), tuple(lookups(v, 24))
    value_places = tuple(lookups(u, 12)), tuple(lookups(v, 9))
    for each in (values, shades := packed(shades), cells := packed(cells)):
        each.flags.writeable = False
    lines = f4(low), f4(per_value), f4(per_slope)
    paint_map(shades, values, places, value_places, lines, tuple(map(f4, back)), f4(opacity), below)
    lay_crowd(cells, (tuple(lookups(u, 41)), tuple(lookups(v, 50))), below, out)

    color = between(shades[..., None].view(np.uint8).astype(float), u, v)
    phase, width = (between(values.astype(float), u, v) - low) * per_value, color[..., 3] ** 2 * per_slope
    off = np.clip(np.abs(phase - np.round(phase)) / width / 1.2, 0, 1)
    wide = np.clip((width - 0.25) / 0.35, 0, 1)
    line = 0.35 * (1 - off**2 * (3 - 2 * off)) * (1 - wide**2 * (3 - 2 * wide))
    wanted = color[..., :3] * (1 - line[..., None]) * opacity + back
    found = below[..., None].view(np.uint8)
    assert line.max() > 0.3
    assert np.abs(found[..., :3] - wanted).max() < 0.51
    assert not found[..., 3].any(), "nothing glows"
    crowd = between(cells[..., None].view(np.uint8).astype(float), u, v)
    laid = found[..., :3] * (1 - crowd[..., 3:] / 255) + crowd[..., :3]
    assert np.abs(out[..., None].view(np.uint8) - np.dstack([laid, crowd[..., 3]])).max() < 0.51


VIEWS = {
    "whole": {},
    "values missing": {},
    "zoomed": {"center_x": 0.35, "center_y": 0.15, "reach": 0.06},
    "beyond the map": {"center_x": -0.7, "center_y": 0.9, "reach": 1.4},
    "off the map": {"center_x": 9.0},
    "two panes": {"beside": "density"},
    "another resolution": {"layer": "density"},
}


def partly(edge):
    """Return a landscape without values at the right."""
    return np.where(np.arange(edge * edge) % edge > edge // 2, np.nan, hills(edge))


@pytest.mark.regression
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("budget", [0, 900], ids=["individuals", "crowd"])
def test_the_map_is_that_of_the_shaders(gl, view, budget):
    """`features.painted_map`; samplers round to 8 bits, and few pixels lie where contour lines cross."""
    shots, fills = [], []
    source, field = Recording(spirals(300, 40, seed=5)), partly if view == "values missing" else hills
    settings = f"lod.segment_budget={budget}", "heatmap.density_resolution=32", "heatmap.opacity=0.9"
    for state in ("true", "false"):
        painted = f"features.painted_map={state}"
        with studio(gl, source, painted, *settings, field=field) as camera:
            surface, real = camera.scene._surface, camera.scene._surface.draw
            surface.draw = lambda fill, *, flat, real=real, by=state: (
                fills.append(by) or real(fill, flat=flat)
            )
            shots.append([camera.shoot(**{"flat": True, **VIEWS[view]}) for _ in range(3)])
            shots[-1].append(camera.shoot(flat=False))
    assert fills.count("true") < fills.count("false"), "painted"
    for on, off in zip(*shots, strict=True):
        apart = np.abs(on - off).max(axis=2)
        assert (apart > 2).mean() < 2e-4
        assert apart.mean() < 0.5
    np.testing.assert_array_equal(shots[0][3], shots[1][3], "the height field is drawn as ever")
