"""Registry of map layers: those of the program, and those of plug-ins."""

import difflib
from collections.abc import Callable, Iterable

from valuescape.gpu.layers.advantage import ADVANTAGE
from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.difference import DIFFERENCE
from valuescape.gpu.layers.disagreement import DISAGREEMENT
from valuescape.gpu.layers.flow import FLOW
from valuescape.gpu.layers.layer import Inputs, MapLayer, MapPair
from valuescape.gpu.layers.marginal_value import MARGINAL_VALUE
from valuescape.gpu.layers.other_value import OTHER_VALUE
from valuescape.gpu.layers.plugged import plugged_layer
from valuescape.gpu.layers.policy import POLICY
from valuescape.gpu.layers.realised_error import REALISED_ERROR
from valuescape.gpu.layers.td_error import TD_ERROR
from valuescape.gpu.layers.truth import OF_ROLLOUTS
from valuescape.gpu.layers.uphill import UPHILL
from valuescape.gpu.layers.value import VALUE
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.subject import Subject
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import PLUGINS

Entry = MapLayer | MapPair


class MapRegistry:
    """Maps by name, in the order that a key walks through them; a name is registered once.

    more: returns those that come and go, after the registered ones: plug-ins'.
    """

    def __init__(self, maps: Iterable[Entry] = (), more: Callable[[], Iterable[Entry]] = tuple) -> None:
        self._registered: dict[str, Entry] = {}
        self._more = more
        for each in maps:
            self.register(each)

    @property
    def _maps(self) -> dict[str, Entry]:
        """All maps by name. Raises UsageError if a plug-in's has the name of one of the program's."""
        found = dict(self._registered)
        for each in self._more():
            if each.name in found:
                raise UsageError(
                    f"the map layer {each.name!r} of a plug-in has the name of one that there is"
                )
            found[each.name] = each
        return found

    def register(self, entry: Entry) -> None:
        """Add a map. Raises ValueError if its name is taken."""
        if entry.name in self._registered:
            other = self._registered[entry.name]
            raise ValueError(f"the map layer {entry.name!r} is registered already: {other}")
        self._registered[entry.name] = entry

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
        return [name for name, each in self._maps.items() if all(one.available(inputs) for one in each.parts)]

    def require(self, name: str, subject: Subject, setting: str = "heatmap.layer") -> None:
        """Raise UsageError if there is no map called `name`, or the subject lacks what it needs.

        setting: the one that names it. Without a critic a map of its values gives way to the density, which
        is no error.
        """
        for layer in self.find(name, setting).parts:
            lack = layer.lacks(subject)
            if lack:
                raise UsageError(f"{setting} = {name!r}, but {lack}")

    def find(self, name: str, setting: str = "heatmap.layer") -> Entry:
        """Return the map called `name`. Raises UsageError, with the nearest name, if there is none."""
        if name in self._registered:
            return self._registered[name]
        maps = self._maps
        if name in maps:
            return maps[name]
        near = difflib.get_close_matches(name, self.names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known maps: {', '.join(self.names)}"
        raise UsageError(f"{setting}: {name!r} is unknown", hint)


MAPS = MapRegistry(
    (
        VALUE,
        DENSITY,
        MapPair("both", VALUE, DENSITY),
        *OF_ROLLOUTS,
        REALISED_ERROR,
        TD_ERROR,
        POLICY,
        FLOW,
        MapPair("policy_flow", POLICY, FLOW),
        UPHILL,
        ADVANTAGE,
        DISAGREEMENT,
        OTHER_VALUE,
        DIFFERENCE,
        MARGINAL_VALUE,
    ),
    lambda: map(plugged_layer, PLUGINS.of(Kind.LAYER)),
)
"""The maps of this program; a key walks through them in this order."""
