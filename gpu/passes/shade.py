"""Colouring of the map: one or two layers become the texture that the surface is painted with."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.gpu.bindings import Image, Texture
from valuescape.gpu.constants import TEXEL_GROUP
from valuescape.gpu.dispatch import set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.base import ComputePass
from valuescape.gpu.textures import clamped
from valuescape.sim.arrays import Uint32Array


@dataclass(frozen=True, slots=True)
class Paint:
    """A map layer to be coloured: its texture, the index of its range, the row of its colour map.

    certainty: a texture from 0, where the layer is drawn pale, to 1; None draws all of it fully.
    """

    texture: Any
    layer: int
    row: int
    certainty: Any = None


@dataclass(frozen=True, slots=True)
class Support:
    """Visits that a map rests on: it fades where there are fewer than `least` > 0.

    texture: of log2(1 + visits), as the density has it.
    """

    texture: Any
    least: float


class ShadePass(ComputePass):
    """Colours map layers. The caller binds the ranges and the colour maps first.

    `texture` [edge, edge] (RGBA8) holds colours, and in alpha the square root of the base's slope, for
    contour lines; 0 without `contours`. It has to be made again when a layer, a range, a colour map or the
    choice of layers changes; the caller sees to that.
    """

    def __init__(self, gl: Any, edge: int, meter: FrameMeter) -> None:
        super().__init__(gl, meter)
        self._edge = edge
        self.texture = clamped(self._own(gl.texture((edge, edge), 4)))
        self._shade = self._program("surface/shade")
        self._plain = self._program("surface/shade_plain")

    def update(
        self,
        base: Paint,
        over: Paint | None = None,
        *,
        contours: bool = False,
        support: Support | None = None,
    ) -> None:
        """Colour `base`, and over it `over`, which is transparent at the low end of its own scale.

        contours: measure the slope of the base. support: what the base fades without. Leaves the
        base bound as BASE.
        """
        base.texture.use(Texture.BASE)
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        about = {"base_layer": base.layer, "base_row": base.row, "contours": contours}
        plain = not (over or support or base.certainty) and base.texture.size == (self._edge, self._edge)
        program = self._plain if plain else self._with_others(base, over, support)
        set_uniforms(program, **about)
        self._run(program, self._edge**2, group=TEXEL_GROUP)

    def _with_others(self, base: Paint, over: Paint | None, support: Support | None) -> Any:
        """Return the program that looks up all textures, which are bound."""
        above = over or base
        above.texture.use(Texture.OVER)
        (base.certainty or base.texture).use(Texture.CERTAINTY)
        (support.texture if support else base.texture).use(Texture.SUPPORT)
        set_uniforms(
            self._shade,
            over_layer=above.layer,
            over_row=above.row,
            has_over=over is not None,
            has_certainty=base.certainty is not None,
            least_visits=support.least if support else 0.0,
        )
        return self._shade

    def read(self) -> Uint32Array:
        """Return the colours [edge, edge] as packed RGBA, red lowest, read-only; a GPU query."""
        self._meter.queries += 1
        return np.frombuffer(self.texture.read(), np.uint32).reshape(self._edge, self._edge)
