"""Ends of sliders: as the setting declares them, else from its bounds, default and unit."""

import math
from dataclasses import dataclass

from valuescape.sim.config.model import SettingField

_WIDE = 100
"""The span of bounds, as a multiple of the default, beyond which a slider is logarithmic."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of a slider, whether it is logarithmic, and the format of its number, as of C's printf."""

    low: float
    high: float
    logarithmic: bool
    form: str


def ends_of(setting: SettingField) -> Ends:
    """Return the ends of a setting's slider. It must be a number with bounds."""
    low, high, logarithmic = _reach(setting)
    panel = setting.declared.panel
    if panel is None:
        return Ends(low, high, logarithmic, _form(setting, low, high))
    low = low if panel.low is None else panel.low
    high = high if panel.high is None else panel.high
    logarithmic = logarithmic if panel.logarithmic is None else panel.logarithmic
    return Ends(low, high, logarithmic, panel.form or _form(setting, low, high))


def parameter_ends(low: float, high: float, unit: str) -> Ends:
    """Return the ends of the slider of a parameter that a world or a plug-in declares, from low to high."""
    logarithmic = low > 0 and high / low >= _WIDE
    return Ends(low, high, logarithmic, _digits(low, high) + _printed(unit))


def _reach(setting: SettingField) -> tuple[float, float, bool]:
    """Return the ends that follow from bounds and default, and whether they are decades apart."""
    least, most = setting.bounds
    assert least is not None
    assert most is not None
    scale = _scale(setting)
    if most - least <= _WIDE * scale:
        return least, most, False
    high = min(most, 10.0 ** math.ceil(math.log10(_WIDE * scale)))
    return max(least, -high), high, least >= 0


def _scale(setting: SettingField) -> float:
    """Return the size of numbers that the setting usually has."""
    default = setting.default
    return abs(default) if isinstance(default, int | float) and default else 1.0


def _form(setting: SettingField, low: float, high: float) -> str:
    digits = "%d" if setting.whole else _digits(low, high)
    return digits + _printed(setting.declared.unit or "")


def _digits(low: float, high: float) -> str:
    return "%.2f" if 0.5 <= max(abs(low), abs(high)) < 10 else "%.3g"


def _printed(unit: str) -> str:
    return f" {unit}".replace("%", "%%") if unit else ""
