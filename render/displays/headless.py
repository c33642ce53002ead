"""A display without a screen.

Pictures stay in their framebuffer; there are no events unless a test gives a script.
"""

from collections.abc import Iterable
from typing import Any, Literal

from valuescape.gpu.context import create_headless_context
from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Event


class HeadlessDisplay(Display):
    """An EGL context and a size.

    device: the number of the EGL device. script: the events that successive `poll`s return; tests use it as
    keyboard and mouse. pixel_scale: of the screen that the pictures are as on.
    Raises UsageError if there is no such device, or none with the OpenGL that the shaders need.
    """

    def __init__(
        self,
        size_px: tuple[int, int],
        device: int | Literal["auto"] = "auto",
        script: Iterable[list[Event]] = (),
        pixel_scale: float = 1.0,
    ) -> None:
        self._size_px = size_px
        self.gl: Any = create_headless_context(None if device == "auto" else device)
        self._script = iter(script)
        self._pixel_scale = pixel_scale

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per logical pixel, as given."""
        return self._pixel_scale

    def resize(self, size_px: tuple[int, int]) -> None:
        """Change the size; it holds from the next frame."""
        self._size_px = size_px

    def _do_size_px(self) -> tuple[int, int]:
        return self._size_px

    def _do_poll(self) -> list[Event]:
        return next(self._script, [])

    def _do_present(self, picture: Any, panel: Any) -> None:
        pass  # the framebuffer keeps the picture for callers to read

    def _do_release(self) -> None:
        self.gl.release()
