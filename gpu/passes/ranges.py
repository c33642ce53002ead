"""The value range of each layer's colour scale, found and kept on the GPU."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot, Texture
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import GROUP, compute_program
from valuescape.gpu.structs import RANGE

_TEXELS_PER_INVOCATION = 16


@dataclass(frozen=True, slots=True)
class _Kept:
    """Ends of a scale that do not follow the field."""

    low: float | None = None
    high: float | None = None
    signed: bool = False


class RangePass:
    """Keeps `shown_low` and `shown_high` of every layer in a buffer that shaders read.

    The CPU needs the numbers only for a colour bar's labels: `read` is a GPU query, so ask seldom.
    """

    def __init__(self, gl: Any, layers: int, hysteresis: float, meter: FrameMeter) -> None:
        self._gl = gl
        self._meter = meter
        self._hysteresis = hysteresis
        self._seen = [False] * layers
        self._kept = [_Kept()] * layers
        start = np.zeros(layers, RANGE)
        start["shown_high"] = 1
        start["least"] = 0xFFFFFFFF
        self.buffer = gl.buffer(start.tobytes())
        self._reduce = compute_program(gl, "range/reduce")
        self._settle = compute_program(gl, "range/settle")

    def keep(self, layer: int, low: float | None, high: float | None, *, signed: bool) -> None:
        """Keep an end of the scale of `layer` where it is said to be; None: it follows the field.

        signed: an end that follows the field is as far from 0 as the other. Holds from the next `update` on.
        """
        self._kept[layer] = _Kept(low, high, signed)
        self._seen[layer] = False  # what was kept before must not linger

    def update(self, layer: int, field: Any) -> None:
        """Bring the range of `layer` up to date with the texture `field`."""
        field.use(Texture.VALUE)
        self.bind()
        set_uniforms(self._reduce, layer=layer)
        texels = field.width * field.height
        dispatch(
            self._gl,
            self._reduce,
            (groups_for(texels, GROUP * _TEXELS_PER_INVOCATION), 1),
            self._meter,
        )
        kept = self._kept[layer]
        set_uniforms(
            self._settle,
            layer=layer,
            hysteresis=self._hysteresis,
            first_time=not self._seen[layer],
            signed_scale=kept.signed,
            keeps_low=kept.low is not None,
            keeps_high=kept.high is not None,
            low_kept=kept.low or 0.0,
            high_kept=kept.high or 0.0,
        )
        dispatch(self._gl, self._settle, (1, 1), self._meter)
        self._seen[layer] = True

    def bind(self) -> None:
        """Make the ranges visible to shaders."""
        self.buffer.bind_to_storage_buffer(Slot.RANGE)

    def read(self) -> NDArray[Any]:
        """Return the ranges [layers] as numbers (dtype RANGE); a GPU query, which waits for the GPU."""
        self._meter.queries += 1
        return np.frombuffer(self.buffer.read(), RANGE)

    def release(self) -> None:
        """Free what this pass made."""
        for each in (self.buffer, self._reduce, self._settle):
            each.release()
