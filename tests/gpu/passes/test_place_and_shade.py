"""Trail points on the surface, and the surface's colours: against twins in NumPy."""

import numpy as np
import pytest
from recording import Recording

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import STEEPEST
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.heights import Surface
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.place import PlacePass
from valuescape.gpu.passes.ranges import RangePass
from valuescape.gpu.passes.shade import Paint, ShadePass
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

BOUNDS = ((-2.0, -1.0), (2.0, 3.0))
HEIGHT = 0.6


@pytest.fixture
def own():
    """Release what a test made, last first."""
    made = []
    yield lambda each: made.append(each) or each
    for each in reversed(made):
        each.release()


def bumpy(edge, seed=0):
    return np.random.default_rng(seed).normal(0, 3, (edge, edge)).astype(np.float32)


def uploaded(gl, own, values):
    """A field of `values` [edge, edge]."""
    field = own(UploadedField(gl, len(values), FrameMeter()))
    field.write(values.ravel())
    return field


def ranges_of(gl, own, *fields):
    ranges = own(RangePass(gl, len(fields), 0.1, FrameMeter()))
    for layer, field in enumerate(fields):
        ranges.update(layer, field.texture)
    return ranges


def bilinear(values, uv):
    """Return the field at uv [..., 2]: values at texel centres, constant beyond the outermost."""
    edge = len(values)
    at = np.clip(uv.astype(np.float64) * edge - 0.5, 0, edge - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, edge - 1)
    x, y = np.moveaxis(at - low, -1, 0)
    bottom = values[low[..., 1], low[..., 0]] * (1 - x) + values[low[..., 1], high[..., 0]] * x
    top = values[high[..., 1], low[..., 0]] * (1 - x) + values[high[..., 1], high[..., 0]] * x
    return bottom * (1 - y) + top * y


def on_scale(values, field):
    return (values - field.min()) / (field.max() - field.min())


class Placed:
    """A ring full of samples, and the pass that places them on a field."""

    def __init__(self, gl, own, source, values, length):
        self.ring = own(TrailRing(gl, source.positions.shape[1], length, FrameMeter()))
        self.individuals = own(Individuals(gl, source.positions.shape[1], FrameMeter()))
        self.field = uploaded(gl, own, values)
        ranges_of(gl, own, self.field)
        self.field.texture.use(Texture.HEIGHT)
        self.meter = FrameMeter()
        self.place = own(PlacePass(gl, self.ring, self.individuals, BOUNDS, HEIGHT, self.meter))

    def points(self, tick):
        rows = np.frombuffer(self.ring.point.read(), np.float32)
        return rows.reshape(self.ring.length, self.ring.agents, 4)[tick % self.ring.length]


def expected_points(positions, values):
    low, high = np.array(BOUNDS)
    uv = (positions - low) / (high - low)
    height = HEIGHT * np.clip(on_scale(bilinear(values, uv), values), 0, 1)
    return np.concatenate([uv * 2 - 1, height[..., None]], axis=-1)


@pytest.mark.parametrize("agents", [1, 257])
@pytest.mark.parametrize("edge", [1, 8, 33])
def test_samples_lie_on_the_surface(gl, own, agents, edge):
    """Inside the window, on its borders and beyond; around the ring's end."""
    rng = np.random.default_rng(agents)
    positions = rng.uniform((-2.6, -1.6), (2.6, 3.6), (11, agents, 2)).astype(np.float32)
    positions[:, 0] = BOUNDS[0]
    positions[::2, 0] = BOUNDS[1]
    strands = rng.integers(0, 2**32, (11, agents), dtype=np.uint64)
    source, values = Recording(positions, strands), bumpy(edge)
    if edge == 1:
        values = np.float32([[2.5]])
    each = Placed(gl, own, source, values, length=4)
    for newest in (2, 3, 10):
        each.place.update(each.ring.upload(source, newest), 0)
    for tick in each.ring.ticks:
        points = each.points(tick)
        if edge > 1:
            np.testing.assert_allclose(points[:, :3], expected_points(positions[tick], values), atol=2e-5)
        else:
            assert (points[:, 2] == 0).all()
        np.testing.assert_array_equal(points[:, 3].view(np.uint32), source.strands[tick])


@pytest.mark.regression
def test_placed_one_by_one_they_lie_there_too(gl, own):
    """All of them at first, then those of individuals only, around the ring's end."""
    rng = np.random.default_rng(3)
    positions = rng.uniform((-2.6, -1.6), (2.6, 3.6), (6, 40, 2)).astype(np.float32)
    source, values = Recording(positions, rng.integers(0, 2**32, (6, 40), dtype=np.uint64)), bumpy(16)
    found = []
    for one_by_one in (False, True):
        each = Placed(gl, own, source, values, length=4)
        surface = Surface(BOUNDS, values, (float(values.min()), float(values.max())), HEIGHT)
        each.ring.point.write(np.zeros((4, 40, 4), np.float32).tobytes())
        for newest, individuals in ((2, 40), (5, 7)):
            each.individuals.choose(individuals)
            ticks = each.ring.upload(source, newest)
            each.place.update_one_by_one(ticks, surface) if one_by_one else each.place.update(ticks, 0)
        drawn = each.individuals.read()
        found.append(np.stack([each.points(tick)[drawn] for tick in each.ring.ticks]))
    np.testing.assert_allclose(found[0][..., :3], found[1][..., :3], atol=2e-5)
    np.testing.assert_array_equal(found[0][..., 3].view(np.uint32), found[1][..., 3].view(np.uint32))


def test_only_the_ticks_asked_for_are_placed(gl, own):
    source = Recording(np.zeros((4, 2, 2)))
    each = Placed(gl, own, source, bumpy(8), length=4)
    each.ring.upload(source, 3)
    each.ring.point.write(np.full((4, 2, 4), 99, np.float32).tobytes())
    each.place.update(range(1, 3), 0)
    assert [bool((each.points(tick) == 99).all()) for tick in range(4)] == [True, False, False, True]
    assert each.meter.dispatches == 1
    each.place.update(range(0), 0)
    assert each.meter.dispatches == 1


def colormap_rows():
    """Three rows whose colours tell where they were looked up: red the place, green the row."""
    rows = np.zeros((3, 256, 4), np.uint8)
    rows[..., 0], rows[..., 1], rows[..., 2] = np.arange(256), np.array([[40], [120], [200]]), 77
    return rows


def looked_up(row, at):
    """Return the colour [..., 3] of colour map `row` at places in [0, 1], as numbers in [0, 255]."""
    red = np.clip(at, 0, 1) * 255
    return np.stack([red, np.full_like(red, [40, 120, 200][row]), np.full_like(red, 77)], axis=-1)


def slopes(value, edge):
    """Return how steep the value is at the shades' texels, in scales a map's width: over two texels of it."""
    centres, step = (np.arange(edge) + 0.5) / edge, 1 / len(value)
    x, y = np.meshgrid(centres, centres)

    def at(dx, dy):
        return on_scale(bilinear(value, np.stack([x + dx, y + dy], axis=-1)), value)

    rise = at(step, 0) - at(-step, 0), at(0, step) - at(0, -step)
    return np.hypot(*rise) / (2 * step)


def expected_shades(shown, value, density, edge):
    centres = (np.arange(edge) + 0.5) / edge
    uv = np.stack(np.meshgrid(centres, centres), axis=-1)
    at_value = on_scale(bilinear(value, uv), value)
    at_density = on_scale(bilinear(density, uv), density)
    if shown == "value":
        return looked_up(0, at_value)
    if shown == "density":
        return looked_up(1, at_density)
    visits = np.clip(at_density, 0, 1)
    share = 0.75 * visits**2 * (3 - 2 * visits)
    return looked_up(0, at_value) * (1 - share[..., None]) + looked_up(1, at_density) * share[..., None]


@pytest.mark.parametrize("shown", ["value", "density", "both"])
@pytest.mark.parametrize("edges", [(32, 32), (16, 32), (33, 8)], ids=str)
def test_shades_are_the_colour_maps(gl, own, shown, edges):
    """Where the fields differ in size, borders included: beside them no colour of the other side shows."""
    value_edge, density_edge = edges
    value, density = bumpy(value_edge, 1), np.abs(bumpy(density_edge, 2))
    fields = uploaded(gl, own, value), uploaded(gl, own, density)
    ranges = ranges_of(gl, own, *fields)
    colormaps = own(clamped(gl.texture((256, 3), 4, colormap_rows().tobytes())))
    colormaps.use(Texture.COLORMAPS)
    shade = own(ShadePass(gl, max(edges), FrameMeter()))
    ranges.bind()
    first, second = (Paint(field.texture, index, index) for index, field in enumerate(fields))
    base, over = {"value": (first, None), "density": (second, None), "both": (first, second)}[shown]
    shade.update(base, over, contours=base is first)
    found = np.frombuffer(shade.texture.read(), np.uint8).reshape(max(edges), max(edges), 4)
    expected = expected_shades(shown, value, density, max(edges))
    # A sampler's own bilinear filter has 8 bits: of the scale, 1/256 of the step between two texels.
    assert np.abs(found[..., :3] - expected).max() <= 2
    steepness = STEEPEST * (found[..., 3] / 255.0) ** 2
    expected = 0 if shown == "density" else slopes(value, max(edges))
    np.testing.assert_allclose(steepness, np.minimum(expected, STEEPEST), atol=0.3, rtol=0.06)
