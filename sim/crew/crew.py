"""The contract of crews: what makes an engine's ticks. `sim.crew.stub` is the smallest one that keeps it."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from valuescape.sim.shared.orders import Orders
from valuescape.sim.stepping.stepper import Stepper


class Crew(ABC):
    """Makes the ticks that orders ask for, in an arena.

    An implementer writes the abstract methods. Callers may rely on these:

    - A tick is complete when every record of `arena["worker"]` names it in `tick`, or a later one. Its rows
      are written before that, and stay until the slowest record is `state_rows` - 1 ticks further.
    - No tick is made before it is due, or beyond the orders' limit; a tick that has begun when lower orders
      arrive is finished.
    - Rows depend on configuration, seed and given actions alone: all crews come to the same
      `Engine.state_hash`.
    - An error of the world is raised by `wait_ready`, `advance_to` or `check` as a WorkerFailedError that
      names agents and tick. A UsageError is raised as it is.
    - When `close` has returned, nothing that the crew started runs, and it holds no view of the arena.

    One thread calls. `tests/contracts/test_crews.py` runs every implementer through the same scripts.
    """

    @property
    def restarts(self) -> int:
        """Number of workers that have been replaced."""
        return 0

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers; none if the crew starts no process on this machine."""
        return []

    @abstractmethod
    def wait_ready(self, check: Callable[[], None]) -> None:
        """Return when tick 0 is complete.

        check: called meanwhile, every 20 ms or so; what it raises ends the waiting.
        """

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether tick 0 is complete, and all that makes the next one is ready; never waits.

        To be called again and again until it is: a crew may use the calls to start. Raises as `wait_ready`.
        """

    @abstractmethod
    def take_over(self, tick: int) -> None:
        """Go on from `tick`, with the next orders, as if this crew had made all ticks before it.

        To be called when the crew is ready, its orders' limit is 0, and the caller has written the rows of
        `tick` to the arena in the place of those of tick 0.
        """

    @abstractmethod
    def give(self, orders: Orders) -> None:
        """Have ticks made as `orders` say from now on; never waits."""

    def rests(self) -> bool:
        """Return whether no tick is being made: the next one that begins is made as the newest orders say.

        `arena["worker"]` does not show that a tick has begun, as before lower orders came.
        """
        return True  # of crews whose ticks the caller makes

    @abstractmethod
    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as can be, and return when it is complete.

        Orders that were given before end with this; nothing goes on after `tick`. Actions in
        `arena["given_action"]` are those of each tick that is made.

        Performance: lockstep calls it once a tick; `make bench` prints what a call takes.
        """

    @abstractmethod
    def check(self) -> None:
        """Do what is due; called once a frame, and bounded: 20 ms or the longest tick."""

    def require_sound(self) -> None:
        """Raise the error that the next tick met, if `check` is still waiting to try again."""
        return  # of crews that raise every error at once

    @abstractmethod
    def stepper(self) -> Stepper:
        """Return a stepper of all agents in the calling process, to be used while no tick is being made."""

    def leave(self) -> bool:
        """Begin to `close` without waiting; return whether that is done. To be called until it is."""
        self.close()
        return True

    @abstractmethod
    def close(self) -> None:
        """End everything that the crew started, within a few seconds; a second call does nothing."""
