"""Fixtures of this folder."""

from gl_context import gl, shared_context
from panel_hands import a_hand
from screens import open_headless, open_stub, open_window, opened, screen, windows

__all__ = [
    "a_hand",
    "gl",
    "open_headless",
    "open_stub",
    "open_window",
    "opened",
    "screen",
    "shared_context",
    "windows",
]
