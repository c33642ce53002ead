"""A crew without processes: the calling process makes all ticks."""

import time
from collections.abc import Callable
from contextlib import ExitStack

from valuescape.sim.codegen.notice import CompilationNeededError
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.failures import failed_here
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import may_be_left
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.shared.orders import Orders, give_orders, read_orders
from valuescape.sim.stepping.choose import make_stepper
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper

_CHECK_S = 0.02
"""The longest that one `check` keeps a frame waiting, but for a tick that takes longer."""


class Alone(Crew):
    """Makes the ticks in the calling process, as one worker would that has all agents."""

    def __init__(self, whole: WorkerSpec) -> None:
        """Compile what is to be compiled, and make tick 0. whole: names all agents."""
        self.arena = whole.arena
        self._agents = whole.numbers
        self._ticks = self.arena["worker"]["tick"]
        # Both slots of the orders, changed in place: no other process reads them, so nothing is published.
        self._limit, self._tick_ns = self.arena["control"]["limit"], self.arena["control"]["tick_ns"]
        self._owned = ExitStack()
        self._owned.enter_context(one_blas_thread())  # the same sums as in a worker
        try:
            with may_be_left():  # compiling may take half a minute
                self._stepper = make_stepper(whole)
            self._stepper.initialise()
        except BaseException as error:
            agents = self._agents
            self.close()
            known = isinstance(error, UsageError | CompilationNeededError)
            if known or not isinstance(error, Exception):
                raise
            raise failed_here(agents, -1, error) from error
        self._ticks[0] = self._tick = 0

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return at once."""

    def is_ready(self) -> bool:
        """Return True: the constructor has made tick 0."""
        return True

    def take_over(self, tick: int) -> None:
        """Go on from `tick`."""
        self._ticks[0] = self._tick = tick

    def give(self, orders: Orders) -> None:
        """Have the next `check` make the ticks that `orders` ask for."""
        give_orders(self.arena, orders)

    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as can be."""
        self._limit[:] = tick
        self._tick_ns[:] = 0
        while self._tick < tick:
            self._step(tick)

    def check(self) -> None:
        """Make the ticks that are due, for at most _CHECK_S."""
        end = time.monotonic() + _CHECK_S
        orders = read_orders(self.arena)
        while orders.allow(self._tick + 1) and time.monotonic() < end:
            self._step(self._tick + 1)

    def _step(self, until: int) -> None:
        """Make ticks up to `until`, for a bounded time but at least one."""
        try:
            self._ticks[0] = self._tick = self._stepper.step_to(self._tick, until)
        except UsageError:
            raise
        except Exception as error:  # a world may be the user's own
            raise failed_here(self._agents, self._tick, error) from error

    def stepper(self) -> Stepper:
        """Return the stepper of all agents."""
        return self._stepper

    def close(self) -> None:
        """Give this process its BLAS threads back, and let go of the arena."""
        if vars(self):
            self._owned.close()
            vars(self).clear()
