"""The choice of maps by keys: the next one, one by its number, and a partner to be shown beside."""

from collections.abc import Sequence
from dataclasses import dataclass

from valuescape.gpu.layers.registry import MAPS

_PARTNERS = {
    "value": "truth",
    "both": "truth",
    "truth": "value",
    "error": "truth",
    "td_error": "realised_error",
}
"""The map that explains another best; one that is not available gives way to the next in the order."""


@dataclass(frozen=True, slots=True)
class MapChoice:
    """A map as it is offered. meaning: a line; of a map that cannot be shown here, why not."""

    name: str
    meaning: str


def following(names: Sequence[str], name: str, steps: int = 1) -> str:
    """Return the name `steps` after `name`, or the first one if it is not among them."""
    return names[(names.index(name) + steps) % len(names)] if name in names else names[0]


def partner(layers: Sequence[str], layer: str) -> str:
    """Return the map to be shown beside `layer`."""
    best = _PARTNERS.get(layer, "value")
    return best if best in layers and best != layer else following(layers, layer)


def linkable(*names: str) -> bool:
    """Return whether maps may share a colour scale: all show the same quantity."""
    quantities = {MAPS.find(name).parts[0].quantity for name in names}
    return len(quantities) == 1 and "" not in quantities
