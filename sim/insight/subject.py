"""The subject of maps: a world, the checkpoint whose critic is looked at, and another to compare it with."""

from dataclasses import dataclass

from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.config.model import Config
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A run's world and checkpoints; each is equal to itself alone.

    checkpoint: None without a trained policy. other: the one that `insight.compare_with` names. value_ends:
    of the value's colour scale, where it is held for several checkpoints; None if it follows the field.
    """

    config: Config
    world: World
    checkpoint: Checkpoint | None = None
    other: Checkpoint | None = None
    value_ends: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class MapRequest:
    """A map that is to be computed: of a subject, over a plane, `edge` x `edge` cells.

    insight: the current values of its settings. states: of the agents, [state_dim, n] float32, if the map is
    to be the mean over the agents of a cell (`insight.marginal`); None for the plane's own states.
    """

    subject: Subject
    insight: InsightConfig
    plane: MapPlane
    edge: int
    states: Float32Array | None = None
