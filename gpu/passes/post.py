"""What happens to a picture after it is drawn: glow around what is light, and tone mapping."""

from contextlib import ExitStack
from typing import Any

from gpu.bindings import Image, Texture
from gpu.dispatch import dispatch, groups_for, set_uniforms
from gpu.meter import FrameMeter
from gpu.source import compute_program
from gpu.textures import clamped

_SHRINK = 4
_GROUP_EDGE = 8


class PostPass:
    """From one RGBA8 texture to another of the same size. Two small textures are its own.

    Performance: the whole picture is read once and written once; all else is at a sixteenth of its pixels.
    `make bench-render` measures what it adds to a frame.
    """

    def __init__(self, gl: Any, meter: FrameMeter) -> None:
        self._gl = gl
        self._meter = meter
        self._shrink, self._blur, self._tone = (
            compute_program(gl, name) for name in ("glow_shrink", "glow_blur", "tone")
        )
        self._small = ExitStack()
        self._light: Any = None
        self._blurred: Any = None

    def update(self, picture: Any, result: Any, *, glow: float, tone_mapping: bool) -> None:
        """Write `result` from `picture`.

        glow: how much of the light around things is added; 0 saves making it.
        """
        if glow:
            self._make_glow(picture)
            self._light.use(Texture.GLOW)
        set_uniforms(self._tone, strength=glow, soft=tone_mapping)
        self._run(self._tone, picture, result)

    def _make_glow(self, picture: Any) -> None:
        size = tuple(groups_for(pixels, _SHRINK) for pixels in picture.size)
        if self._light is None or self._light.size != size:
            self._resize(size)
        self._run(self._shrink, picture, self._light)
        set_uniforms(self._blur, direction=(1.0, 0.0))
        self._run(self._blur, self._light, self._blurred)
        set_uniforms(self._blur, direction=(0.0, 1.0))
        self._run(self._blur, self._blurred, self._light)

    def _resize(self, size: tuple[int, ...]) -> None:
        self._small.close()
        self._light, self._blurred = (clamped(self._gl.texture(size, 4)) for _ in range(2))
        for each in (self._light, self._blurred):
            self._small.callback(each.release)

    def _run(self, program: Any, source: Any, target: Any) -> None:
        source.use(Texture.PICTURE)
        target.bind_to_image(Image.PICTURE, read=False, write=True)
        width, height = target.size
        dispatch(
            self._gl, program, (groups_for(width, _GROUP_EDGE), groups_for(height, _GROUP_EDGE)), self._meter
        )

    def release(self) -> None:
        """Free what this pass made."""
        self._small.close()
        for each in (self._shrink, self._blur, self._tone):
            each.release()
