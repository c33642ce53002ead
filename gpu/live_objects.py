"""How many OpenGL objects there are: the driver is asked, who knows also those that Python has forgotten."""

import ctypes
import sys
from functools import cache
from typing import Any

_KINDS = ("Buffer", "Texture", "Framebuffer", "Renderbuffer", "VertexArray", "Query")
"""Objects with names of their own; programs and shaders are made another way."""

_LIBRARIES = ("libOpenGL.so.0", "libGL.so.1")
"""Where Linux has OpenGL's functions, whoever made the context that is current."""


_MADE = 256
"""Names made to find where names end: drivers that use the lowest free ones fill gaps first."""


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
    """Return how many objects of each kind the current context has; empty where nobody can be asked.

    Names are made to see where they end, and all up to there are asked for.
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
    """Count the names of a kind that objects have."""
    made = (ctypes.c_uint * _MADE)()
    plural = "Queries" if kind == "Query" else f"{kind}s"
    getattr(library, f"glGen{plural}")(_MADE, made)
    end = max(made)
    getattr(library, f"glDelete{plural}")(_MADE, made)
    is_live = getattr(library, f"glIs{kind}")
    return sum(is_live(name) & 0xFF for name in range(1, end))
