"""Maps of a scene that have been made, and the choice of those in a pane."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.layer import MapLayer, MapTexture, News
from valuescape.gpu.layers.uploaded import UploadedMap
from valuescape.sim.arrays import Float32Array


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


@dataclass(slots=True)
class MadeMap:
    """A layer's texture, the news it has not had yet, and whether its range is out of date.

    copy: its values [height, width], if somebody asked for them since they changed. about: the slice and the
    settings that they were made for; None if they depend on neither, or follow at once. changes: how often
    its values changed.
    """

    texture: MapTexture
    news: News
    range_stale: bool = False
    copy: Float32Array | None = None
    about: object = None
    changes: int = 0

    def values(self, meter: FrameMeter) -> Float32Array:
        """Return the values [height, width], read-only; a GPU query if they have changed."""
        if self.copy is None:
            meter.queries += 1
            self.copy = read_texture(self.texture.texture)
        return self.copy

    def certainty(self) -> Float32Array | None:
        """Return how certain each value is, [height, width], 0 to 1; None without it. A GPU query."""
        texture = self.texture.certainty if isinstance(self.texture, UploadedMap) else None
        return None if texture is None else read_texture(texture)


def read_texture(texture: Any) -> Float32Array:
    """Return the values [height, width] of a float32 texture of one channel, read-only; a GPU query."""
    return np.frombuffer(texture.read(), np.float32).reshape(texture.height, texture.width)
