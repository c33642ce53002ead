"""Everything that whoever steps a slice of agents is given."""

from dataclasses import dataclass

from valuescape.sim.config.files import Config
from valuescape.sim.plugins.loading import NOTHING, Loads
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.orders import Bell
from valuescape.sim.stepping.stepper import Rules, first_agent


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """The slice of agents that one worker steps, and all it needs for that.

    A process that steps agents is started with it, pickled: arena and bells then refer to the same memory.

    index: of the worker's record in the arena. part: its agents. plugins: what a process loads before it
    makes the world. Where processes step: bells: one per worker, rung to wake it; main_bell: rung when the
    tick is complete that the main process sleeps for. gradual: processes are started one a look, because
    pictures are being made meanwhile.
    """

    index: int
    part: slice
    config: Config
    checkpoint: Checkpoint | None
    rules: Rules
    arena: Arena
    bells: tuple[Bell, ...] = ()
    main_bell: Bell | None = None
    plugins: Loads = NOTHING
    gradual: bool = False

    @property
    def agents(self) -> int:
        """Number of agents in the slice."""
        return int(self.part.stop - self.part.start)

    @property
    def numbers(self) -> slice:
        """The numbers that these agents have in the run; others than `part` on a node of a cluster."""
        first = int(first_agent(self.arena))
        return slice(self.part.start + first, self.part.stop + first)
