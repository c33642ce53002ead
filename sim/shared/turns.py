"""Whose turn it is: what a worker may do now, and how ticks are published and asked for. The plain path."""

import os
import time
from enum import IntEnum

from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.orders import Bell, Orders, give_orders, read_orders

_YIELDS = 20
"""How often a waiting process lets others have the core before it goes to sleep."""


class Turn(IntEnum):
    """Why there is nothing to do now, or that there is."""

    STEP = 0
    STOP = 1
    LIMIT = 2  # wait for orders
    OTHERS = 3  # wait for the slowest worker
    CLOCK = 4  # wait until the next tick is due
    AGAIN = 5  # nothing: ask again
    PLAIN = 6  # the next tick is one that the compiled path leaves to the plain one


class Turns:
    """The protocol of workers and main process, over the arena's records; compiled twin: `compiled.turns`.

    Who publishes something writes it first and then looks who sleeps; who goes to sleep says so first and
    then looks again. So one of the two always sees the other.
    """

    def __init__(self, arena: Arena, bells: tuple[Bell, ...], main_bell: Bell) -> None:
        self.arena = arena
        self.bells = bells
        self.main_bell = main_bell
        self.records = arena["worker"]

    def prepare(self) -> None:
        """Do now what would make the first call slow."""

    def slowest(self) -> int:
        """Return the tick of the worker that is furthest behind."""
        return int(self.records["tick"].min())

    def next(self, index: int, lead: int) -> Turn:
        """Return what worker `index` may do now."""
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
        """Return what worker `index` may do, after waiting a little for orders or others."""
        for _ in range(_YIELDS):
            turn = self.next(index, lead)
            if turn not in (Turn.LIMIT, Turn.OTHERS):
                break
            os.sched_yield()
        return turn

    def publish(self, index: int, tick: int) -> None:
        """Name worker `index`'s `tick` complete, after all of it is written; wake whoever waited for it."""
        self.records[index]["tick"] = tick
        complete = self.slowest()
        if self.arena["main"][0]["waits_for"] <= complete:
            self.main_bell.ring()
        for bell, waits_for in zip(self.bells, self.records["waits_for"], strict=False):
            if waits_for <= complete:
                bell.ring()

    def order_tick(self, tick: int) -> bool:
        """Let all workers make every tick up to `tick` at once; return whether it was complete soon."""
        give_orders(self.arena, Orders(False, tick, 0, 0, 0))
        for bell, asleep in zip(self.bells, self.records["asleep"], strict=False):
            if asleep:
                bell.ring()
        for _ in range(_YIELDS):
            if self.slowest() >= tick:
                return True
            os.sched_yield()
        return False
