"""Map layers of a scene: their textures, colours and colour bars."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import COLORMAP_WIDTH
from valuescape.gpu.layers.density import DENSITY, DensityMap
from valuescape.gpu.layers.layer import Input, Inputs, Legend, MapLayer, MapPair, News
from valuescape.gpu.layers.registry import MAPS, MapRegistry
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.gpu.layers.value import VALUE
from valuescape.gpu.owner import Owner
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.gpu.passes.shade import Paint, ShadePass, Support
from valuescape.gpu.textures import clamped
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.colormaps import FIRST_LAYER_ROW, QUIET, colormap_rows
from valuescape.render.scene.made_maps import MadeMap, Shown, read_texture
from valuescape.render.scene.map_numbers import MapNumbers
from valuescape.render.scene.map_scales import MapScales
from valuescape.render.scene.map_styles import MapStyle, end_of, style_of
from valuescape.render.scene.painted_map import MapContent
from valuescape.render.view.choosing import MapChoice
from valuescape.render.view.looks import Looks
from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds.base import Termination

_SLOW = 4
"""Calls of `take_ticks` between two looks at a range that changes slowly: a look costs two passes."""


class Fields(Owner):
    """The maps of a scene; the surface is lifted by the value, or by the density where there is no critic.

    titles: of colour bars, by the layer's name, where they differ from the layer's own. scales: the ends of
    colour scales. numbers: what maps say at a place.
    revision: a number that changes when a map has other values, but for what ticks add to it. hold_ticks:
    the interval at which the colours of visits follow them; 0: in each frame.
    termination: its meaning in the world, for the colours of outcomes. maps: those that can be shown.
    """

    def __init__(self, inputs: Inputs, termination: Termination, maps: MapRegistry = MAPS) -> None:
        super().__init__()
        self._inputs, self._termination, self._maps = inputs, termination, maps
        self._layers = maps.layers
        self._legends: dict[str, Legend] = {}
        self._take_legends()
        self._height = VALUE if inputs.critic else DENSITY
        self.titles: dict[str, str] = {}
        self.revision = 0
        self._least_visits = 0.0
        self._made: dict[str, MadeMap] = {}
        self._styles: dict[str, MapStyle] = {}
        self._uploads = 0
        self.hold_ticks = 0
        self._held: tuple[int, object] = -1, None
        self._restyled = 0
        self._shaded: dict[int, object] = {}
        self.numbers = MapNumbers(self._layers, self._made, self._legends, self.titles, inputs.meter)
        with self._making():
            self._make()

    def _make(self) -> None:
        gl = self._inputs.gl
        for layer in self._layers:
            if layer.always and layer.available(self._inputs):
                self._make_layer(layer, News())
        self.scales = self._own(MapScales(self._inputs, self._layers, self._made))
        self._shades = [self._make_shade()]
        rows = FIRST_LAYER_ROW + len(self._layers)
        self._colormaps = clamped(self._own(gl.texture((COLORMAP_WIDTH, rows), 4)))

    def take_subject(self, subject: Subject) -> None:
        """Show another checkpoint, or another world; `critic_changed` brings maps up to date with it."""
        self._inputs = replace(self._inputs, subject=subject)
        self._take_legends()

    def _take_legends(self) -> None:
        subject = self._inputs.subject
        insight = subject.config.insight
        self._legends.update({each.name: each.legend(subject, insight) for each in self._layers})

    def _make_shade(self) -> ShadePass:
        heatmap = self._inputs.config.heatmap
        edge = max(heatmap.resolution, heatmap.density_resolution)
        return self._own(ShadePass(self._inputs.gl, edge, self._inputs.meter))

    def _make_layer(self, layer: MapLayer, news: News) -> MadeMap:
        made = MadeMap(self._own(layer.make(self._inputs)), news)
        self._made[layer.name] = made
        return made

    def try_maps(self, names: Iterable[str]) -> None:
        """Make these maps and release them, to know that they come out right. Raises what they raise."""
        for layer in (layer for name in names for layer in self._maps.find(name).parts):
            if layer.available(self._inputs):
                layer.make(self._inputs).release()

    @property
    def height_layer(self) -> int:
        """Index of the range of the layer that lifts the surface."""
        return self.scales.index(self._height)

    @property
    def density(self) -> DensityMap:
        """The visits."""
        density = self._made[DENSITY.name].texture
        assert isinstance(density, DensityMap)
        return density

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
        if (
            not linked
            and first.base is not second.base
            and self.scales.index(bases[0]) == self.scales.index(bases[1])
        ):
            return replace(first, apart=0), replace(second, apart=1)
        if not linked or not first.base.quantity or first.base.quantity != second.base.quantity:
            return first, second
        colors = VALUE if VALUE in bases else first.base
        return replace(first, colored_as=colors), replace(second, colored_as=colors)

    def take_ticks(self, ticks: range) -> None:
        """Bring maps up to date with `ticks`, which must be in the ring."""
        self._tell(News(ticks))
        self.scales.update(slow=self._uploads % _SLOW == 0)
        if not self._uploads:
            self.scales.read()
        self._uploads += 1

    def critic_changed(self) -> None:
        """Bring maps up to date with the critic's field, so that the next picture's colour bar is of it."""
        if self._inputs.critic:
            self._tell(News(critic=True))
            self.scales.update(slow=False)
            self.scales.read()

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
        before = self.scales.shown_ends(self.height_layer)  # a map that shares the scale may move them
        layers = {each.name: each for each in self._layers if Input.ARRAY in each.inputs}
        made = self._made.get(name) or self._make_layer(layers[name], News())
        if not isinstance(made.texture, UploadedMap):
            raise KeyError(f"the map {name!r} takes no array")
        made.texture.write(values, certainty)
        made.about = about
        self._legends[name] = legend or self._legends[name]
        self._refresh(made)
        self.scales.update(slow=True)
        self.scales.read()
        return self.scales.shown_ends(self.height_layer) != before

    def _tell(self, news: News) -> None:
        """Pass news on to the maps that are kept up to date; the others get it when they are shown."""
        for layer in self._layers:
            made = self._made.get(layer.name)
            if made is None:
                continue
            made.news = made.news.then(news)
            if layer.always or layer in self.numbers.on_screen:
                self._refresh(made)

    def _refresh(self, made: MadeMap) -> None:
        if made.texture.refresh(made.news):
            made.range_stale, made.copy = True, None
            made.changes += 1
            self.revision += made.news.critic or isinstance(made.texture, UploadedMap)
        made.news = News()

    def show(self, *pictures: Shown) -> None:
        """Make the layers of each pane, where they are not made yet, and bring them up to date."""
        self.numbers.on_screen = tuple(dict.fromkeys(layer for shown in pictures for layer in shown.layers))
        for layer in self.numbers.on_screen:
            made = self._made.get(layer.name)
            new = made is None
            if made is None:
                made = self._make_layer(layer, News(self._inputs.ring.ticks, critic=True))
            if new or made.news:
                self._refresh(made)
                self.scales.update(slow=False)
            if new:
                self.scales.read()
        self.scales.show(pictures)

    def take_looks(self, looks: Looks, *, signed: bool = False) -> bool:
        """Take over colour maps and the ends of scales; return whether heights are others now.

        signed: trails have a diverging colour map, from which the value steps back.
        """
        self._least_visits = looks.insight.min_visits
        styles = {
            layer.name: style_of(layer, self._ends_of(layer, looks), looks, signed=signed)
            for layer in self._layers
        }
        before, self._styles = self._styles, styles
        if styles == before:
            return False
        self._restyled += 1
        colors = [style.colormap for style in styles.values()]
        if colors != [style.colormap for style in before.values()]:
            self._colormaps.write(colormap_rows(colors, self._termination).tobytes())
        moved = self.scales.keep({name: style.ends for name, style in styles.items()})
        return self._height in moved

    def _ends_of(self, layer: MapLayer, looks: Looks) -> ScaleEnds:
        """Return the ends of a layer's scale; of the value's, a person's choice goes before those held."""
        if layer is not VALUE:
            return self._legends[layer.name].ends
        low, high = self._inputs.subject.value_ends or (None, None)
        return ScaleEnds(end_of(looks.heatmap.low, low), end_of(looks.heatmap.high, high))

    def read_heights(self) -> tuple[Float32Array, tuple[float, float]]:
        """Return the field [rows, columns] that lifts the surface, and the ends of its scale; GPU queries."""
        self._inputs.meter.queries += 1
        return read_texture(self._texture(self._height)), self.scales.ends_now(self.height_layer)

    def bars(self, shown: Shown) -> tuple[ColorBar, ...]:
        """Return the colour bars of the layers in a pane."""
        return tuple(self._bar(layer, *self.scales.place(layer, shown)) for layer in shown.layers)

    def height_bar(self) -> ColorBar:
        """Return the scale of the layer that lifts the surface."""
        return self._bar(self._height, *self.scales.place(self._height, Shown(self._height)))

    def _bar(self, layer: MapLayer, index: int, row: int) -> ColorBar:
        (low, high), legend = self.scales.shown_ends(index), self._legends[layer.name]
        return ColorBar(
            self.titles.get(layer.name, legend.label),
            row,
            low,
            high,
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
        frame["height_layer"], frame["base_layer"] = (
            self.height_layer,
            self.scales.place(shown.base, shown)[0],
        )
        frame["contours"] = contours if lines else 0

    def bind_heights(self) -> None:
        """Make the surface's height and the ranges visible to passes."""
        self.scales.bind()
        self._texture(self._height).use(Texture.HEIGHT)

    def bind(self) -> None:
        """Make the height, the ranges and the colours visible to shaders."""
        self.bind_heights()
        self._colormaps.use(Texture.COLORMAPS)

    def shade(self, shown: Shown, pane: int = 0) -> object:
        """Colour the layers of a pane; ranges and colours must be bound. Binds the base and the colours.

        Returns what the colours depend on, which is equal while they stay as they are. Each pane has a
        texture of its own: one that is being drawn with is not written again. The texture of a pane is stale
        when a map in it has other values, its scale other ends, or a style changes; visits only every
        `hold_ticks`.
        """
        if pane == len(self._shades):
            self._shades.append(self._make_shade())
        shade, base = self._shades[pane], self._paint(shown.base, shown)
        over = self._paint(shown.over, shown) if shown.over else None
        content = self._content(shown)
        if self._shaded.get(pane) != content:
            self._shaded[pane] = content
            support = self._support(shown.base)
            shade.update(base, over, contours=shown.base.contours, support=support)
        base.texture.use(Texture.BASE)
        shade.texture.use(Texture.SHADES)
        return content

    def painted(self, shown: Shown, pane: int) -> MapContent:
        """Return what a pane shows, after `shade`; GPU queries."""
        made, index = self._made[shown.base.name], self.scales.place(shown.base, shown)[0]
        values = made.values(self._inputs.meter)
        return MapContent(self._shades[pane].read(), values, self.scales.ends_now(index))

    def _content(self, shown: Shown) -> object:
        """Return what the colours of a pane depend on."""
        layers = {*shown.layers, *([DENSITY] if self._least_visits > 0 else [])}
        states = tuple(
            (layer.name, self._visits_state() if layer is DENSITY else self._state_of(layer, shown))
            for layer in self._layers
            if layer in layers
        )
        return shown, states, self._least_visits, self._restyled

    def _state_of(self, layer: MapLayer, shown: Shown) -> tuple[object, ...]:
        """Return numbers that change with a map's values and with the ends of its scale."""
        index, row = self.scales.place(layer, shown)
        return self._made[layer.name].changes, self.scales.moves(index), index, row

    def _visits_state(self) -> object:
        """Return a number that changes when the colours of visits are to follow them."""
        changes, hold = self._made[DENSITY.name].changes, self.hold_ticks
        due = self._inputs.ring.newest // hold if hold else -1
        if not hold or due != self._held[0]:
            self._held = due, (changes, self.scales.moves(self.scales.index(DENSITY)))
        return self._held[1]

    def shade_anew(self) -> None:
        """Make all colours anew with the next frame."""
        self._shaded.clear()
        self._held = -1, None

    def _support(self, base: MapLayer) -> Support | None:
        """Return the visits that a map fades without; None if it does not fade."""
        if base is DENSITY or self._least_visits <= 0:
            return None
        return Support(self._texture(DENSITY), self._least_visits)

    def _paint(self, layer: MapLayer, shown: Shown) -> Paint:
        texture = self._made[layer.name].texture
        certainty = texture.certainty if isinstance(texture, UploadedMap) else None
        return Paint(texture.texture, *self.scales.place(layer, shown), certainty)

    def _texture(self, layer: MapLayer) -> Any:
        return self._made[layer.name].texture.texture
