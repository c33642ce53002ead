"""Where pictures go: one protocol for the window and for headless runs."""

import os
from typing import Any, Protocol

from valuescape.render.displays.events import Event


class Display(Protocol):
    """A place with an OpenGL context to draw with, that takes finished pictures and gives events."""

    gl: Any

    @property
    def size_px(self) -> tuple[int, int]:
        """Framebuffer width and height."""

    @property
    def pixel_scale(self) -> float:
        """Framebuffer pixels per logical pixel: 2 on many high-DPI screens."""

    def poll(self) -> list[Event]:
        """Return what happened since the last call; never waits."""

    def present(self, picture: Any, panel: Any = None) -> None:
        """Show the framebuffer `picture`, right of `panel` if there is one, and wait until it is drawn."""

    def copy(self, text: str) -> None:
        """Put a text where other programs paste from."""

    def paste(self) -> str:
        """Return the text that was copied last; "" if there is none."""

    def toggle_full_screen(self) -> None:
        """Fill the whole screen, or no longer; nothing where there is none."""

    def release(self) -> None:
        """Give the context back, and the window if there is one."""


def display_available() -> bool:
    """Whether there is a screen to open a window on."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def picture_bytes(picture: Any) -> bytes:
    """Return the RGB pixels of a framebuffer, top row first; a GPU query."""
    width, height = picture.size
    rows = picture.read(components=3, alignment=1)
    stride = width * 3
    return b"".join(rows[(height - 1 - y) * stride : (height - y) * stride] for y in range(height))
