"""Where a frame is drawn."""

from contextlib import ExitStack
from typing import Any

import moderngl

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.textures import clamped
from valuescape.render.scene.glow import Glow
from valuescape.render.view.looks import Looks


class Target:
    """`picture` is the finished frame. The scene is drawn between `begin` and `finish`, labels after it.

    samples: of a pixel, as `render.msaa`; the driver may have fewer.
    """

    def __init__(self, gl: Any, samples: int, meter: FrameMeter) -> None:
        self._gl = gl
        self._samples = min(samples, gl.max_samples)
        self._glow = Glow(gl, meter)
        self.picture: Any = None
        self._sampled: Any = None
        self._attachments = ExitStack()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        width, height = self.picture.size
        return width, height

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` so many pixels large."""
        if self.picture is not None and self.picture.size == size_px:
            return
        self._attachments.close()
        color = self._own(clamped(self._gl.texture(size_px, 4)))
        self.picture = self._own(
            self._gl.framebuffer([color], self._own(self._gl.depth_renderbuffer(size_px)))
        )
        self._sampled = self._multisampled(size_px) if self._samples else None
        # First of all let go of it: making the next framebuffer, moderngl binds again what was bound before.
        self._attachments.callback(lambda: self._gl.detect_framebuffer(0).use())

    def begin(self) -> Any:
        """Return the framebuffer to draw the scene into, bound."""
        target = self._sampled or self.picture
        target.use()
        return target

    def finish(self, looks: Looks, part: tuple[int, int, int, int] | None) -> None:
        """Bring what was drawn into `picture`, with effects on a part of it, a scissor; leave it bound."""
        if self._sampled:
            self._gl.copy_framebuffer(self.picture, self._sampled)
        if looks.glow:
            self._glow.draw(self.picture, looks.glow, part)
        self.picture.use()

    def release(self) -> None:
        """Free all of it."""
        self._attachments.close()
        self._glow.release()

    def _multisampled(self, size_px: tuple[int, int]) -> Any:
        color = self._own(self._gl.renderbuffer(size_px, 4, samples=self._samples))
        depth = self._own(self._gl.depth_renderbuffer(size_px, samples=self._samples))
        return self._own(self._gl.framebuffer([color], depth))

    def _own(self, made: Any) -> Any:
        self._attachments.callback(made.release)
        return made


class ColorTarget:
    """`picture` is a framebuffer with one RGBA texture and no depth, made anew when its size changes.

    `picture` is None before the first `resize`. The context is lent.
    """

    def __init__(self, gl: Any) -> None:
        self._gl = gl
        self._color: Any = None
        self.picture: Any = None

    def resize(self, size_px: tuple[int, int]) -> None:
        """Make `picture` so many pixels large; what was drawn is kept if it has that size already."""
        if self.picture is not None and self.picture.size == size_px:
            return
        self.release()
        self._color = self._gl.texture(size_px, 4)
        self.picture = self._gl.framebuffer([self._color])

    def release(self) -> None:
        """Free framebuffer and texture, if there are any."""
        if self.picture is not None:
            self._gl.detect_framebuffer(0).use()  # moderngl would bind a freed one again
            self.picture.release()
            self._color.release()
            self.picture = None


def over(gl: Any) -> None:
    """Blend what is drawn next over what is there; its colours are premultiplied."""
    gl.enable(moderngl.BLEND)
    gl.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
