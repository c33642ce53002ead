"""A place of the map, as `render.place` names it: two numbers in the units of the axes."""

import math

from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane

Place = tuple[float, float]
"""x and y, in the units of the axes or of the scene's ground, where the map is [-1, 1]^2."""

Bounds = tuple[Place, Place]
"""The low corner of a map and the high one, in the units of the axes."""

GROUND: Bounds = (-1.0, -1.0), (1.0, 1.0)
"""The bounds of the scene's ground."""

_SHARE_DIGITS = 6
"""Digits of a place that was pointed at: it is exact to a millionth of the map's width."""


def place_of(text: str) -> Place | None:
    """Return the two numbers in a text like "0.3, -0.02"; None for "".

    Raises UsageError if it holds anything else.
    """
    if not text.strip():
        return None
    try:
        x, y = (float(each) for each in text.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise UsageError(
            f"render.place = {text!r}, expected two numbers with a comma between them",
            "for example 0.3, -0.02; empty for none",
        )
    return x, y


def require_place(text: str, plane: MapPlane) -> None:
    """Raise UsageError unless a text names a place of the map, or none."""
    place = place_of(text)
    for variable, value in zip(plane.variables, place or (), strict=False):
        if not variable.low <= value <= variable.high:
            expected = f"from {variable.low:.4g} to {variable.high:.4g} {variable.unit}".rstrip()
            raise UsageError(
                f"render.place = {text!r}: {variable.name} is {value:g}, expected {expected}",
                "the numbers are those of the map's axes, x first",
            )


def place_text(ground: Place, bounds: Bounds) -> str:
    """Return a place of the scene's ground as `render.place` names it, within the bounds."""
    said = []
    for at, low, high in zip(ground, *bounds, strict=True):
        digits = _SHARE_DIGITS - math.floor(math.log10(high - low))
        value = round(low + (at + 1) / 2 * (high - low), digits)
        said.append(f"{min(max(value, low), high) + 0.0!r}")
    return ", ".join(said)


def ground_of(place: Place, bounds: Bounds) -> Place:
    """Return a place of the scene's ground."""
    x, y = ((at - low) / (high - low) * 2 - 1 for at, low, high in zip(place, *bounds, strict=True))
    return x, y
