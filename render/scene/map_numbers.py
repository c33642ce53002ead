"""Numbers of a scene's maps at a place, as cards and findings say them."""

import math
from collections.abc import Mapping, Sequence

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.layer import Legend, MapLayer
from valuescape.gpu.layers.value import VALUE
from valuescape.render.scene.made_maps import MadeMap
from valuescape.sim.arrays import Float32Array


class MapNumbers:
    """Reads the maps of a scene that have been made.

    made, legends, titles: of the scene's maps, by name, lent; `titles` has those that are not the legend's.
    about: what maps are asked for: slice, settings and subject; a map of others tells no numbers.
    on_screen: the layers in the picture.
    """

    def __init__(
        self,
        layers: Sequence[MapLayer],
        made: Mapping[str, MadeMap],
        legends: Mapping[str, Legend],
        titles: Mapping[str, str],
        meter: FrameMeter,
    ) -> None:
        self._layers, self._made, self._legends, self._titles = layers, made, legends, titles
        self._meter = meter
        self.about: object = None
        self.on_screen: tuple[MapLayer, ...] = ()

    def said_at(self, layer: MapLayer, u: float, v: float) -> str:
        """Return the number of a map at a place, [0, 1]^2, with its title; a query if it changed."""
        return " ".join(self._number_at(layer, u, v))

    def all_at(self, u: float, v: float) -> list[tuple[str, str]]:
        """Return title and number of each map that has been made, but the value; may need GPU queries.

        Maps of another slice or other settings than `about` are left out, and have a dash while they are
        shown, as they come soon.
        """
        known = {name for name, made in self._made.items() if made.about in (None, self.about)}
        said = []
        for layer in self._layers:
            if layer is VALUE or layer.name not in self._made:
                continue
            if layer.name in known or layer in self.on_screen:
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
        return made.values(self._meter), made.certainty()

    def _number_at(self, layer: MapLayer, u: float, v: float) -> tuple[str, str]:
        made, legend = self._made.get(layer.name), self._legends[layer.name]
        value = _texel(made.values(self._meter), u, v) if made else math.nan
        if layer.counts:
            value = 2**value - 1
        number = f"{value:.4g}".replace("-", "−") if math.isfinite(value) else "–"
        if 0 <= value < len(legend.names):
            number = legend.names[min(round(value), len(legend.names) - 1)]
        return self._titles.get(layer.name, legend.label), number


def _texel(values: Float32Array, u: float, v: float) -> float:
    """Return the value of the texel at (u, v), which are in [0, 1]."""
    rows, columns = values.shape
    return float(values[min(int(v * rows), rows - 1), min(int(u * columns), columns - 1)])
