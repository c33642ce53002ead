"""Maps whose values the processor hands over."""

import numpy as np
import pytest

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.layer import News
from valuescape.gpu.layers.uploaded import UploadedMap

pytestmark = pytest.mark.gpu


@pytest.fixture
def uploaded(gl):
    """A map without values, and the meter that counts its uploads."""
    made = UploadedMap(gl, FrameMeter())
    yield made
    made.release()


def read(uploaded):
    texture = uploaded.texture
    return np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3), (64, 64)])
def test_values_arrive_row_by_row(uploaded, shape):
    """Also from a transposed array, whose rows do not lie in memory one after the other."""
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    uploaded.write(values)
    np.testing.assert_array_equal(read(uploaded), values)
    uploaded.write(values.T)
    np.testing.assert_array_equal(read(uploaded), values.T)


def test_a_map_may_come_in_ever_finer_shapes(uploaded):
    for edge in (2, 4, 8):
        uploaded.write(np.full((edge, edge), edge, np.float32))
        assert uploaded.refresh(News())
        assert read(uploaded).shape == (edge, edge)
        assert (read(uploaded) == edge).all()
    assert uploaded._meter.upload_bytes == 4 * (4 + 16 + 64)


def test_values_of_the_same_shape_stay_in_the_same_texture(uploaded):
    uploaded.write(np.zeros((4, 4), np.float32))
    before = uploaded.texture
    uploaded.write(np.ones((4, 4), np.float32))
    assert uploaded.texture is before


def test_before_the_first_values_there_is_none(uploaded):
    assert np.isnan(read(uploaded)).all()
    assert not uploaded.refresh(News())


def test_certainty_comes_and_goes_with_the_values(uploaded):
    values = np.zeros((3, 5), np.float32)
    uploaded.write(values, np.full((3, 5), 0.5, np.float32))
    found = uploaded.certainty
    assert (np.frombuffer(found.read(), np.float32) == 0.5).all()
    assert found.size == uploaded.texture.size
    uploaded.write(values)
    assert uploaded.certainty is None


def test_a_certainty_of_another_shape_is_refused(uploaded):
    with pytest.raises(ValueError, match=r"the map's shape \(3, 5\), not \(5, 3\)"):
        uploaded.write(np.zeros((3, 5), np.float32), np.zeros((5, 3), np.float32))
