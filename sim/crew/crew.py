"""Who makes the ticks: the calling process alone, or a crew of workers."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from valuescape.sim.codegen import notice as compiling
from valuescape.sim.config.sections import WorkersConfig
from valuescape.sim.crew.failures import Failure, report
from valuescape.sim.crew.supervisor import Supervisor, WorkerFailedError
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import may_be_left
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import NO_LIMIT, Phase
from valuescape.sim.shared.orders import Bell, read_orders
from valuescape.sim.stepping.choose import make_stepper, make_turns, uses_simd
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper
from valuescape.sim.worlds import make_world
from valuescape.sim.worlds.base import ElementwiseWorld

_PUMP_S = 0.02
"""Without workers, the longest that one `check` may keep a frame waiting."""


class Crew(Protocol):
    """What the engine asks of whoever makes its ticks."""

    @property
    def restarts(self) -> int:
        """How many workers have been replaced."""

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return when tick 0 is there."""

    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as can be; return when it is complete."""

    def check(self) -> None:
        """Once a frame: do what is due."""

    def stepper(self) -> Stepper:
        """Return a stepper of all agents in the calling process, for `restart` while nobody steps."""

    def close(self) -> None:
        """End whoever runs."""


class Alone:
    """Makes the ticks in the calling process, as one worker would that has all agents."""

    restarts = 0
    pids: list[int] = []  # noqa: RUF012 - nobody ever joins

    def __init__(self, spec: WorkerSpec) -> None:
        self.arena = spec.arena
        self._part = spec.part
        self._ticks = spec.arena["worker"]["tick"]
        # The orders, both slots, in place: nobody else reads them here, and publishing them takes longer.
        self._limit, self._tick_ns = spec.arena["control"]["limit"], spec.arena["control"]["tick_ns"]
        self._limits = threadpool_limits(1, user_api="blas")  # the same sums as in a worker
        with may_be_left():  # it may compile for half a minute
            self._stepper = make_stepper(spec)
        self._stepper.initialise()
        self._ticks[0] = self._tick = 0

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return at once."""

    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as can be."""
        self._limit[:] = tick
        self._tick_ns[:] = 0
        while self._tick < tick:
            self.step(tick)

    def check(self) -> None:
        """Make the ticks that are due, for at most `_PUMP_S`."""
        end = time.monotonic() + _PUMP_S
        orders = read_orders(self.arena)
        while self._tick < orders.limit and time.monotonic() < end:
            if orders.due_ns(self._tick + 1) > time.monotonic_ns():
                return
            self.step(self._tick + 1)

    def step(self, until: int) -> None:
        """Make ticks up to `until`, for a bounded time but at least one."""
        try:
            self._ticks[0] = self._tick = self._stepper.step_to(self._tick, until)
        except UsageError:
            raise
        except Exception as error:  # a world may be the user's own
            told = report(0, os.getpid(), self._part, self._tick, Failure.of(error))
            raise WorkerFailedError(told) from error

    def stepper(self) -> Stepper:
        """Return the stepper of all agents."""
        return self._stepper

    def close(self) -> None:
        """Give back what was taken of this process."""
        self._limits.unregister()
        del self._stepper, self._ticks, self._limit, self._tick_ns


class Workers:
    """Has worker processes make the ticks, beside the calling process or in step with it."""

    def __init__(self, config: WorkersConfig, specs: list[WorkerSpec]) -> None:
        self.arena: Arena = specs[0].arena
        self._ticks = self.arena["worker"]["tick"]
        self._main: Any = self.arena["main"][0]
        self._bell: Bell = specs[0].main_bell
        _remark_unkept(specs[0])
        self._supervisor = Supervisor(config, specs)
        self._turns = make_turns(specs[0])
        self._first = specs[0]

    @property
    def restarts(self) -> int:
        """How many workers have been replaced."""
        return self._supervisor.restarts

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._supervisor.pids

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Wait until every worker has made tick 0. Raises UsageError if one fails while starting."""
        self._main["waits_for"] = 0
        phases = self.arena["worker"]["phase"]
        while self._ticks.min() < 0:
            check()
            if Phase.COMPILING in phases:
                compiling.tell()
            self._supervisor.require_started()
            self._bell.wait(0.02)
        self._main["waits_for"] = NO_LIMIT

    def advance_to(self, tick: int) -> None:
        """Have every tick up to `tick` made as fast as can be; return when it is complete."""
        if not self._turns.order_tick(tick):
            self._sleep_until(tick)

    def _sleep_until(self, tick: int) -> None:
        """Sleep until the workers have completed `tick`, looking after them meanwhile."""
        self._main["waits_for"] = tick
        try:
            while self._ticks.min() < tick:
                self._bell.wait(0.05)
                self.check()
        finally:
            self._main["waits_for"] = NO_LIMIT

    def check(self) -> None:
        """Replace workers that died or hang; never waits."""
        self._supervisor.check()

    def stepper(self) -> Stepper:
        """Return a new stepper of all agents."""
        everyone = slice(0, self.arena.layout.agents)
        return make_stepper(replace(self._first, part=everyone))

    def close(self) -> None:
        """End the workers, who have been told to stop."""
        self._supervisor.close()
        del self._turns, self._main, self._ticks, self._first


def _remark_unkept(spec: WorkerSpec) -> None:
    """Say if every worker will compile the world, each time."""
    world = make_world(spec.config.world.name, spec.config)
    if uses_simd(spec.config) and isinstance(world, ElementwiseWorld):
        from valuescape.sim.stepping.compiled.world import remark_unkept

        remark_unkept(world)
