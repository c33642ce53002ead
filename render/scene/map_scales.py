"""Colour scales of a scene's maps on the GPU: their own, shared ones, and the joint one of two panes."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from valuescape.gpu.layers.layer import Inputs, MapLayer
from valuescape.gpu.owner import Owner
from valuescape.gpu.passes.ranges import FOLLOWING, RangePass, ScaleEnds
from valuescape.render.scene.colormaps import FIRST_LAYER_ROW
from valuescape.render.scene.made_maps import MadeMap, Shown


class MapScales(Owner):
    """Keeps the ends of colour scales up to date with the values of the maps that are made.

    made: the maps of the scene, by name, lent. shown: the ranges as they were read last (dtype RANGE), for
    the numbers of colour bars.
    """

    def __init__(self, inputs: Inputs, layers: Sequence[MapLayer], made: Mapping[str, MadeMap]) -> None:
        super().__init__()
        self._layers, self._made = layers, made
        self._by_name = {layer.name: layer for layer in layers}
        self._on_scale: dict[str, list[str]] = {layer.name: [] for layer in layers}
        for layer in layers:
            self._on_scale[self._owner(layer).name].append(layer.name)
        self._wanted: dict[str, ScaleEnds] = {}
        self._ends: dict[str, ScaleEnds] = {}
        self._both: list[MapScales] = [self]
        self._joined: tuple[int, int] | None = None
        self._apart: tuple[Shown, ...] = ()
        self._joint = len(layers)
        hysteresis = inputs.config.heatmap.range_hysteresis
        self._ranges = self._own(RangePass(inputs.gl, self._joint + 3, hysteresis, inputs.meter))
        self.shown: NDArray[Any] = self._ranges.read()

    def share(self, other: "MapScales") -> None:
        """Have one scale for each map of two scenes from now on, kept where `other` keeps its own."""
        self._ranges = other._ranges
        self._both = other._both = [other, self]

    def index(self, layer: MapLayer) -> int:
        """Return the index of the range and colours of a layer, or of the layer that it shares them with."""
        return self._layers.index(self._owner(layer))

    def _owner(self, layer: MapLayer) -> MapLayer:
        return self._by_name.get(layer.scale_of, layer)

    def place(self, layer: MapLayer, shown: Shown) -> tuple[int, int]:
        """Return the index of a layer's range in a pane, and the row of its colour map."""
        if layer is shown.base and shown.colored_as:
            return self._joint, FIRST_LAYER_ROW + self.index(shown.colored_as)
        index = self.index(layer)
        if layer is shown.base and shown.apart is not None:
            return self._joint + 1 + shown.apart, FIRST_LAYER_ROW + index
        return index, FIRST_LAYER_ROW + index

    def update(self, *, slow: bool) -> None:
        """Look at the ranges that are out of date. slow: also at those that change slowly."""
        looked: set[int] = set()
        for index, layer in enumerate(self._layers):
            sharing = self._sharing(layer)
            if any(made.range_stale for made in sharing) and (slow or not layer.slow_range):
                self._ranges.update(index, *(made.texture.texture for made in sharing))
                for made in sharing:
                    made.range_stale = False
                looked.add(index)
        if looked & {*(self._joined or ()), *(self.index(shown.base) for shown in self._apart)}:
            self._join()

    def _sharing(self, layer: MapLayer) -> list[MadeMap]:
        """Return the maps made that are on the scale of a layer; none if it has none of its own."""
        names = self._on_scale[layer.name]
        return [each._made[name] for each in self._both for name in names if name in each._made]

    def _join(self) -> None:
        """Bring the scales of two panes up to date: the joint one, or two apart."""
        if self._joined:
            self._ranges.join(*self._joined, self._joint)
        for shown in self._apart:
            self._ranges.update(self.place(shown.base, shown)[0], self._made[shown.base.name].texture.texture)

    def show(self, pictures: Sequence[Shown]) -> None:
        """Join the scales of the panes, or keep them apart, as their pictures say."""
        joined = [self.index(shown.base) for shown in pictures if shown.colored_as]
        wanted = (joined[0], joined[1]) if joined else None
        apart = tuple(shown for shown in pictures if shown.apart is not None)
        if (wanted, apart) == (self._joined, self._apart):
            return
        self._joined, self._apart = wanted, apart
        for shown in apart:
            ends = self._ends.get(shown.base.name, FOLLOWING)
            self._ranges.keep(self.place(shown.base, shown)[0], ends)
        self._join()
        self.read()

    def keep(self, ends: Mapping[str, ScaleEnds]) -> list[MapLayer]:
        """Set the ends of scales, by the layer's name; return the layers made whose scales have moved.

        An end that is shared with another scene is fixed if both fix it.
        """
        self._wanted, moved = dict(ends), []
        ends = {
            name: joined_ends([each._wanted.get(name, own) for each in self._both])
            for name, own in ends.items()
        }
        for index, layer in enumerate(self._layers):
            if ends[layer.name] == self._ends.get(layer.name, FOLLOWING):
                continue
            self._ranges.keep(index, ends[layer.name])
            if sharing := self._sharing(layer):
                self._ranges.update(index, *(made.texture.texture for made in sharing))
                moved.append(layer)
        self._ends = dict(ends)
        if moved:
            self._join()
            self.read()
        return moved

    def read(self) -> None:
        """Bring the numbers of the colour bars up to date; a GPU query."""
        shown = self._ranges.read()
        for each in self._both:
            each.shown = shown

    def shown_ends(self, index: int) -> tuple[float, float]:
        """Return the ends of the scale at an index, as they were read last."""
        return _ends(self.shown[index])

    def ends_now(self, index: int) -> tuple[float, float]:
        """Return the ends of the scale at an index as they are; a GPU query. Colour bars keep theirs."""
        return _ends(self._ranges.read()[index])

    def ends(self) -> dict[str, tuple[float, float]]:
        """Return the ends of the colour scales as they were read last, by the names of the maps made.

        Two scales that stand apart are there as "apart 0" and "apart 1".
        """
        return {name: self.shown_ends(index) for name, index in self._indices().items()}

    def set_ends(self, ends: Mapping[str, tuple[float, float]]) -> None:
        """Set the ends of the colour scales of maps that are made; the next new values may move them."""
        scales = self._indices()
        for name in self._made.keys() & ends.keys():
            self._ranges.write(scales[name], *ends[name])
        self._join()
        for name in scales.keys() & ends.keys() - self._made.keys():
            self._ranges.write(scales[name], *ends[name])
        self.read()

    def _indices(self) -> dict[str, int]:
        """Return the indices of the scales of the maps made, by name, and of those that stand apart."""
        own = {each.name: index for index, each in enumerate(self._layers) if each.name in self._made}
        return own | {f"apart {each.apart}": self.place(each.base, each)[0] for each in self._apart}

    def moves(self, index: int) -> int:
        """Return how often the scale at an index was made anew."""
        return self._ranges.moves[index]

    def bind(self) -> None:
        """Make the ranges visible to shaders."""
        self._ranges.bind()


def _ends(row: NDArray[Any]) -> tuple[float, float]:
    """Return the ends that a row (dtype RANGE) has."""
    return float(row["shown_low"]), float(row["shown_high"])


def joined_ends(ends: Sequence[ScaleEnds]) -> ScaleEnds:
    """Return the ends of one scale for maps that want these: fixed where all of them fix that end."""
    lows, highs = [each.low for each in ends], [each.high for each in ends]
    return ScaleEnds(
        None if None in lows else min(each for each in lows if each is not None),
        None if None in highs else max(each for each in highs if each is not None),
        any(each.centred for each in ends),
    )
