"""Map layers of a scene: their textures, the ranges of their colour scales, their colours and colour bars."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import COLORMAP_WIDTH
from valuescape.gpu.layers.density import DENSITY, DensityMap
from valuescape.gpu.layers.layer import Input, Inputs, Legend, MapLayer, MapPair, MapTexture, News
from valuescape.gpu.layers.registry import MAPS, MapRegistry
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE
from valuescape.gpu.owner import Owner
from valuescape.gpu.passes.ranges import FOLLOWING, RangePass, ScaleEnds
from valuescape.gpu.passes.shade import Paint, ShadePass, Support
from valuescape.gpu.textures import clamped
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.colormaps import (
    DIVERGING,
    FIRST_LAYER_ROW,
    QUIET,
    colormap_rows,
    layer_map,
    value_map,
)
from valuescape.render.view.choosing import MapChoice
from valuescape.render.view.looks import Looks
from valuescape.sim.arrays import Float32Array
from valuescape.sim.worlds.base import Termination

_SLOW = 4
"""Calls of `take_ticks` between two looks at a range that changes slowly: a look costs two passes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The layers in a pane: `base`, and `over` on top of it.

    colored_as: the layer whose colours the base has, on the joint scale of both panes; None: its own.
    apart: the number of a pane whose base is on a scale of its own, though it shares one with the map beside
    it (`MapLayer.scale_of`); None elsewhere.
    """

    base: MapLayer
    over: MapLayer | None = None
    colored_as: MapLayer | None = None
    apart: int | None = None

    @property
    def layers(self) -> tuple[MapLayer, ...]:
        """Those that there are, the lowest first."""
        return (self.base, self.over) if self.over else (self.base,)


@dataclass(frozen=True, slots=True)
class _Style:
    """Colour map and ends of the scale of a layer."""

    colormap: str
    ends: ScaleEnds


@dataclass(slots=True)
class _Made:
    """A layer's texture, the news it has not had yet, and whether its range is out of date.

    copy: its values [height, width], if somebody asked for them since they changed. about: the slice and the
    settings that they were made for; None if they depend on neither, or follow at once.
    """

    texture: MapTexture
    news: News
    range_stale: bool = False
    copy: Float32Array | None = None
    about: object = None


class Fields(Owner):
    """The maps of a scene; the surface is lifted by the value, or by the density where there is no critic.

    titles: of colour bars, by the layer's name, where they differ from the layer's own.
    revision: a number that changes when a map has other values, but for what ticks add to it.
    termination: its meaning in the world, for the colours of outcomes. maps: those that can be shown. about:
    the slice and the settings that maps are asked for; a map of other ones tells no numbers.
    """

    def __init__(self, inputs: Inputs, termination: Termination, maps: MapRegistry = MAPS) -> None:
        super().__init__()
        self._inputs, self._termination, self._maps = inputs, termination, maps
        self._layers = maps.layers
        self._by_name = {layer.name: layer for layer in self._layers}
        self._on_scale: dict[str, list[str]] = {layer.name: [] for layer in self._layers}
        for layer in self._layers:
            self._on_scale[self._scale_owner(layer).name].append(layer.name)
        subject = inputs.subject
        self._legends = {each.name: each.legend(subject, subject.config.insight) for each in self._layers}
        self._height = VALUE if inputs.critic else DENSITY
        self.titles: dict[str, str] = {}
        self.about: object = None
        self.revision = 0
        self._least_visits = 0.0
        self._made: dict[str, _Made] = {}
        self._styles: dict[str, _Style] = {}
        self._on_screen: tuple[MapLayer, ...] = ()
        self._joined: tuple[int, int] | None = None
        self._apart: tuple[Shown, ...] = ()
        self._uploads = 0
        with self._making():
            self._make()
        self.shown_ranges: NDArray[Any] = self._ranges.read()

    def _make(self) -> None:
        gl, heatmap, meter = self._inputs.gl, self._inputs.config.heatmap, self._inputs.meter
        for layer in self._layers:
            if layer.always and layer.available(self._inputs):
                self._make_layer(layer, News())
        self._joint = len(self._layers)
        self._ranges = self._own(RangePass(gl, self._joint + 3, heatmap.range_hysteresis, meter))
        self._shades = [self._make_shade()]
        rows = FIRST_LAYER_ROW + len(self._layers)
        self._colormaps = clamped(self._own(gl.texture((COLORMAP_WIDTH, rows), 4)))

    def _make_shade(self) -> ShadePass:
        heatmap = self._inputs.config.heatmap
        edge = max(heatmap.resolution, heatmap.density_resolution)
        return self._own(ShadePass(self._inputs.gl, edge, self._inputs.meter))

    def _make_layer(self, layer: MapLayer, news: News) -> _Made:
        made = _Made(self._own(layer.make(self._inputs)), news)
        self._made[layer.name] = made
        return made

    @property
    def height_layer(self) -> int:
        """Index of the range of the layer that lifts the surface."""
        return self._index(self._height)

    @property
    def density(self) -> DensityMap:
        """The visits."""
        density = self._made[DENSITY.name].texture
        assert isinstance(density, DensityMap)
        return density

    def _index(self, layer: MapLayer) -> int:
        """Return the index of the range and colours of a layer, or of the layer that it shares them with."""
        return self._layers.index(self._scale_owner(layer))

    def _scale_owner(self, layer: MapLayer) -> MapLayer:
        return self._by_name.get(layer.scale_of, layer)

    @property
    def available(self) -> list[str]:
        """Names of the maps that can be shown here."""
        return self._maps.available(self._inputs)

    def choices(self) -> list[MapChoice]:
        """Return all maps with their meanings, those that cannot be shown here with the reason."""
        return [MapChoice(name, self._said_of(self._maps.find(name))) for name in self._maps.names]

    def _said_of(self, entry: MapLayer | MapPair) -> str:
        for layer in entry.parts:
            if lack := layer.lacks(self._inputs.subject):
                return f"cannot be shown here: {lack}"
            if not layer.available(self._inputs):
                return "cannot be shown here: there is no critic (policy.checkpoint)"
        return "; ".join(filter(None, (self._legends[layer.name].meaning for layer in entry.parts)))

    def layers_of(self, names: Iterable[str]) -> set[MapLayer]:
        """Return the layers that are drawn for several names, as `resolve` gives them."""
        return {layer for name in names for layer in self.resolve(name).layers}

    def resolve(self, name: str) -> Shown:
        """Return the layers that are drawn for `name`.

        The density, where inputs of `name` are missing; the base alone, where it is quiet for the sake of
        trails.
        """
        found = self._maps.find(name)
        base, over = (found.base, found.over) if isinstance(found, MapPair) else (found, None)
        if not (base.available(self._inputs) and (over is None or over.available(self._inputs))):
            return Shown(DENSITY)
        style = self._styles.get(base.name)
        return Shown(base, None if style and style.colormap == QUIET else over)

    def resolve_both(self, left: str, right: str, *, linked: bool) -> tuple[Shown, Shown]:
        """Return the layers that are drawn for two names, side by side.

        linked: on one colour scale, if both bases show the same quantity.
        """
        first, second = self.resolve(left), self.resolve(right)
        bases = first.base, second.base
        if not linked and first.base is not second.base and self._index(bases[0]) == self._index(bases[1]):
            return replace(first, apart=0), replace(second, apart=1)
        if not linked or not first.base.quantity or first.base.quantity != second.base.quantity:
            return first, second
        colors = VALUE if VALUE in bases else first.base
        return replace(first, colored_as=colors), replace(second, colored_as=colors)

    def take_ticks(self, ticks: range) -> None:
        """Bring maps up to date with `ticks`, which must be in the ring."""
        self._tell(News(ticks))
        self._update_ranges(slow=self._uploads % _SLOW == 0)
        if not self._uploads:
            self.read_ranges()
        self._uploads += 1

    def critic_changed(self) -> None:
        """Bring maps up to date with the critic's field, so that the next picture's colour bar is of it."""
        if self._inputs.critic:
            self._tell(News(critic=True))
            self._update_ranges(slow=False)
            self.read_ranges()

    def put(
        self,
        name: str,
        values: Float32Array,
        certainty: Float32Array | None = None,
        legend: Legend | None = None,
        about: object = None,
    ) -> bool:
        """Give a map with the input ARRAY its values [height, width]; return whether heights are others now.

        legend: what the colour bar says of them, where that depends on settings. about: the slice and the
        settings that they were made for; None if they depend on neither. Raises KeyError for another map.
        """
        before = self._height_ends
        layers = {each.name: each for each in self._layers if Input.ARRAY in each.inputs}
        made = self._made.get(name) or self._make_layer(layers[name], News())
        if not isinstance(made.texture, UploadedMap):
            raise KeyError(f"the map {name!r} takes no array")
        made.texture.write(values, certainty)
        made.about = about
        self._legends[name] = legend or self._legends[name]
        self._refresh(made)
        self._update_ranges(slow=True)
        self.read_ranges()
        return self._height_ends != before

    @property
    def _height_ends(self) -> tuple[float, float]:
        """The ends of the scale of heights, which a map that shares it may move."""
        shown = self.shown_ranges[self.height_layer]
        return float(shown["shown_low"]), float(shown["shown_high"])

    def _tell(self, news: News) -> None:
        """Pass news on to the maps that are kept up to date; the others get it when they are shown."""
        for layer in self._layers:
            made = self._made.get(layer.name)
            if made is None:
                continue
            made.news = made.news.then(news)
            if layer.always or layer in self._on_screen:
                self._refresh(made)

    def _refresh(self, made: _Made) -> None:
        if made.texture.refresh(made.news):
            made.range_stale, made.copy = True, None
            self.revision += made.news.critic or isinstance(made.texture, UploadedMap)
        made.news = News()

    def _update_ranges(self, *, slow: bool) -> None:
        """Look at the ranges that are out of date. slow: also at those that change slowly."""
        looked: set[int] = set()
        for index, layer in enumerate(self._layers):
            sharing = self._sharing(layer)
            if any(made.range_stale for made in sharing) and (slow or not layer.slow_range):
                self._ranges.update(index, *(made.texture.texture for made in sharing))
                for made in sharing:
                    made.range_stale = False
                looked.add(index)
        if looked & {*(self._joined or ()), *(self._index(shown.base) for shown in self._apart)}:
            self._join()

    def _sharing(self, layer: MapLayer) -> list[_Made]:
        """Return the maps made that are on the scale of a layer; none if it has none of its own."""
        return [self._made[name] for name in self._on_scale[layer.name] if name in self._made]

    def _join(self) -> None:
        """Bring the scales of two panes up to date: the joint one, or two apart."""
        if self._joined:
            self._ranges.join(*self._joined, self._joint)
        for shown in self._apart:
            self._ranges.update(self._scale(shown.base, shown)[0], self._texture(shown.base))

    def show(self, *pictures: Shown) -> None:
        """Make the layers of each pane, where they are not made yet, and bring them up to date."""
        self._on_screen = tuple(dict.fromkeys(layer for shown in pictures for layer in shown.layers))
        for layer in self._on_screen:
            made = self._made.get(layer.name)
            new = made is None
            if made is None:
                made = self._make_layer(layer, News(self._inputs.ring.ticks, critic=True))
            if new or made.news:
                self._refresh(made)
                self._update_ranges(slow=False)
            if new:
                self.read_ranges()
        joined = [self._index(shown.base) for shown in pictures if shown.colored_as]
        wanted = (joined[0], joined[1]) if joined else None
        apart = tuple(shown for shown in pictures if shown.apart is not None)
        if (wanted, apart) != (self._joined, self._apart):
            self._joined, self._apart = wanted, apart
            for shown in apart:
                style = self._styles.get(shown.base.name)
                self._ranges.keep(self._scale(shown.base, shown)[0], style.ends if style else FOLLOWING)
            self._join()
            self.read_ranges()

    def take_looks(self, looks: Looks, *, signed: bool = False) -> bool:
        """Take over colour maps and the ends of scales; return whether heights are others now.

        signed: trails have a diverging colour map, from which the value steps back.
        """
        self._least_visits = looks.insight.min_visits
        styles = {
            layer.name: _style(layer, self._ends_of(layer, looks), looks, signed=signed)
            for layer in self._layers
        }
        before, self._styles = self._styles, styles
        if styles == before:
            return False
        colors = [style.colormap for style in styles.values()]
        if colors != [style.colormap for style in before.values()]:
            self._colormaps.write(colormap_rows(colors, self._termination).tobytes())
        return self._take_ends(before)

    def _ends_of(self, layer: MapLayer, looks: Looks) -> ScaleEnds:
        """Return the ends of a layer's scale; of the value's, a person's choice goes before those held."""
        if layer is not VALUE:
            return self._legends[layer.name].ends
        low, high = self._inputs.subject.value_ends or (None, None)
        return ScaleEnds(_end(looks.heatmap.low, low), _end(looks.heatmap.high, high))

    def _take_ends(self, before: dict[str, _Style]) -> bool:
        """Set the ends of scales that differ from those before; return whether heights are others now."""
        moved = []
        for index, layer in enumerate(self._layers):
            old, ends = before.get(layer.name), self._styles[layer.name].ends
            if ends != (old.ends if old else FOLLOWING):
                self._ranges.keep(index, ends)
                sharing = self._sharing(layer)
                if sharing:
                    self._ranges.update(index, *(made.texture.texture for made in sharing))
                    moved.append(layer)
        if moved:
            self._join()
            self.read_ranges()
        return self._height in moved

    def read_ranges(self) -> None:
        """Bring the numbers of the colour bars up to date; a GPU query."""
        self.shown_ranges = self._ranges.read()

    def ends(self) -> dict[str, tuple[float, float]]:
        """Return the ends of the colour scales as they were read last, by the names of the maps made.

        Two scales that stand apart are there as "apart 0" and "apart 1".
        """
        found = {name: self.shown_ranges[index] for name, index in self._scales().items()}
        return {name: (float(ends["shown_low"]), float(ends["shown_high"])) for name, ends in found.items()}

    def set_ends(self, ends: Mapping[str, tuple[float, float]]) -> None:
        """Set the ends of the colour scales of maps that are made; the next new values may move them."""
        scales = self._scales()
        for name in self._made.keys() & ends.keys():
            self._ranges.write(scales[name], *ends[name])
        self._join()
        for name in scales.keys() & ends.keys() - self._made.keys():
            self._ranges.write(scales[name], *ends[name])
        self.read_ranges()

    def _scales(self) -> dict[str, int]:
        """Return the indices of the scales of the maps made, by name, and of those that stand apart."""
        own = {each.name: index for index, each in enumerate(self._layers) if each.name in self._made}
        return own | {f"apart {each.apart}": self._scale(each.base, each)[0] for each in self._apart}

    def read_heights(self) -> tuple[Float32Array, tuple[float, float]]:
        """Return the field [rows, columns] that lifts the surface, and the ends of its scale; GPU queries."""
        self._inputs.meter.queries += 1
        texture = self._texture(self._height)
        values = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        shown = self._ranges.read()[self.height_layer]
        return values, (float(shown["shown_low"]), float(shown["shown_high"]))

    def said_at(self, shown: Shown, u: float, v: float) -> str:
        """Return the number of a pane's base at a place, [0, 1]^2, with its title; a query if it changed."""
        return " ".join(self._number_at(shown.base, u, v))

    def numbers_at(self, u: float, v: float) -> list[tuple[str, str]]:
        """Return title and number of each map that has been made, but the value; may need GPU queries.

        Maps of another slice or other settings than `about` are left out, and have a dash while they are
        shown, as they come soon.
        """
        known = {name for name, made in self._made.items() if made.about in (None, self.about)}
        said = []
        for layer in self._layers:
            if (
                layer is not VALUE
                and layer.name in self._made
                and (layer.name in known or layer in self._on_screen)
            ):
                title, number = self._number_at(layer, u, v)
                said.append((title, number if layer.name in known else "–"))
        return said

    def copy_of(self, name: str) -> tuple[Float32Array, Float32Array | None] | None:
        """Return values and certainty of a map, [height, width]; GPU queries.

        None if it is not made, or of another slice or other settings than `about`.
        """
        made = self._made.get(name)
        if made is None or made.about not in (None, self.about):
            return None
        texture = made.texture.certainty if isinstance(made.texture, UploadedMap) else None
        if texture is None:
            return self._values(made), None
        certainty = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        return self._values(made), certainty

    def _number_at(self, layer: MapLayer, u: float, v: float) -> tuple[str, str]:
        made, legend = self._made.get(layer.name), self._legends[layer.name]
        value = _texel(self._values(made), u, v) if made else math.nan
        if layer.counts:
            value = 2**value - 1
        number = f"{value:.4g}".replace("-", "−") if math.isfinite(value) else "–"
        if 0 <= value < len(legend.names):
            number = legend.names[min(round(value), len(legend.names) - 1)]
        return self.titles.get(layer.name, legend.label), number

    def _values(self, made: _Made) -> Float32Array:
        if made.copy is None:
            self._inputs.meter.queries += 1
            texture = made.texture.texture
            made.copy = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        return made.copy

    def bars(self, shown: Shown) -> tuple[ColorBar, ...]:
        """Return the colour bars of the layers in a pane."""
        return tuple(self._bar(layer, *self._scale(layer, shown)) for layer in shown.layers)

    def _scale(self, layer: MapLayer, shown: Shown) -> tuple[int, int]:
        """Return the index of a layer's range, and the row of its colour map."""
        if layer is shown.base and shown.colored_as:
            return self._joint, FIRST_LAYER_ROW + self._index(shown.colored_as)
        index = self._index(layer)
        if layer is shown.base and shown.apart is not None:
            return self._joint + 1 + shown.apart, FIRST_LAYER_ROW + index
        return index, FIRST_LAYER_ROW + index

    def height_bar(self) -> ColorBar:
        """Return the scale of the layer that lifts the surface."""
        return self._bar(self._height, *self._scale(self._height, Shown(self._height)))

    def _bar(self, layer: MapLayer, index: int, row: int) -> ColorBar:
        ends, legend = self.shown_ranges[index], self._legends[layer.name]
        return ColorBar(
            self.titles.get(layer.name, legend.label),
            row,
            float(ends["shown_low"]),
            float(ends["shown_high"]),
            exponential=layer.counts,
            names=legend.names,
            meaning=self._meaning(layer),
        )

    def _meaning(self, layer: MapLayer) -> str:
        """Return the line that explains a layer's colours."""
        said = self._legends[layer.name].meaning
        if layer is DENSITY or self._least_visits <= 0:
            return said
        return f"{said}; faded: fewer than {self._least_visits:g} visits"

    def place(self, shown: Shown) -> str:
        """Return the states that the maps of a picture are about; "" if they are those of the slice."""
        return next(filter(None, (self._legends[layer.name].place for layer in shown.layers)), "")

    def fill(self, frame: NDArray[Any], shown: Shown, contours: int, *, flat: bool) -> None:
        """Write into the frame block what shaders need of the maps.

        contours: lines over the colour scale. The raised surface has only those of its own height.
        """
        lines = shown.base.contours and (flat or shown.base is self._height)
        frame["height_layer"], frame["base_layer"] = self.height_layer, self._scale(shown.base, shown)[0]
        frame["contours"] = contours if lines else 0

    def bind_heights(self) -> None:
        """Make the surface's height and the ranges visible to passes."""
        self._ranges.bind()
        self._texture(self._height).use(Texture.HEIGHT)

    def bind(self) -> None:
        """Make the height, the ranges and the colours visible to shaders."""
        self.bind_heights()
        self._colormaps.use(Texture.COLORMAPS)

    def shade(self, shown: Shown, pane: int = 0) -> None:
        """Colour the layers of a pane; ranges and colours must be bound. Binds the base and the colours.

        Each pane has a texture of its own: one that is being drawn with is not written again.
        """
        if pane == len(self._shades):
            self._shades.append(self._make_shade())
        shade, base = self._shades[pane], self._paint(shown.base, shown)
        over = self._paint(shown.over, shown) if shown.over else None
        shade.update(base, over, contours=shown.base.contours, support=self._support(shown.base))
        shade.texture.use(Texture.SHADES)

    def _support(self, base: MapLayer) -> Support | None:
        """Return the visits that a map fades without; None if it does not fade."""
        if base is DENSITY or self._least_visits <= 0:
            return None
        return Support(self._texture(DENSITY), self._least_visits)

    def _paint(self, layer: MapLayer, shown: Shown) -> Paint:
        texture = self._made[layer.name].texture
        certainty = texture.certainty if isinstance(texture, UploadedMap) else None
        return Paint(texture.texture, *self._scale(layer, shown), certainty)

    def _texture(self, layer: MapLayer) -> Any:
        return self._made[layer.name].texture.texture


def _texel(values: Float32Array, u: float, v: float) -> float:
    """Return the value of the texel at (u, v), which are in [0, 1]."""
    rows, columns = values.shape
    return float(values[min(int(v * rows), rows - 1), min(int(u * columns), columns - 1)])


def _style(layer: MapLayer, ends: ScaleEnds, looks: Looks, *, signed: bool) -> _Style:
    """Return a layer's colour map and ends: a person's choice for value and density, else the layer's own."""
    if layer is VALUE:
        colormap = value_map(looks.heatmap.colormap, signed=signed)
        return _Style(colormap, replace(ends, centred=colormap in DIVERGING))
    if layer is DENSITY:
        return _Style(looks.heatmap.density_colormap, ends)
    return _Style(layer_map(layer.colormap, centred=ends.centred), ends)


def _end(setting: Literal["auto"] | float, held: float | None) -> float | None:
    """Return an end of a colour scale: as set, else as held; None if it follows the field."""
    return held if setting == "auto" else setting
