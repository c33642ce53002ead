"""Range of each map layer's colour scale, found and kept on the GPU."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot, Texture
from valuescape.gpu.constants import AGENT_GROUP, RANGE_TEXELS
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.structs import RANGE


@dataclass(frozen=True, slots=True)
class ScaleEnds:
    """Ends of a colour scale.

    low, high: a fixed number, or None to follow the data. centred: 0 stays in the middle; ends that follow
    lie at plus and minus the greatest magnitude.
    """

    low: float | None = None
    high: float | None = None
    centred: bool = False


FOLLOWING = ScaleEnds()
"""Both ends follow the data."""


class RangePass(ComputePass):
    """Keeps `shown_low` and `shown_high` of every map layer in a buffer that shaders read.

    An end moves outwards at once, and inwards only by more than `hysteresis` (a share of the scale).
    Performance: each `update` makes two dispatches and no query. `read`, for the colour bars' numbers, waits
    for the GPU.

    moves: for each layer, how often its range was made anew.
    """

    def __init__(self, gl: Any, layers: int, hysteresis: float, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._seen = [False] * layers
        self.moves = [0] * layers
        self._ends = [FOLLOWING] * layers
        start = np.zeros(layers, RANGE)
        start["shown_high"] = 1
        start["least"] = 0xFFFFFFFF
        self.buffer = self._own(gl.buffer(start.tobytes()))
        self._reduce = self._program("range/reduce")
        self._settle = self._program("range/settle", hysteresis=hysteresis)
        self._join = self._program("range/join")

    def keep(self, layer: int, ends: ScaleEnds) -> None:
        """Set the ends of the scale of `layer`, from the next `update` on."""
        self._ends[layer] = ends
        self._seen[layer] = False  # the next `update` takes its ends without hysteresis

    def update(self, layer: int, *fields: Any) -> None:
        """Let the range of `layer` hold the values of `fields`, textures; NaN and infinities are ignored."""
        self.bind()
        set_uniforms(self._reduce, layer=layer)
        for field in fields:
            field.use(Texture.BASE)
            self._run(self._reduce, field.width * field.height, group=AGENT_GROUP * RANGE_TEXELS)
        ends = self._ends[layer]
        set_uniforms(
            self._settle,
            layer=layer,
            first_time=not self._seen[layer],
            centred=ends.centred,
            keeps_low=ends.low is not None,
            keeps_high=ends.high is not None,
            low_kept=ends.low or 0.0,
            high_kept=ends.high or 0.0,
        )
        self._run(self._settle, 1)
        self._seen[layer] = True
        self.moves[layer] += 1

    def join(self, first: int, second: int, joint: int) -> None:
        """Let the scale of `joint`, an index without a layer, hold both scales, as they are now."""
        self.bind()
        set_uniforms(self._join, first_layer=first, second_layer=second, joint_layer=joint)
        self._run(self._join, 1)
        self.moves[joint] += 1

    def write(self, layer: int, low: float, high: float) -> None:
        """Set the ends that the scale of `layer` has now; the next `update` may move them."""
        self.buffer.write(np.array([low, high], np.float32).tobytes(), offset=layer * RANGE.itemsize)
        self._seen[layer] = True
        self.moves[layer] += 1

    def bind(self) -> None:
        """Make the ranges visible to shaders."""
        self.buffer.bind_to_storage_buffer(Slot.RANGE)

    def read(self) -> NDArray[Any]:
        """Return the ranges [layers] (dtype RANGE), read-only; a GPU query, which waits for the GPU."""
        self._meter.queries += 1
        return np.frombuffer(self.buffer.read(), RANGE)
