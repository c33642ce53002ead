"""Value and density, coloured: one texture that the surface is painted with."""

from typing import Any

from valuescape.gpu.bindings import Image
from valuescape.gpu.dispatch import dispatch, groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import compute_program
from valuescape.gpu.textures import clamped


class ShadePass:
    """Colours the fields that are bound, with the ranges and colour maps that are bound.

    `texture` (RGBA8) goes stale with the density, with a range, and with the layer that is shown.
    """

    def __init__(self, gl: Any, edge: int, meter: FrameMeter) -> None:
        self._gl = gl
        self._meter = meter
        self._edge = edge
        self.texture = clamped(gl.texture((edge, edge), 4))
        self._program = compute_program(gl, "surface/shade")

    def update(self, layer: int) -> None:
        """Colour `layer`, an index into LAYERS."""
        self.texture.bind_to_image(Image.FIELD, read=False, write=True)
        set_uniforms(self._program, layer=layer)
        dispatch(self._gl, self._program, (groups_for(self._edge**2, 64), 1), self._meter)

    def release(self) -> None:
        """Free what this pass made."""
        self.texture.release()
        self._program.release()
