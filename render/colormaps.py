"""Colour maps as one small texture: a row each for value, density and trail age."""

import matplotlib
import numpy as np
from numpy.typing import NDArray

VALUE_ROW, DENSITY_ROW, TRAIL_ROW = range(3)

NAMES = ("viridis", "magma", "YlOrBr_r")
"""Perceptually uniform, and legible with the common forms of colour blindness, for the two fields; trails
run from dark to light as they get newer."""


def colormap_rows() -> NDArray[np.uint8]:
    """Return the maps as [rows, 256, 4] RGBA, low to high."""
    steps = np.linspace(0, 1, 256)
    rows = []
    for name in NAMES:
        # The last row ends before its palest and darkest colours, which would be lost on the map.
        span = steps if name != NAMES[TRAIL_ROW] else 0.35 + 0.65 * steps
        rows.append(np.round(matplotlib.colormaps[name](span) * 255).astype(np.uint8))
    return np.stack(rows)
