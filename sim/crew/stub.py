"""The smallest crew: each method does the least that the contract allows. Begin a new crew with a copy."""

from collections.abc import Callable

from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.failures import failed_here
from valuescape.sim.errors import UsageError
from valuescape.sim.shared.orders import Orders, give_orders, read_orders
from valuescape.sim.stepping.choose import make_stepper
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import Stepper


class StubCrew(Crew):
    """Makes the ticks in the calling process, one a `check`."""

    def __init__(self, whole: WorkerSpec) -> None:
        """Make tick 0. whole: names all agents."""
        self._spec = whole
        self._records = whole.arena["worker"]
        self._stepper = make_stepper(whole)
        self._stepper.initialise()
        self._records["tick"] = 0

    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return: the constructor has made tick 0."""

    def is_ready(self) -> bool:
        """Return True: the constructor has made tick 0."""
        return True

    def take_over(self, tick: int) -> None:
        """Name `tick` complete."""
        self._records["tick"] = tick

    def give(self, orders: Orders) -> None:
        """Write the orders where `check` reads them."""
        give_orders(self._spec.arena, orders)

    def advance_to(self, tick: int) -> None:
        """Make the ticks up to `tick` one by one."""
        self.give(Orders(False, tick, 0, 0, 0))
        while self._records["tick"].min() < tick:
            self._make_next()

    def check(self) -> None:
        """Make the next tick if it may be made now."""
        following = int(self._records["tick"].min()) + 1
        if read_orders(self._spec.arena).allow(following):
            self._make_next()

    def stepper(self) -> Stepper:
        """Return the stepper that makes the ticks."""
        return self._stepper

    def close(self) -> None:
        """Let go of the arena."""
        vars(self).clear()

    def _make_next(self) -> None:
        """Write a tick, and then name it complete."""
        tick = int(self._records["tick"].min())
        try:
            self._stepper.step(tick)
        except UsageError:
            raise
        except Exception as error:  # a world may be the user's own
            raise failed_here(self._spec.numbers, tick, error) from error
        self._records["tick"] = tick + 1
