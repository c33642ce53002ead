"""Glow of trails and marks, drawn over a finished picture."""

from collections.abc import Sequence
from typing import Any

import moderngl

from valuescape.gpu.bindings import Texture
from valuescape.gpu.constants import GLOW_SHRINK, GLOW_TILE
from valuescape.gpu.dispatch import groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.gpu.shader_source import draw_program
from valuescape.gpu.textures import clamped


class _Small(Owner):
    """Two textures of the glow's size, `light` and `blurred`, each with a framebuffer."""

    def __init__(self, gl: Any, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.light, self.blurred = (clamped(self._own(gl.texture(size, 4))) for _ in range(2))
        self.into_light, self.into_blurred = (
            self._own(gl.framebuffer([texture])) for texture in (self.light, self.blurred)
        )


class Glow(Owner):
    """Finds the light of trails and marks, blurs it at a small size, and lays it over the picture.

    Performance: the picture is read once; everything else has 1 / GLOW_SHRINK^2 of its pixels, and is drawn
    only where it is not dark. In fragment shaders: as compute shaders the same took llvmpipe more than twice
    as long. `make bench-render` measures what it adds to a frame.
    """

    def __init__(self, gl: Any, meter: FrameMeter) -> None:
        super().__init__()
        self._gl = gl
        self._meter = meter
        with self._making():
            self._shrink, self._blur, self._glow = (
                self._own(draw_program(gl, vertex, fragment))
                for vertex, fragment in (
                    ("glow/whole", "glow/shrink"),
                    ("glow/whole", "glow/blur"),
                    ("glow/glow", "glow/glow"),
                )
            )
            self._draw_shrink, self._draw_blur, self._draw_glow = (
                self._own(gl.vertex_array(program, [])) for program in (self._shrink, self._blur, self._glow)
            )
        self._small: _Small | None = None

    def draw(
        self,
        picture: Any,
        strength: float,
        parts: Sequence[tuple[int, int, int, int] | None] = (None,),
    ) -> None:
        """Add the glow to `picture`, a framebuffer; leaves it bound.

        The alpha of the framebuffer's texture is the share of a pixel that glows. parts: of the picture, as
        scissors; outside of them no glow is drawn.
        """
        small = self._small_for(picture.size)
        self._gl.enable_only(moderngl.NOTHING)
        picture.color_attachments[0].use(Texture.PICTURE)
        self._whole(self._draw_shrink, small.into_light)
        for direction, source, target in (
            ((1.0, 0.0), small.light, small.into_blurred),
            ((0.0, 1.0), small.blurred, small.into_light),
        ):
            set_uniforms(self._blur, direction=direction)
            source.use(Texture.PICTURE)
            self._whole(self._draw_blur, target)
        self._lay_over(picture, small, strength, parts)

    def _lay_over(
        self,
        picture: Any,
        small: _Small,
        strength: float,
        parts: Sequence[tuple[int, int, int, int] | None],
    ) -> None:
        gl, tiles = self._gl, tuple(groups_for(texels, GLOW_TILE) for texels in small.size)
        picture.use()
        small.light.use(Texture.GLOW)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE_MINUS_DST_COLOR, moderngl.ONE
        set_uniforms(self._glow, strength=strength, tiles=tiles)
        for part in parts:
            picture.scissor = part
            self._draw_glow.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=tiles[0] * tiles[1])
            self._meter.effects += 1
        picture.scissor = None

    def _whole(self, vertex_array: Any, target: Any) -> None:
        target.use()
        vertex_array.render(moderngl.TRIANGLES, vertices=3)
        self._meter.effects += 1

    def _small_for(self, size_px: tuple[int, int]) -> _Small:
        """Return the small textures for a picture of this size, made anew if its size has changed."""
        size = groups_for(size_px[0], GLOW_SHRINK), groups_for(size_px[1], GLOW_SHRINK)
        if self._small is None or self._small.size != size:
            if self._small is not None:
                self._free(self._small)
            self._small = self._own(_Small(self._gl, size))
        return self._small
