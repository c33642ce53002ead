"""A display whose pictures are sent to pages, and whose events come from there."""

from typing import Any, Literal

from valuescape.gpu.context import create_headless_context, wait_until_drawn
from valuescape.render.displays.display import Display
from valuescape.render.displays.events import Event
from valuescape.render.displays.streaming.audience import Audience
from valuescape.render.displays.streaming.pictures import read_pixels


class StreamedDisplay(Display):
    """An EGL context and an audience, which says how large the picture is to be.

    audience: lent; outlives the display. device: the number of the EGL device. Made and used in one thread.
    Raises UsageError if there is no such device, or none with the OpenGL that the shaders need.
    """

    def __init__(self, audience: Audience, device: int | Literal["auto"] = "auto") -> None:
        self.gl: Any = create_headless_context(None if device == "auto" else device)
        self._audience = audience

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per CSS pixel."""
        return self._audience.pixel_scale

    def wait(self, seconds: float) -> None:
        """Wait for news from the browser, about so long at most."""
        self._audience.wait(seconds)

    def resize(self, size_px: tuple[int, int]) -> None:
        """Change the size, until the browser says another one."""
        self._audience.size_px = size_px

    def toggle_full_screen(self) -> None:
        """Ask the browser to fill the screen with the picture, or to go back."""
        self._audience.tell_controller({"type": "full screen"})

    def copy(self, text: str) -> None:
        """Put a text on the browser's clipboard, and on that of this display."""
        super().copy(text)
        self._audience.tell_controller({"type": "copy", "text": text})

    def _do_size_px(self) -> tuple[int, int]:
        return self._audience.size_px

    def _do_poll(self) -> list[Event]:
        return self._audience.take_events()

    def _do_present(self, picture: Any, panel: Any) -> None:
        """Send both, if a page can take a frame now; else the next one will show what is new."""
        if self._audience.ready:
            wait_until_drawn()  # while what carries messages goes on
            self._audience.show(read_pixels(picture, panel))

    def _do_release(self) -> None:
        self.gl.release()
