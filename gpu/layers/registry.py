"""Registry of map layers: those that come with the program, and those that plug-ins add."""

import difflib
from collections.abc import Iterable

from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.layer import Inputs, MapLayer, MapPair
from valuescape.gpu.layers.value import VALUE
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.subject import Subject


class MapRegistry:
    """Maps by name, in the order that a key walks through them; a name is registered once."""

    def __init__(self, maps: Iterable[MapLayer | MapPair] = ()) -> None:
        self._maps: dict[str, MapLayer | MapPair] = {}
        for each in maps:
            self.register(each)

    def register(self, entry: MapLayer | MapPair) -> None:
        """Add a map. Raises ValueError if its name is taken."""
        if entry.name in self._maps:
            raise ValueError(f"the map layer {entry.name!r} is registered already: {self._maps[entry.name]}")
        self._maps[entry.name] = entry

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that `heatmap.layer` may name."""
        return tuple(self._maps)

    @property
    def layers(self) -> tuple[MapLayer, ...]:
        """The maps that have a texture of their own."""
        return tuple(each for each in self._maps.values() if isinstance(each, MapLayer))

    def available(self, inputs: Inputs) -> list[str]:
        """Return what `heatmap.layer` may name of a run: the maps whose inputs are there."""
        return [name for name, each in self._maps.items() if _base(each).available(inputs)]

    def require(self, name: str, subject: Subject) -> None:
        """Raise UsageError if there is no map called `name`, or the subject lacks what it needs.

        Without a critic a map of its values gives way to the density, which is no error.
        """
        lack = _base(self.find(name)).lacks(subject)
        if lack:
            raise UsageError(f"heatmap.layer = {name!r}, but {lack}")

    def find(self, name: str) -> MapLayer | MapPair:
        """Return the map called `name`. Raises UsageError, with the nearest name, if there is none."""
        if name in self._maps:
            return self._maps[name]
        near = difflib.get_close_matches(name, self.names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known maps: {', '.join(self.names)}"
        raise UsageError(f"heatmap.layer: {name!r} is unknown", hint)


def _base(entry: MapLayer | MapPair) -> MapLayer:
    return entry.base if isinstance(entry, MapPair) else entry


MAPS = MapRegistry((VALUE, DENSITY, MapPair("both", VALUE, DENSITY)))
"""The maps of this program; a key walks through them in this order."""
