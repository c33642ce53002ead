"""A change by succession: another arena and another crew are made ready beside those at work."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

from valuescape.sim.changes import Wanted, differing, require_same_states, way_of
from valuescape.sim.crew.handover import Handover, fit_window, keep_systems_off
from valuescape.sim.crew.preparing import Apart
from valuescape.sim.crew.worker_count import fixed_workers, tick_seconds, worker_count
from valuescape.sim.formation import Formation, Kind
from valuescape.sim.stepping.choose import uses_simd
from valuescape.sim.worlds import World, with_parameters
from valuescape.sim.worlds.base import ElementwiseWorld
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld
from valuescape.sim.worlds.interacting import InteractingWorld

_SAME_CODE = frozenset(
    {"agents.count", "trails.length", "policy.exploration", "workers.count", "workers.max_lead"}
)
"""Settings of which no machine code depends."""


class Succession:
    """Makes the formation of `wanted` ready, a little with each call of `is_ready`; then `take_over`.

    Nothing of the present formation is touched before that, so a failure leaves it at work. Raises UsageError
    if the present agents cannot go on in the new world.
    """

    def __init__(self, present: Formation, wanted: Wanted, kind: Kind) -> None:
        self.wanted = wanted
        self._present = present
        self.formation = Formation(wanted.config, wanted.checkpoint, kind, _kept_world(present, wanted))
        require_same_states(present.world, self.formation.world)
        self._handover: Handover | None = None
        self._steps: Generator[None, None, None] | None = self._prepare()

    def is_ready(self, newest: int) -> bool:
        """Go on preparing; return whether the new crew waits to take over.

        newest: a tick that is complete, -1 for none. Never waits; takes 10 ms at most, or without workers as
        long as their tick 0. Raises UsageError, WorkerFailedError or OSError if there can be no such
        formation.
        """
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
        return self._steps is None and self.formation.crew.is_ready() and self._go_ahead(newest)

    def _go_ahead(self, newest: int) -> bool:
        before, after = self._present, self.formation
        if newest < 0:
            return False
        if self._handover is None:
            trail = before.config.trails.length, after.config.trails.length
            self._handover = Handover(before.arena, after.arena, trail)
        return self._handover.go_ahead(newest)

    def take_over(self, tick: int) -> Formation:
        """Hand the agents over, which rest at `tick`; return the formation that goes on with new orders."""
        before, after = self._present, self.formation
        worlds = before.world, after.world
        assert self._handover
        self._handover.make(tick)
        keep_systems_off(before.arena, after.arena, worlds)
        fit_window(after.arena, tick, worlds, after.rules.map_axes)
        after.tune(after.config, self.wanted.checkpoint)
        after.crew.take_over(tick)
        return after

    def retune(self, wanted: Wanted) -> None:
        """Take over with the numbers of `wanted`, which needs no other formation than this.

        Raises UsageError, and changes nothing, if its world cannot have them.
        """
        with_parameters(self.formation.world, wanted.config)
        self.wanted = wanted
        self.formation.config = wanted.config

    def leave(self) -> Formation:
        """Give up; return what is left of the formation, for the caller to close."""
        if self._steps is not None:
            self._steps.close()
        return self.formation

    def _prepare(self) -> Generator[None, None, None]:
        workers = yield from self._count()
        with ThreadPoolExecutor(1) as pool:
            reserved = pool.submit(self.formation.reserve, workers)
            while not reserved.done():
                yield
        reserved.result()
        self.formation.start(gradual=True)

    def _count(self) -> Generator[None, None, int]:
        """Return how many workers are wanted.

        Measuring a tick, and compiling what this process needs to make ticks itself, is done by another
        process, unless nothing is to be compiled.
        """
        config, checkpoint = self.wanted.config, self.wanted.checkpoint
        fixed = fixed_workers(config)
        if fixed is not None and (fixed or self._compiles_nothing()):
            return fixed
        apart = Apart(config, checkpoint, worker_count if fixed is None else tick_seconds)
        try:
            while not apart.is_done():
                yield
            number = apart.number()
        finally:
            apart.close()
        if fixed is not None:
            return fixed
        return worker_count(config, checkpoint) if number is None else int(number)

    def _compiles_nothing(self) -> bool:
        """Return whether this process could make the ticks that are wanted at once.

        It steps in plain Python, or makes the present ticks by the machine code that is wanted.
        """
        world = self.formation.world
        if not (uses_simd(self.wanted.config) and isinstance(world, ElementwiseWorld | InteractingWorld)):
            return True
        present, wanted = self._present, self.wanted
        read = {name for name in differing(present.config, wanted.config) if way_of(name)}
        same = read <= _SAME_CODE
        return same and not present.workers and (present.checkpoint is None) is (wanted.checkpoint is None)


def _kept_world(present: Formation, wanted: Wanted) -> World | None:
    """Return the present world if trying its environment again would only take time."""
    same = present.config.world == wanted.config.world and present.plugins == wanted.plugins
    return present.world if same and isinstance(present.world, GymnasiumWorld) else None
