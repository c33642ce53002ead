"""Number of live OpenGL objects, as the driver counts them: also those that Python has lost."""

import ctypes
import sys
from functools import cache
from typing import Any

_KINDS = ("Buffer", "Texture", "Framebuffer", "Renderbuffer", "VertexArray", "Query")
"""Kinds of objects with glGen functions; programs are made another way."""

_LIBRARIES = ("libOpenGL.so.0", "libGL.so.1")
"""Libraries with OpenGL's functions on Linux; they work on any current context."""

_MADE = 256
"""Names to make in search of the highest: a driver that gives out the lowest free ones fills gaps first."""


@cache
def _library() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def live_objects() -> dict[str, int]:
    """Return the number of objects of each kind in the current context; empty without OpenGL's library.

    New names show the highest one in use; every name up to there is asked for.
    """
    library = _library()
    if library is None:
        return {}
    found = {kind: _count(library, kind) for kind in _KINDS}
    made = [library.glCreateProgram() for _ in range(_MADE)]
    for name in made:
        library.glDeleteProgram(name)
    return found | {"Program": sum(library.glIsProgram(name) & 0xFF for name in range(1, max(made)))}


def _count(library: Any, kind: str) -> int:
    """Return the number of objects of a kind."""
    made = (ctypes.c_uint * _MADE)()
    plural = "Queries" if kind == "Query" else f"{kind}s"
    getattr(library, f"glGen{plural}")(_MADE, made)
    end = max(made)
    getattr(library, f"glDelete{plural}")(_MADE, made)
    is_live = getattr(library, f"glIs{kind}")
    return sum(is_live(name) & 0xFF for name in range(1, end))
