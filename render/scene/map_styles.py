"""Colour maps and ends of the scales of a scene's maps."""

from dataclasses import dataclass, replace
from typing import Literal

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import MapLayer
from valuescape.gpu.layers.value import VALUE
from valuescape.gpu.passes.ranges import ScaleEnds
from valuescape.render.scene.colormaps import DIVERGING, layer_map, value_map
from valuescape.render.view.looks import Looks


@dataclass(frozen=True, slots=True)
class MapStyle:
    """Colour map and ends of the scale of a layer."""

    colormap: str
    ends: ScaleEnds


def style_of(layer: MapLayer, ends: ScaleEnds, looks: Looks, *, signed: bool) -> MapStyle:
    """Return a layer's colour map and ends: a person's choice for value and density, else the layer's own.

    signed: trails have a diverging colour map, from which the value steps back.
    """
    if layer is VALUE:
        colormap = value_map(looks.heatmap.colormap, signed=signed)
        return MapStyle(colormap, replace(ends, centred=colormap in DIVERGING))
    if layer is DENSITY:
        return MapStyle(looks.heatmap.density_colormap, ends)
    return MapStyle(layer_map(layer.colormap, centred=ends.centred), ends)


def end_of(setting: Literal["auto"] | float, held: float | None) -> float | None:
    """Return an end of a colour scale: as set, else as held; None if it follows the field."""
    return held if setting == "auto" else setting
