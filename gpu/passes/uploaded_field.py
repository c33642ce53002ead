"""A field that was computed elsewhere: the plain path beside `CriticPass`, and critics that are no MLP."""

from typing import Any

import numpy as np

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import Float32Array
from valuescape.gpu.textures import clamped


class UploadedField:
    """A float32 texture of `edge` x `edge` values, written when they change."""

    def __init__(self, gl: Any, edge: int, meter: FrameMeter) -> None:
        self._meter = meter
        self.edge = edge
        self.texture = clamped(gl.texture((edge, edge), 1, dtype="f4", data=bytes(edge * edge * 4)))

    def write(self, values: Float32Array) -> None:
        """Replace the field by `values` [edge * edge], row by row from the low corner."""
        self.texture.write(np.ascontiguousarray(values, np.float32).tobytes())
        self._meter.upload_bytes += self.edge**2 * 4

    def read(self) -> Float32Array:
        """Return the field [edge, edge], first axis upwards; a GPU query."""
        self._meter.queries += 1
        return np.frombuffer(self.texture.read(), np.float32).reshape(self.edge, self.edge)

    def release(self) -> None:
        """Free the texture."""
        self.texture.release()
