"""Light around what is light: drawn over a finished picture."""

from contextlib import ExitStack
from typing import Any

import moderngl

from valuescape.gpu.bindings import Texture
from valuescape.gpu.dispatch import groups_for, set_uniforms
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import draw_program
from valuescape.gpu.textures import clamped

SHRINK, TILE = 8, 8
"""Pixels a texel of the glow; its texels a tile that is drawn or left out (glow.vert)."""


class Glow:
    """Finds what is light of trails and marks, blurs it at an eighth of the size, and lays it over.

    Performance: the picture is read once; all else is at a 64th of its pixels, and drawn where it is not
    dark. In fragment shaders: as compute shaders the same took llvmpipe more than twice as long.
    `make bench-render` measures what it adds to a frame.
    """

    def __init__(self, gl: Any, meter: FrameMeter) -> None:
        self._gl = gl
        self._meter = meter
        self._programs = {
            name: draw_program(gl, vertex, name)
            for vertex, name in (
                ("glow/whole", "glow/shrink"),
                ("glow/whole", "glow/blur"),
                ("glow/glow", "glow/glow"),
            )
        }
        self._vaos = {name: gl.vertex_array(program, []) for name, program in self._programs.items()}
        self._small = ExitStack()
        self._size = (0, 0)

    def draw(self, picture: Any, strength: float, part: tuple[int, int, int, int] | None = None) -> None:
        """Add the glow to `picture`, a framebuffer whose texture has in alpha what glows; leaves it bound.

        part: of the picture, as a scissor; nothing glows beyond.
        """
        size = groups_for(picture.size[0], SHRINK), groups_for(picture.size[1], SHRINK)
        if size != self._size:
            self._resize(size)
        gl, (light, blurred) = self._gl, self._textures
        gl.enable_only(moderngl.NOTHING)
        picture.color_attachments[0].use(Texture.PICTURE)
        self._whole("glow/shrink", self._framebuffers[0])
        for direction, source, target in (((1.0, 0.0), light, 1), ((0.0, 1.0), blurred, 0)):
            set_uniforms(self._programs["glow/blur"], direction=direction)
            source.use(Texture.PICTURE)
            self._whole("glow/blur", self._framebuffers[target])
        self._lay_over(picture, strength, part)

    def _lay_over(self, picture: Any, strength: float, part: tuple[int, int, int, int] | None) -> None:
        gl, tiles = self._gl, (groups_for(self._size[0], TILE), groups_for(self._size[1], TILE))
        picture.use()
        picture.scissor = part
        self._textures[0].use(Texture.GLOW)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE_MINUS_DST_COLOR, moderngl.ONE
        set_uniforms(self._programs["glow/glow"], strength=strength, tiles=tiles)
        self._vaos["glow/glow"].render(moderngl.TRIANGLE_STRIP, vertices=4, instances=tiles[0] * tiles[1])
        picture.scissor = None
        self._meter.effects += 1

    def _whole(self, name: str, target: Any) -> None:
        target.use()
        self._vaos[name].render(moderngl.TRIANGLES, vertices=3)
        self._meter.effects += 1

    def _resize(self, size: tuple[int, int]) -> None:
        self._small.close()
        self._size = size
        self._textures = [clamped(self._gl.texture(size, 4)) for _ in range(2)]
        self._framebuffers = [self._gl.framebuffer([texture]) for texture in self._textures]
        for each in (*self._textures, *self._framebuffers):
            self._small.callback(each.release)

    def release(self) -> None:
        """Free what was made."""
        self._small.close()
        for each in (*self._vaos.values(), *self._programs.values()):
            each.release()
