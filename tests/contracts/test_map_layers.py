"""The contract of map layers: every registered one and the stub, and a third in a picture."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from linear_critics import Drift, linear_checkpoint
from pictures import studio
from recording import Recording, spirals

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import Input, Inputs, MapLayer, MapPair, News
from valuescape.gpu.layers.registry import MAPS, MapRegistry
from valuescape.gpu.layers.stub import STUB
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE
from valuescape.gpu.live_objects import live_objects
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.gpu.trail_ring import TrailRing
from valuescape.render.scene.colormaps import DIVERGING, SEQUENTIAL, colormap_rows
from valuescape.render.scene.fields import Fields
from valuescape.render.view.looks import Looks
from valuescape.run.validate import validate
from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.subject import Subject

pytestmark = pytest.mark.gpu

UPLOADED = MapLayer(
    name="error",
    title="V - G",
    unit="return",
    meaning="how far the critic is off",
    make=UploadedMap.of,
    inputs=frozenset({Input.ARRAY}),
    ends=ScaleEnds(centred=True),
)
"""A map as a later one will be: an array that the processor computes, on a scale with 0 in its middle."""

TWINS = replace(linear_checkpoint(), critics=linear_checkpoint().critics * 2)
"""A checkpoint that no map lacks anything of."""

LAYERS = (*MAPS.layers, STUB, UPLOADED)
BOUNDS = ((-2.0, -1.0), (2.0, 3.0))

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=[each.name for each in LAYERS])


class Bench:
    """All that a layer may be made from, with a recording in the ring."""

    def __init__(self, gl):
        self.meter = FrameMeter()
        config = load_config(None, ["heatmap.resolution=16", "heatmap.density_resolution=16"])
        self.ring = TrailRing(gl, 20, 8, self.meter)
        self.critic = UploadedField(gl, 16, self.meter)
        self.critic.write(np.linspace(-3, 5, 256, dtype=np.float32))
        subject = Subject(config, Drift(), TWINS, linear_checkpoint())
        self.inputs = Inputs(gl, subject, self.ring, BOUNDS, self.critic, self.meter)
        self.ring.upload(Recording(spirals(20, 8)), 7)

    def cost(self):
        return self.meter.dispatches, self.meter.upload_bytes, self.meter.queries

    def news(self, layer):
        """News that concerns a layer; empty for one that follows neither ticks nor critic."""
        ticks = self.ring.ticks if Input.TRAILS in layer.inputs else range(0)
        return News(ticks, Input.CRITIC in layer.inputs)


@pytest.fixture
def bench(gl):
    bench = Bench(gl)
    yield bench
    bench.critic.release()
    bench.ring.release()


@contextmanager
def made(layer, inputs):
    """The layer's texture, with values if it takes some."""
    texture = layer.make(inputs)
    try:
        if Input.ARRAY in layer.inputs:
            texture.write(np.float32([[1, 2, 3], [-4, 5, 6]]))
        yield texture
    finally:
        texture.release()


@contextmanager
def fields_of(layer, inputs):
    """The maps of a scene that shows one layer."""
    maps = MapRegistry(dict.fromkeys((VALUE, DENSITY, layer)))
    fields = Fields(inputs, "either", maps)
    try:
        fields.take_looks(Looks())
        if Input.ARRAY in layer.inputs:
            fields.put(layer.name, np.float32([[1, 2, 3], [-4, 5, 6]]))
        fields.take_ticks(inputs.ring.ticks)
        fields.critic_changed()
        shown = fields.resolve(layer.name)
        fields.show(shown)
        yield fields, shown
    finally:
        fields.release()


@every_layer
def test_a_texture_is_float32_with_one_channel(bench, layer):
    with made(layer, bench.inputs) as texture:
        texture.refresh(News(bench.ring.ticks, critic=True))
        found = texture.texture
        assert (found.components, found.dtype) == (1, "f4")
        values = np.frombuffer(found.read(), np.float32)
    assert len(values) == found.width * found.height
    assert np.isfinite(values).all()


@every_layer
def test_lookups_beyond_the_border_give_the_border(bench, layer):
    """Else the colours of the opposite side would show at the map's edge."""
    with made(layer, bench.inputs) as texture:
        assert not texture.texture.repeat_x
        assert not texture.texture.repeat_y


@every_layer
def test_a_map_is_stale_after_news_that_concerns_it_and_only_then(bench, layer):
    """The first call returns True; a call without news costs nothing."""
    with made(layer, bench.inputs) as texture:
        assert texture.refresh(News(bench.ring.ticks, critic=True))
        before = bench.cost()
        assert not texture.refresh(News())
        assert bench.cost() == before
        if bench.news(layer):
            assert texture.refresh(bench.news(layer))
        if Input.ARRAY in layer.inputs:
            texture.write(np.zeros((2, 3), np.float32))
            assert texture.refresh(News())
            assert not texture.refresh(News())


@every_layer
def test_a_map_does_not_follow_what_it_is_not_made_from(bench, layer):
    with made(layer, bench.inputs) as texture:
        texture.refresh(News(bench.ring.ticks, critic=True))
        concerns = bench.news(layer)
        other = News(range(0) if concerns.ticks else bench.ring.ticks, not concerns.critic)
        assert not texture.refresh(other)


@every_layer
def test_a_release_frees_all_that_was_made(gl, bench, layer):
    """And nothing that is lent."""
    other = gl.compute_shader("#version 430\nlayout(local_size_x = 1) in;\nvoid main() {}")
    other.run(1)
    before = live_objects()
    for _ in range(3):
        with made(layer, bench.inputs) as texture:
            texture.refresh(News(bench.ring.ticks, critic=True))
        other.run(1)  # a program that is in use outlives its release
    assert live_objects() == before
    other.release()


@every_layer
def test_the_scale_holds_the_map_and_the_bar_explains_it(bench, layer):
    with fields_of(layer, bench.inputs) as (fields, shown):
        (bar,) = fields.bars(shown)
        texture = fields._made[layer.name].texture.texture
        values = np.frombuffer(texture.read(), np.float32)
    legend = layer.legend(bench.inputs.subject, bench.inputs.config.insight)
    assert bar.title == legend.label
    assert legend.title in bar.title
    assert legend.unit in bar.title
    assert bar.meaning == legend.meaning
    assert bar.names == legend.names
    assert bar.exponential == layer.counts
    if layer.scale_of:
        others = fields.bars(fields.resolve(layer.scale_of))
        assert (bar.row, bar.low, bar.high) == (others[0].row, others[0].low, others[0].high)
        return
    ends, most = legend.ends, np.abs(values).max()
    low, high = (-most, most) if ends.centred else (values.min(), values.max())
    assert bar.low == (low if ends.low is None else ends.low)
    assert bar.high == (high if ends.high is None else ends.high)


@every_layer
def test_two_layers_have_different_rows_and_ranges(bench, layer):
    others = [each for each in (VALUE, DENSITY) if each is not layer and each.name != layer.scale_of]
    with fields_of(layer, bench.inputs) as (fields, shown):
        (row,) = (bar.row for bar in fields.bars(shown))
        assert row not in {fields.bars(fields.resolve(each.name))[0].row for each in others}


@every_layer
def test_the_colour_map_is_one_that_is_offered(layer):
    assert layer.colormap in ("auto", *SEQUENTIAL, *DIVERGING)


@every_layer
def test_without_its_inputs_the_density_is_shown(bench, layer):
    inputs = replace(bench.inputs, critic=None)
    assert layer.available(inputs) == (Input.CRITIC not in layer.inputs)
    with fields_of(layer, inputs) as (fields, shown):
        assert shown.base is (layer if layer.available(inputs) else DENSITY)
        assert len(fields.bars(shown)) == 1


def test_a_name_is_registered_once():
    maps = MapRegistry((VALUE, DENSITY))
    with pytest.raises(ValueError, match="'value' is registered already"):
        maps.register(replace(STUB, name="value"))
    assert maps.names == ("value", "density")
    assert maps.find("value") is VALUE


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"heatmap\.layer: 'densitiy' is unknown") as error:
        MAPS.find("densitiy")
    assert "did you mean density?" in str(error.value)


def test_a_run_with_an_unknown_map_is_refused():
    with pytest.raises(UsageError, match=r"heatmap\.layer: 'valeu' is unknown"):
        validate(load_config(None, ["heatmap.layer=valeu"]))


def test_the_key_for_maps_begins_with_value_density_and_both():
    assert MAPS.names[:3] == ("value", "density", "both")
    assert MAPS.find("both") == MapPair("both", VALUE, DENSITY)


def test_a_pair_needs_what_both_of_its_maps_need(bench):
    lacking = replace(STUB, name="lacking", lacks=lambda _: "it is not there")
    maps = MapRegistry((VALUE, lacking, MapPair("pair", VALUE, lacking)))
    assert maps.available(bench.inputs) == ["value"]
    with pytest.raises(UsageError, match=r"heatmap\.layer = 'pair', but it is not there"):
        maps.require("pair", bench.inputs.subject)


def test_an_array_of_another_shape_is_refused(bench):
    with made(UPLOADED, bench.inputs) as texture, pytest.raises(ValueError, match=r"\[height, width\]"):
        texture.write(np.zeros(6, np.float32))


def test_only_maps_that_take_arrays_are_given_some(bench):
    with fields_of(UPLOADED, bench.inputs) as (fields, _):
        for name in ("value", "nothing"):
            with pytest.raises(KeyError, match=name):
                fields.put(name, np.zeros((2, 2), np.float32))


def test_a_map_that_was_hidden_is_up_to_date_when_it_is_shown(bench):
    """It is told of ticks that it has missed, once."""
    heard = []

    class Listener:
        texture = bench.critic.texture

        def refresh(self, news):
            heard.append(news)
            return bool(news)

        def release(self):
            pass

    layer = replace(STUB, name="listener", make=lambda _: Listener())
    maps = MapRegistry((VALUE, DENSITY, layer))
    fields = Fields(bench.inputs, "either", maps)
    fields.show(fields.resolve("listener"))
    fields.show(fields.resolve("value"))
    for ticks in (range(8, 9), range(9, 11)):
        fields.take_ticks(ticks)
    fields.critic_changed()
    assert heard == [News(range(8), critic=True)]
    fields.show(fields.resolve("listener"))
    fields.show(fields.resolve("listener"))
    assert heard[1:] == [News(range(8, 11), critic=True)]
    fields.release()


def colors_of(name, places):
    return colormap_rows([name])[-1][np.round(np.array(places) * 255).astype(int), :3].astype(int)


def test_a_third_map_is_shown_with_its_own_colour_bar(gl):
    """A value and its registration are all it takes: an array on the flat map and on the surface."""
    maps = MapRegistry((VALUE, DENSITY, MapPair("both", VALUE, DENSITY), UPLOADED))
    nobody = Recording(np.full((2, 3, 2), 99, np.float32))
    settings = "trails.end_marks=false", "heatmap.contours=0"
    with studio(gl, nobody, *settings, size=(640, 360), maps=maps) as camera:
        before = camera.shoot(layer="value")
        camera.scene.put_map("error", np.float32([[-3, -3, 1, 1]] * 4))
        flat, surface = camera.shoot(layer="error"), camera.shoot(layer="error", flat=False)
        assert (camera.shoot(layer="value") == before).all()
        plot = camera.scene.plot()
    low, high = colors_of("RdBu_r", [0, 4 / 6])
    row = round((plot.top + plot.bottom) / 2)
    left, right = (flat[row, round(plot.left + share * plot.width)] for share in (0.2, 0.8))
    assert np.abs(left - low).max() <= 2
    assert np.abs(right - high).max() <= 2
    bar = flat[round(plot.top) + 2 : round(plot.bottom) - 2, round(plot.right) :]
    for end in colors_of("RdBu_r", [0.02, 0.5, 0.98]):
        assert (np.abs(bar - end).max(axis=2) <= 3).any(), "the bar shows the whole colour map"
    blue, red = (surface[..., a] - surface[..., b] > 40 for a, b in ((2, 0), (0, 2)))
    assert blue.sum() > 1000
    assert red.sum() > 1000
