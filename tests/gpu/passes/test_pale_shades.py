"""Colours of maps where values are uncertain, rest on few visits, or are missing: against a twin in NumPy."""

import numpy as np
import pytest

from valuescape.gpu.bindings import Texture
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.ranges import RangePass
from valuescape.gpu.passes.shade import Paint, ShadePass, Support
from valuescape.gpu.textures import clamped
from valuescape.render.scene.colormaps import FIRST_LAYER_ROW, colormap_rows

pytestmark = pytest.mark.gpu

EDGE, ROW = 8, FIRST_LAYER_ROW
UNKNOWN, FAINT = 0.22, 0.15
VALUES = np.linspace(-1, 1, EDGE * EDGE, dtype=np.float32).reshape(EDGE, EDGE)
RIGHT = np.arange(EDGE) >= EDGE // 2


class Shading:
    """A shade pass of EDGE x EDGE texels, with viridis as the colour map of the base."""

    def __init__(self, gl):
        self._gl, self._made = gl, []
        self.ranges = self.own(RangePass(gl, 1, 0.1, FrameMeter()))
        self.shade = self.own(ShadePass(gl, EDGE, FrameMeter()))
        rows = colormap_rows(["viridis"])
        colors = self.own(gl.texture((rows.shape[1], rows.shape[0]), 4, data=rows.tobytes()))
        clamped(colors).use(Texture.COLORMAPS)

    def own(self, made):
        self._made.append(made)
        return made

    def texture(self, values):
        data = np.ascontiguousarray(values, np.float32)
        return clamped(self.own(self._gl.texture(data.shape[::-1], 1, dtype="f4", data=data.tobytes())))

    def colors(self, values, certainty=None, support=None, **how):
        """Return the shades [EDGE, EDGE, 3] from 0 to 1, and their bytes."""
        base = self.texture(values)
        self.ranges.update(0, base)
        certainty = None if certainty is None else self.texture(certainty)
        self.shade.update(Paint(base, 0, ROW, certainty), support=support, **how)
        found = np.frombuffer(self.shade.texture.read(), np.uint8).reshape(EDGE, EDGE, 4)
        return found[..., :3] / 255

    def release(self):
        for each in reversed(self._made):
            each.release()


@pytest.fixture
def shading(gl):
    shading = Shading(gl)
    yield shading
    shading.release()


def pale(colors, sure):
    """Colours of which a share `sure` is certain: the rest fades to a gray of about their lightness."""
    gray = 0.7 * (colors @ [0.2126, 0.7152, 0.0722]) + 0.15
    share = FAINT + (1 - FAINT) * sure
    return gray[..., None] + share[..., None] * (colors - gray[..., None])


def test_full_certainty_changes_no_bit(shading):
    plain = shading.colors(VALUES)
    np.testing.assert_array_equal(shading.colors(VALUES, np.ones_like(VALUES)), plain)
    many = Support(shading.texture(np.full((4, 4), np.log2(1 + 5.0))), 5.0)
    assert np.abs(shading.colors(VALUES, support=many) - plain).max() <= 1 / 255


def test_uncertain_cells_lose_their_colour(shading):
    certainty = np.broadcast_to(np.where(RIGHT, 1.0, 0.25), VALUES.shape)
    plain, found = shading.colors(VALUES), shading.colors(VALUES, certainty)
    np.testing.assert_allclose(found, np.where(RIGHT[:, None], plain, pale(plain, certainty)), atol=1.1 / 255)
    assert np.ptp(found, axis=2)[:, ~RIGHT].max() < np.ptp(plain, axis=2)[:, ~RIGHT].max() / 2


def test_a_map_fades_where_visits_are_fewer_than_asked_for(shading):
    """In proportion to the visits; the density is their logarithm."""
    visits = np.broadcast_to(np.arange(EDGE), VALUES.shape)
    support = Support(shading.texture(np.log2(1.0 + visits)), 4.0)
    plain, found = shading.colors(VALUES), shading.colors(VALUES, support=support)
    np.testing.assert_allclose(found, pale(plain, np.minimum(visits / 4, 1)), atol=1.6 / 255)


def test_few_visits_and_chance_count_both(shading):
    half = np.full(VALUES.shape, 0.5)
    support = Support(shading.texture(np.log2(1 + 4 * half)), 4.0)
    plain, found = shading.colors(VALUES), shading.colors(VALUES, half, support)
    np.testing.assert_allclose(found, pale(plain, half * half), atol=1.6 / 255)


def test_a_cell_without_value_is_gray_and_its_neighbours_are_not(shading):
    values = VALUES.copy()
    values[3, 4] = np.nan
    plain, found = shading.colors(VALUES), shading.colors(values, contours=True)
    np.testing.assert_allclose(found[3, 4], UNKNOWN, atol=0.6 / 255)
    others = ~np.isnan(values)
    np.testing.assert_array_equal(found[others], plain[others])


def test_a_map_without_any_value_is_gray_all_over(shading):
    np.testing.assert_allclose(shading.colors(np.full((1, 1), np.nan)), UNKNOWN, atol=0.6 / 255)


def test_a_scale_holds_all_maps_that_share_it(shading):
    """NaN of one of them counts for nothing."""
    other = shading.texture([[np.nan, 5]])
    shading.ranges.update(0, shading.texture(VALUES), other)
    shown = shading.ranges.read()[0]
    assert (shown["shown_low"], shown["shown_high"]) == (-1, 5)
