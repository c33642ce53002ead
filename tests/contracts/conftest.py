"""Fixtures of this folder."""

from gl_context import gl, shared_context
from screens import open_headless, open_streamed, open_stub, open_window, opened, screen, windows

__all__ = [
    "gl",
    "open_headless",
    "open_streamed",
    "open_stub",
    "open_window",
    "opened",
    "screen",
    "shared_context",
    "windows",
]
