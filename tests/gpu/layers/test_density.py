"""The map of visits: the news it hears, against NumPy's histogram."""

import numpy as np
import pytest
from recording import Recording, spirals

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import Inputs, News
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world

pytestmark = pytest.mark.gpu

BOUNDS = ((-2.0, -2.0), (2.0, 2.0))


def visits(gl, half_life, news):
    """Return log2(1 + visits) as the texture holds it after each piece of news of a recording of 8 ticks."""
    source, meter = Recording(spirals(30, 8)), FrameMeter()
    settings = [f"heatmap.density_half_life={half_life}", "heatmap.density_resolution=16"]
    ring = TrailRing(gl, 30, 8, meter)
    ring.upload(source, 7)
    density = DENSITY.make(
        Inputs(gl, Subject(load_config(None, settings), make_world("point_mass")), ring, BOUNDS, None, meter)
    )
    for each in news:
        density.refresh(each)
    found = np.frombuffer(density.texture.read(), np.float32).reshape(16, 16)
    density.release()
    ring.release()
    return source, found


@pytest.mark.parametrize("half_life", [0, 20])
def test_news_in_pieces_or_at_once_is_the_same_map(gl, half_life):
    _, whole = visits(gl, half_life, [News(range(8))])
    _, pieces = visits(gl, half_life, [News(range(3)), News(critic=True), News(range(3, 8))])
    np.testing.assert_array_equal(whole, pieces)


def test_the_texture_holds_the_logarithm_of_visits(gl):
    source, found = visits(gl, 0, [News(range(8))])
    x, y = source.positions.reshape(-1, 2).astype(np.float64).T
    counts, _, _ = np.histogram2d(y, x, 16, ((-2, 2), (-2, 2)))
    assert counts.sum() > 0
    np.testing.assert_allclose(found, np.log2(1 + counts), atol=1e-6)
