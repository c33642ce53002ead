"""Compiles the simulation's ticks, policies and waiting into machine code (`features.simd`).

Modules here need numba: import one only if `available()`. Without numba the plain path does the same work.
"""

import importlib.util


def available() -> bool:
    """Return whether numba is installed."""
    return importlib.util.find_spec("numba") is not None
