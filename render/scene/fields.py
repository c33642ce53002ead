"""The fields over the map, and the colours they are shown in."""

from contextlib import ExitStack
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Texture
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.density import DensityPass
from valuescape.gpu.passes.ranges import RangePass
from valuescape.gpu.passes.shade import ShadePass
from valuescape.gpu.shader_source import LAYERS
from valuescape.gpu.textures import clamped
from valuescape.gpu.trail_ring import TrailRing
from valuescape.render.overlay.legends import ColorBar
from valuescape.render.scene.colormaps import (
    DENSITY_ROW,
    DIVERGING,
    QUIET,
    VALUE_ROW,
    colormap_rows,
    value_map,
)
from valuescape.render.view.looks import Looks
from valuescape.sim.config.files import Config
from valuescape.sim.worlds.base import Termination

VALUE, DENSITY = LAYERS.index("value"), LAYERS.index("density")

_RANGE_EVERY = 4
"""Uploads between two looks at the density's range, which changes slowly and costs two passes."""


class Field(Protocol):
    """Whatever holds the critic's landscape in a texture."""

    @property
    def texture(self) -> Any:
        """The field: float32, one channel."""


class Fields:
    """Value and density with their colour scales; `height_layer` is the one that the surface is lifted by.

    `value_title` is what the critic's colour bar is called.
    critic: None where there is no critic; the density is then what is shown and what makes the height.
    termination: what it means, for the colours of outcomes.
    """

    def __init__(
        self,
        gl: Any,
        config: Config,
        ring: TrailRing,
        bounds: tuple[tuple[float, float], tuple[float, float]],
        critic: Field | None,
        meter: FrameMeter,
        termination: Termination,
    ) -> None:
        self._meter, self._critic, self._termination = meter, critic, termination
        self.value_title = "V(s)"
        self._owned = ExitStack()
        heatmap = config.heatmap
        half_life = heatmap.density_half_life * (config.sim.ticks_per_s or 60.0)
        try:
            self.density: DensityPass = self._own(
                DensityPass(gl, ring, heatmap.density_resolution, bounds, half_life, meter)
            )
            self._ranges: RangePass = self._own(RangePass(gl, 2, heatmap.range_hysteresis, meter))
            edge = max(heatmap.resolution, heatmap.density_resolution)
            self._shade: ShadePass = self._own(ShadePass(gl, edge, meter))
            self._colormaps = self._own(clamped(gl.texture((256, len(colormap_rows())), 4)))
        except BaseException:
            self._owned.close()
            raise
        self.height_layer = VALUE if critic else DENSITY
        self._colors: tuple[object, ...] = ()
        self._uploads = 0
        self._quiet = False
        self.shown_ranges: NDArray[Any] = self._ranges.read()

    def _own(self, made: Any) -> Any:
        self._owned.callback(made.release)
        return made

    @property
    def height(self) -> Any:
        """The texture that the surface is lifted by."""
        return (self._critic or self.density).texture

    def layer(self, name: str) -> int:
        """Return the index of the layer that is shown when `name` is asked for."""
        if not self._critic:
            return DENSITY
        return VALUE if self._quiet and LAYERS.index(name) != DENSITY else LAYERS.index(name)

    def count(self, ticks: range) -> None:
        """Add the visits of `ticks`, which must be in the ring."""
        self.density.update(ticks)
        if self._uploads % _RANGE_EVERY == 0:
            self._ranges.update(DENSITY, self.density.texture)
        if not self._uploads:
            self.read_ranges()
        self._uploads += 1

    def value_changed(self) -> None:
        """Look again at the range of the critic's field, so that the next picture's colour bar is of it."""
        if self._critic:
            self._ranges.update(VALUE, self._critic.texture)
            self.read_ranges()

    def take_colors(self, looks: Looks, *, signed: bool = False) -> bool:
        """Take over colour maps and the ends of scales; return whether heights are others now.

        signed: whether trails have a diverging colour map, from which the fields step back.
        """
        value = value_map(looks.heatmap.colormap, signed=signed)
        self._quiet = value == QUIET
        colors = value, looks.heatmap.density_colormap
        scale = _end(looks.heatmap.low), _end(looks.heatmap.high), value in DIVERGING
        before, self._colors = self._colors, (colors, scale)
        if not before or before[0] != colors:
            self._colormaps.write(colormap_rows(*colors, self._termination).tobytes())
        if (before and before[1] == scale) or not self._critic:
            return False
        if not before and scale == (None, None, False):
            return False
        self._ranges.keep(VALUE, *scale[:2], signed=scale[2])
        self._ranges.update(VALUE, self._critic.texture)
        self.read_ranges()
        return True

    def read_ranges(self) -> None:
        """Bring the numbers of the colour bars up to date; a GPU query."""
        self.shown_ranges = self._ranges.read()

    def read_heights(self) -> tuple[NDArray[np.float32], tuple[float, float]]:
        """Return the field [rows, columns] that lifts the surface, and the ends of its scale; GPU queries."""
        self._meter.queries += 1
        texture = self.height
        values = np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
        shown = self._ranges.read()[self.height_layer]
        return values, (float(shown["shown_low"]), float(shown["shown_high"]))

    def bars(self, layer: int) -> list[ColorBar]:
        """Return the colour bars of the layer that is shown."""
        value, density = ((float(each["shown_low"]), float(each["shown_high"])) for each in self.shown_ranges)
        bars = [
            ColorBar(self.value_title, VALUE_ROW, *value, meaning="the return that the critic expects"),
            ColorBar("visits", DENSITY_ROW, *density, exponential=True, meaning="how often agents come by"),
        ]
        return bars if LAYERS[layer] == "both" else [bars[layer]]

    def height_bar(self) -> ColorBar:
        """Return the scale of what lifts the surface."""
        return self.bars(self.height_layer)[0]

    def bind_heights(self) -> None:
        """Make the surface's height and the ranges visible to passes."""
        self._ranges.bind()
        self.height.use(Texture.VALUE)

    def bind(self) -> None:
        """Make the fields and their colours visible to shaders."""
        self.bind_heights()
        self.density.texture.use(Texture.DENSITY)
        self._colormaps.use(Texture.COLORMAPS)
        self._shade.texture.use(Texture.SHADES)

    def shade(self, layer: int) -> None:
        """Colour the layer that is shown; fields and colours must be bound."""
        self._shade.update(layer)

    def release(self) -> None:
        """Free all of it, but not the critic's field."""
        self._owned.close()


def _end(setting: Literal["auto"] | float) -> float | None:
    """Return an end of a colour scale that is held; None if it follows the field."""
    return None if setting == "auto" else setting
