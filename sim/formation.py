"""The world, the arena and the crew of one configuration: all of an engine that a change replaces."""

import contextlib
import time
from dataclasses import dataclass, replace

from valuescape.sim.config.files import Config
from valuescape.sim.crew.arena_layout import arena_layout
from valuescape.sim.crew.choose import CrewMaker, make_crew
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.starting import require_descriptors
from valuescape.sim.insight.plane import map_axes
from valuescape.sim.plugins.loading import loads
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import ArenaLayout
from valuescape.sim.shared.orders import Orders, give_orders
from valuescape.sim.stepping.choose import acting_numbers, require_tabulable, uses_bfloat16
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.stepping.shared_policy import give_policy
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Rules, give_exploration, give_first_agent, give_seed
from valuescape.sim.worlds import World, make_world, with_parameters


@dataclass(frozen=True, slots=True)
class Kind:
    """The properties of an engine that no change touches; fields as the arguments of `Engine`."""

    given_actions: bool = False
    autoreset: bool = True
    crew: CrewMaker = make_crew
    first_agent: int = 0


class Formation:
    """What makes the ticks of one configuration: made in three steps, so that pictures can go on between.

    `workers` and `arena` are there after `reserve`, `crew` after `start`.
    """

    workers: int
    arena: Arena
    crew: Crew

    def __init__(
        self, config: Config, checkpoint: Checkpoint | None, kind: Kind, world: World | None = None
    ) -> None:
        """Make the world, if it is not given. Raises UsageError if the configuration does not fit it."""
        self.config, self.checkpoint, self._kind = config, checkpoint, kind
        self.plugins = loads()
        self.world = world or make_world(config.world.name, config)
        cells = 0 if kind.given_actions else config.policy.tabulated
        if cells:
            require_tabulable(config, self.world, checkpoint)
        axes, low = map_axes(config, self.world), uses_bfloat16(config)
        self.rules = Rules(axes, kind.autoreset, bfloat16=low, tabulated=cells)

    def reserve(self, workers: int) -> None:
        """Reserve the arena for a crew of so many workers. Raises UsageError if it does not fit the machine.

        A thread may do it: it takes 60 ms for 100,000 agents, in which others run.
        """
        require_descriptors(workers)
        self.workers = workers
        self.arena = Arena(self._layout(workers))
        give_first_agent(self.arena, self._kind.first_agent)
        give_seed(self.arena, self.config.run.seed)
        self._give_parameters()
        give_exploration(self.arena, self.config.policy.exploration)
        self._give_policy()
        give_orders(self.arena, Orders(False, 0, 0, time.monotonic_ns(), 0))

    def _layout(self, workers: int) -> ArenaLayout:
        given = self._kind.given_actions
        return arena_layout(self.config, self.world, self.checkpoint, workers, given_actions=given)

    def _give_parameters(self) -> None:
        give_parameters(self.arena, self.world)

    def start(self, *, gradual: bool = False) -> None:
        """Start the crew, which makes tick 0 and waits. gradual: as of `WorkerSpec`."""
        agents = slice(0, self.config.agents.count)
        spec = WorkerSpec(0, agents, self.config, self.checkpoint, self.rules, self.arena)
        spec = replace(spec, plugins=self.plugins, gradual=gradual)
        self.crew = self._kind.crew(spec, self.workers)

    def _give_policy(self) -> None:
        if self.arena.layout.policy_numbers:
            give_policy(self.arena, acting_numbers(self.config, self.world, self.checkpoint))

    def tune(self, config: Config, checkpoint: Checkpoint | None) -> None:
        """Write the numbers that ticks read from the arena, while the crew rests.

        checkpoint: of the same kind as the one before.
        """
        self.config = config
        if checkpoint is not self.checkpoint:
            self.checkpoint = checkpoint
            self._give_policy()
        give_exploration(self.arena, config.policy.exploration)
        world = with_parameters(self.world, config)
        if world.ranges != self.world.ranges:
            self.world = world
            self._give_parameters()

    def leave(self) -> bool:
        """Begin to close without waiting; return whether that is done. To be called until it is."""
        if "crew" in vars(self) and not self.crew.leave():
            return False
        self.close()
        return True

    def close(self) -> None:
        """End the crew and free the arena; a second call does nothing."""
        if "crew" in vars(self):
            self.crew.close()
        if "arena" in vars(self):
            # The traceback of an error being raised may hold a view; the memory is then freed with it.
            with contextlib.suppress(BufferError):
                self.arena.close()
