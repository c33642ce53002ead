"""Colour maps as one small texture: rows of the fields, of trails' ages, of signals, of agents."""

import matplotlib
import numpy as np
from matplotlib.colors import to_rgba
from numpy.typing import NDArray

from valuescape.sim.worlds.base import Termination

VALUE_ROW, DENSITY_ROW, AGE_ROW, SEQUENTIAL_ROW, DIVERGING_ROW, OUTCOME_ROW, AGENT_ROW = range(7)

SEQUENTIAL = ("viridis", "cividis", "plasma", "inferno", "magma", "gray")
"""Perceptually uniform (van der Walt and Smith, 2015; Nuñez, Anderton and Renslow, 2018); cividis is made for
all forms of colour blindness, and the others are legible with the common ones."""

DIVERGING = ("RdBu_r", "PuOr", "coolwarm")
"""For signed fields: their middle is 0, and their ends can be told apart with all forms of colour blindness.
"""

AUTO, QUIET = "auto", "quiet"
"""Not maps of matplotlib's: what `value_map` finds one for, and dark grays that trails stand out from."""

RUNNING, TRUNCATED = "#d9d9d9", "#56b4e9"
TERMINATED: dict[Termination, str] = {
    "goal": "#26b583",
    "failure": "#e8692a",
    "either": "#e8692a",
    "never": "#e8692a",
}
"""Episodes that still run, were truncated, terminated; after Okabe and Ito (2008)."""


def colormap_rows(
    value: str = "viridis", density: str = "magma", termination: Termination = "either"
) -> NDArray[np.uint8]:
    """Return the maps as [rows, 256, 4] RGBA, low to high.

    value, density: names out of SEQUENTIAL or DIVERGING, or QUIET. termination: what it means.
    Trails run from dark to light as they get newer.
    Maps of signals leave out what would be lost on the fields' colours: their darkest part.
    """
    outcomes = RUNNING, TERMINATED[termination], TRUNCATED
    rows = [
        _colors("gray", 0.02, 0.42) if value == QUIET else _colors(value),
        _colors(density),
        _colors("YlOrBr_r", 0.35),
        _colors("plasma", 0.2),
        _colors("RdBu_r", 0.06, 0.94),
        np.repeat([to_rgba(color) for color in outcomes], [86, 85, 85], axis=0),
        _hues(),
    ]
    return np.round(np.stack(rows) * 255).astype(np.uint8)


def value_map(name: str, *, signed: bool) -> str:
    """Return the value's colour map. signed: whether trails have a diverging one."""
    if name != AUTO:
        return name
    return QUIET if signed else "viridis"


def _hues() -> NDArray[np.float64]:
    """Return a circle of light hues, each as light as the others."""
    turn = np.linspace(0, 1, 256)[:, None] + np.array([0, 0.33, 0.67])
    light = 0.25 + 0.75 * (0.5 + 0.5 * np.cos(2 * np.pi * turn))
    return np.column_stack([light, np.ones(256)])


def _colors(name: str, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
    colors: NDArray[np.float64] = matplotlib.colormaps[name](np.linspace(low, high, 256))
    return colors
