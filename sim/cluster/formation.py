"""World, arena and crew of a run on a cluster: the arena has rows of some of its agents."""

from collections.abc import Callable
from dataclasses import replace

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cluster.crew import RECORDS, ClusterCrew
from valuescape.sim.cluster.messages import Task, Tuning
from valuescape.sim.cluster.node import Nodes
from valuescape.sim.cluster.requirements import settled
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.cluster.team import Team
from valuescape.sim.config.files import Config
from valuescape.sim.crew.arena_layout import arena_layout
from valuescape.sim.formation import Formation, Kind
from valuescape.sim.plugins.carrying import carried_code
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.worlds import World
from valuescape.sim.worlds.parameters import agents_values


class ClusterFormation(Formation):
    """World, arena and crew of a run whose agents are stepped on nodes.

    kept: numbers of the agents of which the arena has rows, ascending. nodes: makes the nodes that are used.
    """

    crew: ClusterCrew

    def __init__(
        self,
        config: Config,
        checkpoint: Checkpoint | None,
        kept: IndexArray,
        nodes: Callable[[], Nodes],
        world: World | None = None,
    ) -> None:
        super().__init__(config, checkpoint, Kind(), world)
        self.kept, self._nodes = kept, nodes

    def _layout(self, workers: int) -> ArenaLayout:
        count = self.config.agents.model_copy(update={"count": len(self.kept)})
        config = self.config.model_copy(update={"agents": count})
        layout = arena_layout(config, self.world, self.checkpoint, RECORDS, given_actions=False)
        return replace(layout, action_log_rows=0, spans=0)

    def _give_parameters(self) -> None:
        rows = self.arena["parameter"]
        rows[:] = agents_values(self.world.ranges, self.config.run.seed, self.kept)

    def start(self, *, gradual: bool = False) -> None:
        """Begin to start the hosts."""
        everyone = Slice(0, self.config.agents.count)
        config = settled(self.config)
        whole = Task(everyone, config, self.checkpoint, self.kept, cores=1, code=carried_code())
        self.crew = ClusterCrew(self.arena, Team(whole, self._nodes()), self.config.workers.max_lead)

    def tune(self, config: Config, checkpoint: Checkpoint | None) -> None:
        """Write numbers here and have them written on all nodes, after the tick at which all rest."""
        super().tune(config, checkpoint)
        self.crew.tune(Tuning(int(self.arena["worker"]["tick"][0]), settled(config), checkpoint))
