"""A display without a screen: pictures stay in their framebuffer, events come from a script."""

from collections.abc import Iterable
from typing import Any, Literal

from valuescape.gpu.context import create_headless_context
from valuescape.render.displays.events import Event


class HeadlessDisplay:
    """An EGL context and a fixed size. `script` yields the events of each `poll`, for tests of controls."""

    pixel_scale = 1.0

    def __init__(
        self,
        size_px: tuple[int, int],
        device: int | Literal["auto"] = "auto",
        script: Iterable[list[Event]] = (),
    ) -> None:
        self.size_px = size_px
        self.gl: Any = create_headless_context(None if device == "auto" else device)
        self._script = iter(script)
        self._copied = ""

    def poll(self) -> list[Event]:
        """Return the next events of the script."""
        return next(self._script, [])

    def present(self, picture: Any, panel: Any = None) -> None:
        """Wait until the picture is drawn, so that a frame's time holds all of its work."""
        self.gl.finish()

    def copy(self, text: str) -> None:
        """Keep a text for `paste`."""
        self._copied = text

    def paste(self) -> str:
        """Return the text that was copied last."""
        return self._copied

    def toggle_full_screen(self) -> None:
        """There is no screen."""

    def release(self) -> None:
        """Destroy the context."""
        self.gl.release()
