"""Orders from the main process to the workers, as words in the arena, and wake-ups between processes."""

import contextlib
import os
import select
import time
from dataclasses import dataclass

import numpy as np

from valuescape.sim.shared.arena import Arena, SharedDescriptor
from valuescape.sim.shared.layout import CONTROL


@dataclass(frozen=True, slots=True)
class Orders:
    """Which ticks are to be made, and when; fields as in `sim.shared.layout.CONTROL`."""

    stop: bool
    limit: int
    origin_tick: int
    origin_ns: int
    tick_ns: int

    def due_ns(self, tick: int) -> int:
        """Return the monotonic time, ns, from which `tick` may be made; 0 if unpaced."""
        return self.origin_ns + (tick - self.origin_tick) * self.tick_ns if self.tick_ns else 0

    def allow(self, tick: int) -> bool:
        """Return whether `tick` may be made now: it is due, and not beyond the limit."""
        return tick <= self.limit and self.due_ns(tick) <= time.monotonic_ns()


def give_orders(arena: Arena, orders: Orders) -> None:
    """Publish `orders`: write them to the slot that is not in use, then switch slots with one aligned word.

    A worker therefore never sees half an order, unless it is suspended between reading the slot's number and
    its words while two orders are published; and then it reads again a moment later.
    """
    slot = 1 - int(arena["main"][0]["slot"])
    words = (orders.stop, orders.limit, orders.origin_tick, orders.origin_ns, orders.tick_ns, 0)
    arena["control"][slot] = np.array(words, CONTROL)
    arena["main"][0]["slot"] = slot


def read_orders(arena: Arena) -> Orders:
    """Return the orders that are in force."""
    words = arena["control"][int(arena["main"][0]["slot"])]
    return Orders(
        bool(words["stop"]),
        int(words["limit"]),
        int(words["origin_tick"]),
        int(words["origin_ns"]),
        int(words["tick_ns"]),
    )


class Bell:
    """A wake-up between processes (eventfd); it can be pickled to a process that is being started."""

    def __init__(self) -> None:
        self.descriptor = SharedDescriptor(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC))

    def ring(self) -> None:
        """End a `wait`, the present or else the next one; never blocks."""
        with contextlib.suppress(BlockingIOError):  # the counter is full, so it has been rung already
            os.eventfd_write(self.descriptor.fd, 1)

    def wait(self, timeout_s: float, *others: int) -> None:
        """Sleep until rung, until one of the file descriptors `others` is readable, or for `timeout_s`."""
        readable, _, _ = select.select([self.descriptor.fd, *others], [], [], max(0.0, timeout_s))
        if self.descriptor.fd in readable:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self.descriptor.fd)

    def close(self) -> None:
        """Close it in this process."""
        self.descriptor.close()
