"""The compiled path of the simulation (`features.simd`): ticks, policies and waiting as machine code.

Import nothing from here unless `available()`; without numba the plain path does the same work.
"""

import importlib.util


def available() -> bool:
    """Return whether numba is installed."""
    return importlib.util.find_spec("numba") is not None
