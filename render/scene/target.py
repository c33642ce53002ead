"""Framebuffers of a frame: the one the scene is drawn into, and the finished picture."""

from collections.abc import Sequence
from typing import Any

import moderngl

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.gpu.textures import clamped
from valuescape.render.scene.glow import Glow
from valuescape.render.view.looks import Looks


class Target(Owner):
    """`picture` is the finished frame. The scene is drawn between `begin` and `finish`, labels after it.

    samples: per pixel, as `render.msaa`; the driver may have fewer; 0: one.
    """

    def __init__(self, gl: Any, samples: int, meter: FrameMeter) -> None:
        super().__init__()
        self._gl = gl
        self.samples = min(samples, gl.max_samples)
        self._glow = self._own(Glow(gl, meter))
        self.picture: Any = None
        self._sampled: Any = None
        self._attachments = self._own(Attachments(gl))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        width, height = self.picture.size
        return width, height

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` `size_px` large, if it is not."""
        if self.picture is not None and self.picture.size == size_px:
            return
        self._attachments.release()
        self.picture = self._attachments.picture(size_px)
        self._sampled = self._attachments.multisampled(size_px, self.samples) if self.samples else None

    @property
    def multisampled(self) -> bool:
        """Whether the scene is drawn with several samples a pixel."""
        return self._sampled is not None

    def begin(self) -> Any:
        """Return the framebuffer to draw the scene into, bound."""
        target = self._sampled or self.picture
        target.use()
        return target

    def finish(self, looks: Looks, parts: Sequence[tuple[int, int, int, int] | None]) -> None:
        """Bring what was drawn into `picture`, with effects on parts of it (scissors); leave it bound."""
        if self._sampled:
            self._gl.copy_framebuffer(self.picture, self._sampled)
        if looks.render.glow:
            self._glow.draw(self.picture, looks.render.glow, parts)
        self.picture.use()


class Attachments(Owner):
    """Framebuffers of one size, with their textures and buffers."""

    def __init__(self, gl: Any) -> None:
        super().__init__()
        self._gl = gl

    def picture(self, size_px: tuple[int, int], *, depth: bool = True) -> Any:
        """Return a framebuffer with a texture, and one of depths."""
        color = self._own(clamped(self._gl.texture(size_px, 4)))
        return self._own(self._gl.framebuffer([color], self._depths(size_px) if depth else None))

    def _depths(self, size_px: tuple[int, int]) -> Any:
        """Return a texture of depths, which shaders read as numbers."""
        depths = clamped(self._own(self._gl.depth_texture(size_px)))
        depths.compare_func = ""
        depths.filter = moderngl.NEAREST, moderngl.NEAREST
        return depths

    def multisampled(self, size_px: tuple[int, int], samples: int) -> Any:
        """Return a framebuffer of several samples a pixel."""
        color = self._own(self._gl.renderbuffer(size_px, 4, samples=samples))
        depth = self._own(self._gl.depth_renderbuffer(size_px, samples=samples))
        return self._own(self._gl.framebuffer([color], depth))

    def release(self) -> None:
        """Free all of it, after another framebuffer was bound.

        When it makes the next framebuffer, moderngl binds again what was bound before.
        """
        if self._owned:
            self._gl.detect_framebuffer(0).use()
        super().release()


class ColorTarget(Owner):
    """`picture` is a framebuffer with one RGBA texture and no depth, made anew when its size changes.

    `picture` is None before the first `resize`. The context is lent.
    """

    def __init__(self, gl: Any) -> None:
        super().__init__()
        self.picture: Any = None
        self._attachments = self._own(Attachments(gl))

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` so many pixels large; what was drawn is kept if it has that size already."""
        if self.picture is not None and self.picture.size == size_px:
            return
        self._attachments.release()
        self.picture = self._attachments.picture(size_px, depth=False)


def over(gl: Any) -> None:
    """Blend the next draws over the picture; their colours are premultiplied."""
    gl.enable(moderngl.BLEND)
    gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
