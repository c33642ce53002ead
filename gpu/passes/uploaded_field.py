"""A field that the processor computes: the plain path beside `CriticPass`, and critics that are no MLP."""

from typing import Any

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.gpu.textures import clamped
from valuescape.sim.arrays import Float32Array


class UploadedField(Owner):
    """A float32 texture of `edge` x `edge` values, written when they change."""

    def __init__(self, gl: Any, edge: int, meter: FrameMeter) -> None:
        super().__init__()
        self._meter = meter
        self.edge = edge
        texture = self._own(gl.texture((edge, edge), 1, dtype="f4", data=bytes(edge * edge * 4)))
        self.texture = clamped(texture)

    def write(self, values: Float32Array) -> None:
        """Replace the field by `values` [edge * edge], row by row from the lowest."""
        self.texture.write(np.ascontiguousarray(values, np.float32).tobytes())
        self._meter.upload_bytes += self.edge**2 * 4

    def read(self) -> Float32Array:
        """Return the field [edge, edge] float32, lowest row first; a GPU query. The array is read-only."""
        self._meter.queries += 1
        return np.frombuffer(self.texture.read(), np.float32).reshape(self.edge, self.edge)
