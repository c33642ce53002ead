"""Fixtures of this folder."""

from screens import open_headless, open_stub, open_window, opened, screen, windows

__all__ = [
    "open_headless",
    "open_stub",
    "open_window",
    "opened",
    "screen",
    "windows",
]
