"""A crew of worker processes on this machine, beside the calling process or in step with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from valuescape.sim.codegen import notice as compiling
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.supervisor import Supervisor
from valuescape.sim.policy.inference import BLOCK
from valuescape.sim.shared.layout import NO_LIMIT, Phase, slices
from valuescape.sim.shared.orders import Bell, Orders, give_orders, read_orders
from valuescape.sim.stepping.choose import make_stepper, make_turns, uses_simd
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.base import ElementwiseWorld

_LOOK_S = 0.02
"""While workers start, the calling process looks at them this often."""

_LOOK_AFTER_S = 0.05
"""While a tick is waited for, dead and hung workers are looked for this often."""


class Workers(Crew):
    """Divides the agents among worker processes, which a supervisor starts and replaces."""

    def __init__(self, whole: WorkerSpec, workers: int) -> None:
        """Start `workers` processes, and wait for nothing. whole: names all agents."""
        self.arena = whole.arena
        self._ticks = self.arena["worker"]["tick"]
        self._main: Any = self.arena["main"][0]
        self._bells = tuple(Bell() for _ in range(workers))
        self._main_bell = Bell()
        self._whole = replace(whole, bells=self._bells, main_bell=self._main_bell)
        self._supervisor: Supervisor | None = None
        try:
            _warn_if_never_kept(whole)
            self._supervisor = Supervisor(whole.config.workers, self._specs(), gradual=whole.gradual)
            self._turns = make_turns(self._whole)
        except BaseException:
            self.close()
            raise

    def _specs(self) -> list[WorkerSpec]:
        """Return one spec per worker."""
        parts = slices(self.arena.layout.agents, len(self._bells), BLOCK)
        return [replace(self._whole, index=index, part=part) for index, part in enumerate(parts)]

    @property
    def restarts(self) -> int:
        """Number of workers that have been replaced."""
        return self._supervisor.restarts if self._supervisor else 0

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._supervisor.pids if self._supervisor else []

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until every worker has made tick 0. Raises UsageError if one fails while starting."""
        self._main["waits_for"] = 0
        while self._ticks.min() < 0:
            check()
            self.is_ready()
            self._main_bell.wait(_LOOK_S)
        self._main["waits_for"] = NO_LIMIT

    def is_ready(self) -> bool:
        """Return whether every worker has made tick 0 and is alive."""
        assert self._supervisor
        phases = self.arena["worker"]["phase"]
        if Phase.COMPILING in phases:
            compiling.tell()
        self._supervisor.require_started()
        return bool(self._ticks.min() >= 0 and (phases == Phase.RUNNING).all())

    def take_over(self, tick: int) -> None:
        """Name `tick` complete in the records of all workers, which wait for orders."""
        self._ticks[:] = tick

    def give(self, orders: Orders) -> None:
        """Publish `orders` and wake all workers."""
        give_orders(self.arena, orders)
        for bell in self._bells:
            bell.ring()

    def rests(self) -> bool:
        """Return whether every worker sleeps, or is still starting: both look at the orders afterwards."""
        records = self.arena["worker"]
        return bool(((records["asleep"] == 1) | (records["phase"] != Phase.RUNNING)).all())

    def advance_to(self, tick: int) -> None:
        """Have every tick up to `tick` made as fast as can be; return when it is complete."""
        if not self._turns.order_tick(tick):
            self._sleep_until(tick)

    def _sleep_until(self, tick: int) -> None:
        """Sleep until the workers have completed `tick`, looking after them meanwhile."""
        self._main["waits_for"] = tick
        try:
            while self._ticks.min() < tick:
                self._main_bell.wait(_LOOK_AFTER_S)
                self.check()
        finally:
            self._main["waits_for"] = NO_LIMIT

    def check(self) -> None:
        """Replace workers that died or hang; never waits."""
        assert self._supervisor
        self._supervisor.check()

    def require_sound(self) -> None:
        """Raise the error of a worker that raised one and has not been replaced so far."""
        assert self._supervisor
        self._supervisor.require_sound()

    def stepper(self) -> Stepper:
        """Return a new stepper of all agents."""
        return make_stepper(self._whole)

    def leave(self) -> bool:
        """Tell the workers to stop; when all have, let go of the arena and return True."""
        if not vars(self):
            return True
        assert self._supervisor
        self._tell_to_stop()
        if self._supervisor.have_ended():
            self.close()
        return not vars(self)

    def _tell_to_stop(self) -> None:
        self.give(replace(read_orders(self.arena), stop=True))

    def close(self) -> None:
        """Tell the workers to stop, end those that do not, and let go of the arena."""
        if not vars(self):
            return
        self._tell_to_stop()
        if self._supervisor:
            self._supervisor.close()
        for bell in (*self._bells, self._main_bell):
            bell.close()
        vars(self).clear()


def _warn_if_never_kept(spec: WorkerSpec) -> None:
    """Warn if the world's machine code cannot be kept on disk, so that each worker compiles it every time."""
    world = make_world(spec.config.world.name, spec.config)
    if uses_simd(spec.config) and isinstance(world, ElementwiseWorld):
        from valuescape.sim.stepping.compiled.world import remark_unkept

        remark_unkept(world)
