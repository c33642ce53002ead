"""Colour maps as one small texture: rows for trails, then a row for each map layer."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from valuescape.gpu.constants import COLORMAP_WIDTH
from valuescape.sim.worlds.base import Termination

AGE_ROW, SEQUENTIAL_ROW, DIVERGING_ROW, OUTCOME_ROW, AGENT_ROW, FIRST_LAYER_ROW = range(6)
"""Rows for trails' ages, signals, signed signals, outcomes and agents; the rows of map layers follow."""

SEQUENTIAL = ("viridis", "cividis", "plasma", "inferno", "magma", "gray")
"""Perceptually uniform (van der Walt and Smith, 2015; Nuñez, Anderton and Renslow, 2018); cividis is made for
all forms of colour blindness, and the others are legible with the common ones."""

DIVERGING = ("RdBu_r", "PuOr", "coolwarm")
"""For signed fields: their middle is 0, and their ends can be told apart with all forms of colour blindness.
"""

AUTO, QUIET = "auto", "quiet"
"""Names that matplotlib lacks: a choice made by the program, and dark grays that trails stand out from."""

RUNNING, TRUNCATED = "#d9d9d9", "#56b4e9"
TERMINATED: dict[Termination, str] = {
    "goal": "#26b583",
    "failure": "#e8692a",
    "either": "#e8692a",
    "never": "#e8692a",
}
"""Colours of episodes that still run, were truncated, terminated; after Okabe and Ito (2008)."""


def colormap_rows(
    layers: Sequence[str] = ("viridis", "magma"), termination: Termination = "either"
) -> NDArray[np.uint8]:
    """Return the colour maps as [rows, COLORMAP_WIDTH, 4] RGBA, low to high: a new array.

    layers: the map of each layer, a name out of SEQUENTIAL or DIVERGING, or QUIET. termination: its meaning
    in the world. Trails run from dark to light as they get newer; the maps of signals leave out their darkest
    part, which would not stand out from the fields.
    """
    outcomes = RUNNING, TERMINATED[termination], TRUNCATED
    rows = [
        _colors("YlOrBr_r", 0.35),
        _colors("plasma", 0.2),
        _colors("RdBu_r", 0.06, 0.94),
        np.repeat([to_rgba(color) for color in outcomes], [86, 85, 85], axis=0),
        _hues(),
        *(_colors("gray", 0.02, 0.42) if name == QUIET else _colors(name) for name in layers),
    ]
    return np.round(np.stack(rows) * 255).astype(np.uint8)


def value_map(name: str, *, signed: bool) -> str:
    """Return the colour map of the value. signed: trails have a diverging one, so AUTO is QUIET."""
    if name != AUTO:
        return name
    return QUIET if signed else "viridis"


def layer_map(name: str, *, centred: bool) -> str:
    """Return the colour map of a map layer; AUTO is diverging on a scale with 0 in its middle."""
    if name != AUTO:
        return name
    return DIVERGING[0] if centred else SEQUENTIAL[0]


def _hues() -> NDArray[np.float64]:
    """Return a circle of light hues of equal lightness, [COLORMAP_WIDTH, 4]."""
    turn = np.linspace(0, 1, COLORMAP_WIDTH)[:, None] + np.array([0, 0.33, 0.67])
    light = 0.25 + 0.75 * (0.5 + 0.5 * np.cos(2 * np.pi * turn))
    return np.column_stack([light, np.ones(COLORMAP_WIDTH)])


def _colors(name: str, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
    """Return the part of a map of matplotlib's from `low` to `high`, [COLORMAP_WIDTH, 4]."""
    colors: NDArray[np.float64] = matplotlib.colormaps[name](np.linspace(low, high, COLORMAP_WIDTH))
    return colors
