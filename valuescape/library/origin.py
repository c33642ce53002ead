"""The origin of a map: all that it takes to make it again, for the metadata of its picture."""

from dataclasses import dataclass
from typing import Any

from valuescape.library.model import Model
from valuescape.provenance.contents import MapMade, Provenance
from valuescape.provenance.origin import provenance
from valuescape.sim.config.files import Config, changed
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.policy.network import Checkpoint


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A map's name, cells each way, and episodes; the configuration with its other options; its models."""

    name: str
    cells: int
    episodes: int
    config: Config
    checkpoint: Checkpoint
    other: Checkpoint | None = None

    def told(self) -> Provenance:
        """Return it as metadata."""
        made = MapMade(name=self.name, cells=self.cells, episodes=self.episodes)
        return provenance(made, self.config, self.checkpoint, self.other)


def origin_of(model: Model, name: str, plane: MapPlane, cells: int, **more: Any) -> Origin:
    """Return the origin of a map of a model. more: `episodes`, `other`, and `settings` by name."""
    x, y = plane.variables
    held = [
        f"{variable.name}={value!r}"
        for at, (variable, value) in enumerate(zip(plane.world.state, plane.values, strict=True))
        if at not in plane.axes
    ]
    place = {"heatmap.axes": f"{x.name}, {y.name}", "heatmap.slice": ", ".join(held)}
    config = changed(model.config, place | more.get("settings", {}))
    return Origin(name, cells, more.get("episodes", 512), config, model.checkpoint, more.get("other"))


def joined(one: Origin | None, other: Origin | None) -> Origin | None:
    """Return the origin of the error of a belief and a truth; None unless both are of one model."""
    if one is None or other is None or one.checkpoint is not other.checkpoint:
        return None
    return Origin("error", other.cells, other.episodes, other.config, other.checkpoint)
