"""Waiting in workers and main process, and the loop over ticks, compiled.

A waiting process first yields the core, some dozens of times, and then sleeps (in Python, on an eventfd).
With two workers and the main process on two cores, handing a tick over takes 6 to 10 us this way. It takes
30 us if 100 pause instructions come first (as is usual where each process has its own core), milliseconds if
the process only spins, and 40 us and more if it sleeps at once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.codegen.compiler import compile_for, compiled_and_kept, compiled_inside
from valuescape.sim.codegen.held import hold
from valuescape.sim.codegen.machine import (
    CLOCK_MONOTONIC,
    clock_gettime,
    eventfd_write,
    fence_acquire,
    fence_full,
    fence_release,
    sched_yield,
)
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.orders import Bell
from valuescape.sim.shared.turns import Turn, Turns

YIELDS = 50
"""Number of times that a waiting process yields before it sleeps: 15 us in all if no other wants its core."""

TURN_NS = 50_000_000
"""Time after which the loop returns to Python, which checks that the main process lives."""

BILLION = np.int64(1_000_000_000)


STEP, STOP, LIMIT, OTHERS, CLOCK, AGAIN, PLAIN = (int(turn) for turn in Turn)


class Shared(NamedTuple):
    """The arena's records, and the descriptors of the bells."""

    control: NDArray[Any]
    main: NDArray[Any]
    worker: NDArray[Any]
    bells: NDArray[np.int32]  # one per worker
    main_bell: np.int32
    time: NDArray[np.int64]  # [2], private: filled by clock_gettime


@compiled_inside
def monotonic_ns(time: Any) -> Any:
    """Return the time of CLOCK_MONOTONIC, as time.monotonic_ns()."""
    clock_gettime(np.int32(CLOCK_MONOTONIC), np.uintp(time.ctypes.data))
    return time[0] * BILLION + time[1]


@compiled_inside
def slowest(worker: Any) -> Any:
    """Return the tick of the worker that is furthest behind."""
    least = worker[0].tick
    for index in range(1, len(worker)):
        least = min(least, worker[index].tick)
    return least


@compiled_inside
def next_turn(shared: Any, index: Any, lead: Any) -> Any:
    """Return what worker `index` may do now, one of `Turn`; it may lead the slowest by `lead` ticks."""
    orders = shared.control[shared.main[0].slot]
    fence_acquire()  # a crew that takes over gets its tick before its orders, so they are read the other way
    tick = shared.worker[index].tick
    if orders.stop:
        return STOP
    if tick >= orders.limit:
        return LIMIT
    if slowest(shared.worker) < tick + 1 - lead:
        return OTHERS
    if orders.tick_ns > 0:
        due = orders.origin_ns + (tick + 1 - orders.origin_tick) * orders.tick_ns
        if due > monotonic_ns(shared.time):
            return CLOCK
    fence_acquire()
    return STEP


@compiled_and_kept
def wait_for_turn(shared: Any, index: Any, lead: Any) -> Any:
    """Return what worker `index` may do, after a short wait for orders or other workers."""
    fence_full()
    turn = next_turn(shared, index, lead)
    waited = 0
    while turn in (LIMIT, OTHERS) and waited < YIELDS:
        sched_yield()
        waited += 1
        turn = next_turn(shared, index, lead)
    return turn


@compiled_and_kept
def publish(shared: Any, index: Any, tick: Any) -> None:
    """Publish that worker `index` has written all of `tick`, and wake the processes that wait for it."""
    fence_release()
    shared.worker[index].tick = tick
    fence_full()
    complete = slowest(shared.worker)
    if shared.main[0].waits_for <= complete:
        eventfd_write(shared.main_bell, np.uint64(1))
    for other in range(len(shared.worker)):
        if shared.worker[other].waits_for <= complete:
            eventfd_write(shared.bells[other], np.uint64(1))


@compiled_and_kept
def order_tick(held: Any, tick: Any) -> Any:
    """Order all ticks up to `tick` at once; return whether they are complete after a short wait."""
    shared = held.work
    used = shared.main[0].slot
    orders = shared.control[1 - used]
    orders.stop = 0
    orders.limit = tick
    orders.tick_ns = 0
    fence_release()
    shared.main[0].slot = 1 - used
    fence_full()
    for index in range(len(shared.worker)):
        if shared.worker[index].asleep:
            eventfd_write(shared.bells[index], np.uint64(1))
    waited = 0
    while slowest(shared.worker) < tick and waited < YIELDS:
        sched_yield()
        waited += 1
    fence_acquire()
    return slowest(shared.worker) >= tick


class Loops(NamedTuple):
    """The loops over ticks of one kind.

    as_worker(shared, index, lead, held): as worker `index`, make ticks until Python has something to do;
    return what, one of `Turn`. alone(held, k, until): make ticks from k up to `until`, for at most TURN_NS;
    return the tick reached, k itself if Python must make the next. `held.work` holds the tick's arguments
    after its number.
    """

    as_worker: Callable[..., int]
    alone: Callable[..., int]


def make_loops(tick: Any, key: str) -> Loops:
    """Return the loops over `tick`, a compiled function: tick(k, *work) returns whether it made tick k + 1.

    key: names the source of `tick`, as `source_key` does.
    """

    def as_worker(shared: Any, index: Any, lead: Any, held: Any) -> Any:
        work = held.work
        entered = monotonic_ns(shared.time)
        while True:
            turn = wait_for_turn(shared, index, lead)
            if turn != STEP:
                return turn
            k = shared.worker[index].tick
            if not tick(k, *work):
                return PLAIN
            publish(shared, index, k + 1)
            now = monotonic_ns(shared.time)
            shared.worker[index].heartbeat_ns = now
            if now - entered > TURN_NS:
                return AGAIN

    def alone(held: Any, k: Any, until: Any) -> Any:
        work = held.work
        time = work[-1].time
        entered = monotonic_ns(time)
        while k < until and tick(k, *work):
            k += 1
            if monotonic_ns(time) - entered > TURN_NS:
                break
        return k

    return Loops(*(compiled_and_kept(each, key) for each in (as_worker, alone)))


class CompiledTurns(Turns):
    """The protocol of `Turns` in machine code."""

    def __init__(self, arena: Arena, bells: tuple[Bell, ...], main_bell: Bell) -> None:
        super().__init__(arena, bells, main_bell)
        self.shared = Shared(
            arena["control"],
            arena["main"],
            arena["worker"],
            np.array([bell.descriptor.fd for bell in bells], np.int32),
            np.int32(main_bell.descriptor.fd),
            np.zeros(2, np.int64),
        )
        self._held = hold(self.shared)

    def prepare(self) -> None:
        """Compile or load the functions that are called here."""
        compile_for(wait_for_turn, self.shared, 0, 1)
        compile_for(publish, self.shared, 0, 0)

    def wait(self, index: int, lead: int) -> Turn:
        """Return what worker `index` may do, after a short wait for orders or other workers."""
        return Turn(wait_for_turn(self.shared, index, lead))

    def publish(self, index: int, tick: int) -> None:
        """Publish that worker `index` has written `tick`, and wake the processes that wait for it."""
        publish(self.shared, index, tick)

    def order_tick(self, tick: int) -> bool:
        """Order all ticks up to `tick` at once; return whether they are complete after a short wait."""
        return bool(order_tick(self._held, tick))
