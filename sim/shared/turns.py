"""The protocol that decides which worker may make a tick, publishes ticks and orders them: the plain path."""

import os
import time
from enum import IntEnum

from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.orders import Bell, Orders, give_orders, read_orders

_YIELDS = 20
"""Number of times that a waiting process yields its core before it sleeps."""


class Turn(IntEnum):
    """A worker's next move: make a tick, stop, or wait for something."""

    STEP = 0
    STOP = 1
    LIMIT = 2  # wait for orders
    OTHERS = 3  # wait for the slowest worker
    CLOCK = 4  # wait until the next tick is due
    AGAIN = 5  # a tick was made; ask again
    PLAIN = 6  # make the next tick with the plain path, which the compiled one leaves it to


class Turns:
    """The protocol between workers and main process, over records in the arena; twin: `compiled.turns`.

    No wake-up is lost: a publisher writes its news first and then looks for sleepers; a process that goes to
    sleep announces that first and then looks for news again. So at least one of the two sees the other.
    """

    def __init__(self, arena: Arena, bells: tuple[Bell, ...], main_bell: Bell) -> None:
        self.arena = arena
        self.bells = bells
        self.main_bell = main_bell
        self.records = arena["worker"]

    def prepare(self) -> None:
        """Do now what would make the first call slow, as compiling."""

    def slowest(self) -> int:
        """Return the tick of the worker that is furthest behind."""
        return int(self.records["tick"].min())

    def next(self, index: int, lead: int) -> Turn:
        """Return what worker `index` may do now. lead: ticks that it may be ahead of the slowest."""
        orders = read_orders(self.arena)
        tick = int(self.records[index]["tick"])
        if orders.stop:
            return Turn.STOP
        if tick >= orders.limit:
            return Turn.LIMIT
        if self.slowest() < tick + 1 - lead:
            return Turn.OTHERS
        return Turn.CLOCK if orders.due_ns(tick + 1) > time.monotonic_ns() else Turn.STEP

    def wait(self, index: int, lead: int) -> Turn:
        """Return what worker `index` may do; before that, wait some 10 us for orders or other workers."""
        for _ in range(_YIELDS):
            turn = self.next(index, lead)
            if turn not in (Turn.LIMIT, Turn.OTHERS):
                break
            os.sched_yield()
        return turn

    def publish(self, index: int, tick: int) -> None:
        """Mark `tick` of worker `index` complete, and wake those that wait for it.

        To be called after all of the tick is written.
        """
        self.records[index]["tick"] = tick
        complete = self.slowest()
        if self.arena["main"][0]["waits_for"] <= complete:
            self.main_bell.ring()
        for bell, waits_for in zip(self.bells, self.records["waits_for"], strict=False):
            if waits_for <= complete:
                bell.ring()

    def order_tick(self, tick: int) -> bool:
        """Order every tick up to `tick`, unpaced; return whether it was complete after a short wait."""
        give_orders(self.arena, Orders(False, tick, 0, 0, 0))
        for bell, asleep in zip(self.bells, self.records["asleep"], strict=False):
            if asleep:
                bell.ring()
        for _ in range(_YIELDS):
            if self.slowest() >= tick:
                return True
            os.sched_yield()
        return False
