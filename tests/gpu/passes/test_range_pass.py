"""The colour scale's ends: least and greatest value on the GPU, with hysteresis."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.ranges import RangePass, ScaleEnds

pytestmark = pytest.mark.gpu


@pytest.fixture
def show(gl):
    """Return a function from (field, layer) to the range of that layer after it was shown."""
    ranges = RangePass(gl, 2, hysteresis=0.25, meter=FrameMeter())

    def show(values, layer=0):
        texture = field_texture(gl, values)
        ranges.update(layer, texture)
        texture.release()
        return ends(ranges, layer)

    yield show
    ranges.release()


def field_texture(gl, values):
    values = np.asarray(values, np.float32)
    return gl.texture(values.shape[::-1], 1, values.tobytes(), dtype="f4")


def ends(ranges, layer=0):
    each = ranges.read()[layer]
    return float(each["shown_low"]), float(each["shown_high"])


@pytest.mark.parametrize("edge", [1, 8, 33, 64, 65, 200])
def test_the_first_range_is_numpy_s_minimum_and_maximum(gl, edge):
    """Sizes below, at and beyond what a work group looks at; the extremes in the last texels."""
    values = np.random.default_rng(edge).normal(-3, 2, (edge, edge)).astype(np.float32)
    values.ravel()[-1] = 50
    values.ravel()[-2 if edge > 1 else -1] = -70
    ranges, texture = RangePass(gl, 1, 0.1, FrameMeter()), field_texture(gl, values)
    ranges.update(0, texture)
    found = ends(ranges)
    ranges.release()
    texture.release()
    assert found == (values.min(), values.max())


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=4, max_size=4))
def test_any_floats_but_those_that_are_not_finite(gl, values):
    """Zeros of both signs, the smallest and greatest numbers, NaN and infinities among them."""
    ranges, texture = RangePass(gl, 1, 0.1, FrameMeter()), field_texture(gl, np.reshape(values, (2, 2)))
    ranges.update(0, texture)
    found = ends(ranges)
    ranges.release()
    texture.release()
    finite = np.float32(values)[np.isfinite(values)]
    # The scale starts as [0, 1] and stays so where there is nothing to be shown.
    expected = (finite.min(), finite.max()) if len(finite) else (0, 1)
    tiny = np.finfo(np.float32).tiny  # drivers may flush what is smaller
    np.testing.assert_allclose(found, expected, rtol=0, atol=tiny)


def test_all_negative_values(show):
    assert show([[-5, -2], [-3, -4]]) == (-5, -2)


def test_one_value(show):
    assert show([[7, 7], [7, 7]]) == (7, 7)


def test_an_end_moves_outwards_at_once(show):
    show([[0, 8]])
    assert show([[-0.5, 8.25]]) == (-0.5, 8.25)


def test_an_end_moves_inwards_only_by_much(show):
    """By more than a quarter of the scale, here 2."""
    show([[0, 8]])
    assert show([[1.875, 6.125]]) == (0, 8)
    assert show([[0, 5.875]]) == (0, 5.875)
    assert show([[2.5, 5.875]]) == (2.5, 5.875)


def test_ends_move_independently(show):
    show([[0, 8]])
    assert show([[4, 8]]) == (4, 8)
    assert show([[4, 9]]) == (4, 9)


def test_values_that_come_and_go_do_not_make_the_scale_flicker(show):
    show([[0, 8]])
    assert {show([[0, high]]) for high in (7, 8, 6.5, 7.875, 6.125)} == {(0, 8)}


def test_layers_have_their_own_ranges(show):
    show([[0, 8]], layer=0)
    assert show([[-1, 1]], layer=1) == (-1, 1)
    assert show([[0, 8]], layer=0) == (0, 8)


@pytest.mark.parametrize(
    ("kept", "values", "expected"),
    [
        (ScaleEnds(low=-1.5), [2, 8], (-1.5, 8)),
        (ScaleEnds(high=5.0), [2, 8], (2, 5)),
        (ScaleEnds(low=0.0, high=0.5), [2, 8], (0, 0.5)),
        (ScaleEnds(centred=True), [-2, 8], (-8, 8)),
        (ScaleEnds(centred=True), [-9, 8], (-9, 9)),
        (ScaleEnds(high=3.0, centred=True), [-2, 8], (-8, 3)),
    ],
    ids=str,
)
def test_ends_stay_where_they_are_kept(gl, kept, values, expected):
    """Also after a look at other values without it, from which nothing lingers."""
    ranges, before = RangePass(gl, 1, 0.25, FrameMeter()), field_texture(gl, [[-50, 50]])
    ranges.update(0, before)
    ranges.keep(0, kept)
    texture = field_texture(gl, [values])
    ranges.update(0, texture)
    found = ends(ranges)
    for each in (ranges, before, texture):
        each.release()
    assert found == expected


def test_reading_is_a_query(gl):
    meter = FrameMeter()
    ranges = RangePass(gl, 1, 0.1, meter)
    ranges.read()
    ranges.release()
    assert meter.queries == 1
