"""Texture of a map whose values the processor computes and hands over."""

from typing import Any

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.layers.layer import Inputs, News
from valuescape.gpu.owner import Owner
from valuescape.gpu.textures import clamped
from valuescape.sim.arrays import Float32Array


class UploadedMap(Owner):
    """A float32 texture with the shape of the values written last; a single NaN before the first.

    certainty: a texture of the same shape, from 0 where the map is drawn pale to 1; None: nowhere pale.
    """

    def __init__(self, gl: Any, meter: FrameMeter) -> None:
        super().__init__()
        self._gl, self._meter = gl, meter
        self._changed = False
        self.certainty: Any = None
        self.texture = self._make((1, 1), np.float32(np.nan).tobytes())

    @classmethod
    def of(cls, inputs: Inputs) -> "UploadedMap":
        """Return a texture for a layer: the `make` of maps that have the input ARRAY."""
        return cls(inputs.gl, inputs.meter)

    def write(self, values: Float32Array, certainty: Float32Array | None = None) -> None:
        """Replace the map by `values` [height, width], lowest row first. Raises ValueError for another shape.

        certainty: of the same shape, from 0 where the map is to be pale to 1. NaN is drawn as no value.

        The values are copied. A map that is found step by step may come in ever finer shapes.
        """
        if values.ndim != 2 or not values.size:
            raise ValueError(f"a map has the shape [height, width], not {values.shape}")
        if certainty is not None and certainty.shape != values.shape:
            raise ValueError(f"a certainty has the map's shape {values.shape}, not {certainty.shape}")
        self.texture = self._written(self.texture, values)
        if certainty is not None:
            self.certainty = self._written(self.certainty, certainty)
        elif self.certainty is not None:
            self._free(self.certainty)
            self.certainty = None
        self._changed = True

    def _written(self, texture: Any, values: Float32Array) -> Any:
        """Return a texture with these values: the given one, or a new one in its place."""
        data = np.ascontiguousarray(values, np.float32).tobytes()
        size = values.shape[1], values.shape[0]
        self._meter.upload_bytes += len(data)
        if texture is not None and size == texture.size:
            texture.write(data)
            return texture
        if texture is not None:
            self._free(texture)
        return self._make(size, data)

    def refresh(self, _: News) -> bool:
        """Return whether values were written since the last call."""
        changed, self._changed = self._changed, False
        return changed

    def _make(self, size: tuple[int, int], data: bytes) -> Any:
        return clamped(self._own(self._gl.texture(size, 1, dtype="f4", data=data)))
