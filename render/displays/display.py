"""The base of all displays, and the helpers for pictures that they share."""

import os
import time
from abc import ABC, abstractmethod
from typing import Any

from valuescape.render.displays.events import Event

MIN_SIZE_PX = 16


class Display(ABC):
    """An OpenGL context, a place that finished pictures are shown in, and the events that occur there.

    An implementation sets `gl` when it is made and writes the methods that begin with `_do_`; it overrides
    others only where its platform has more than the base gives. `stub.py` is the smallest one.
    """

    gl: Any
    """The context (moderngl), current in the thread that made the display."""

    _copied = ""
    _released = False

    # --- Used by callers ---

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height in framebuffer pixels; at least 16 each, also while minimised."""
        width, height = self._do_size_px()
        return max(width, MIN_SIZE_PX), max(height, MIN_SIZE_PX)

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per logical pixel: 2 on many high-DPI screens."""
        return 1.0

    def poll(self) -> list[Event]:
        """Return the events since the last call, the oldest first; never waits."""
        return self._do_poll()

    def present(self, picture: Any, panel: Any = None) -> None:
        """Show the framebuffer `picture`, to the right of `panel` if there is one.

        Returns when both are drawn, so that the time of a frame holds all of its work, and no upload of the
        next frame meets a pass of this one (`CriticPass`, on NVIDIA's driver).
        """
        self._do_present(picture, panel)
        self.gl.finish()

    def wait(self, seconds: float) -> None:
        """Wait about so long; a display that hears of events at once returns as soon as there is one."""
        time.sleep(seconds)

    def resize(self, size_px: tuple[int, int]) -> None:  # noqa: B027 - may be of a fixed size
        """Ask for another size; `size_px` tells when it is there. A display of a fixed size ignores it."""

    def toggle_full_screen(self) -> None:  # noqa: B027 - may have no screen
        """Fill the whole screen, or go back to the size before; nothing without a screen."""

    def copy(self, text: str) -> None:
        """Put a text on the clipboard: that of the platform where it has one, else of this display."""
        self._copied = text

    def paste(self) -> str:
        """Return the text that was copied last; "" if there is none."""
        return self._copied

    def release(self) -> None:
        """Free the context, and the window if there is one; a second call does nothing."""
        if not self._released:
            self._released = True
            self._do_release()

    # --- Written by implementations ---

    @abstractmethod
    def _do_size_px(self) -> tuple[int, int]:
        """Return width and height in framebuffer pixels."""

    @abstractmethod
    def _do_poll(self) -> list[Event]:
        """Return the events since the last call, without waiting."""

    @abstractmethod
    def _do_present(self, picture: Any, panel: Any) -> None:
        """Show two framebuffers side by side; `panel`, on the left, may be None. Need not wait for them."""

    @abstractmethod
    def _do_release(self) -> None:
        """Free the context and everything else that was made; called once."""


def display_available() -> bool:
    """Return whether the environment names a screen to open a window on."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def picture_bytes(picture: Any) -> bytes:
    """Return the pixels of a framebuffer as RGB, top row first; waits for the GPU."""
    width, height = picture.size
    rows = picture.read(components=3, alignment=1)
    stride = width * 3
    return b"".join(rows[(height - 1 - y) * stride : (height - y) * stride] for y in range(height))
