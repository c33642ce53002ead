"""The plane of a map, as callers choose it: names of two state variables, and values of the others."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from valuescape.library.model import Model
from valuescape.library.wording import in_keywords
from valuescape.sim.config.files import changed
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.insight.plane import MapPlane, map_plane

Axes: TypeAlias = str | Sequence[str] | None
"""The two state variables along x and y: ("theta", "velocity"); None for the world's own."""

Slice: TypeAlias = str | Mapping[str, float] | None
"""Values of the state variables off the map, in their units; those left out have the world's own."""


def plane_of(model: Model, axes: Axes, at: Slice) -> MapPlane:
    """Return the plane of a model's world that axes and slice name. Raises UsageError if they do not fit."""
    named = {"heatmap.axes": _axes_text(axes), "heatmap.slice": _slice_text(at)}
    chosen = {name: text for name, text in named.items() if text is not None}
    with in_keywords():
        return map_plane(changed(model.config, chosen), model.world)


def _axes_text(axes: Axes) -> str | None:
    if axes is None or isinstance(axes, str):
        return axes
    names = list(axes)
    if len(names) != 2 or not all(isinstance(each, str) for each in names):
        raise UsageError(f"axes = {shown(axes)}: expected the names of two state variables")
    return ", ".join(names)


def _slice_text(at: Slice) -> str | None:
    if at is None or isinstance(at, str):
        return at
    try:
        return ", ".join(f"{name}={float(value)!r}" for name, value in at.items())
    except (TypeError, ValueError, AttributeError):
        expected = 'expected values by name, as {"velocity": 0.5}'
        raise UsageError(f"slice = {shown(at)}: {expected}") from None
