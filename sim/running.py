"""Runs a formation: orders to its crew, rests at one tick, and another formation in its place."""

import time
from collections.abc import Callable
from dataclasses import replace

from valuescape.sim.config.files import Config
from valuescape.sim.crew.crew import Crew
from valuescape.sim.formation import Formation
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.reading import Reader
from valuescape.sim.resources import memory_with
from valuescape.sim.shared.layout import NO_LIMIT
from valuescape.sim.shared.orders import Orders, read_orders
from valuescape.sim.stepping.stepper import Rules, Stepper

_LOOK_S = 0.001
"""Interval at which a rest looks whether the workers are at one tick."""

_CATCH_UP_S = 0.25
"""A simulation that is further behind its clock than this restarts the clock instead of catching up."""


class Running(Reader):
    """Agents stepping in an arena, as they are ordered."""

    rules: Rules
    checkpoint: Checkpoint | None
    formation: Formation

    def __init__(self, ticks_per_s: float) -> None:
        self.generation = -1
        """Goes up when another arena takes the place of the one before, whose views are then of the past."""
        self._ticks_per_s = ticks_per_s
        self._crew: Crew | None = None
        self._restarts_before = 0  # of the formations before this one
        self._held: Orders | None = None  # given while the workers come to rest for a change

    def enter(self, formation: Formation, first_row: int = 0) -> None:
        """Go on with a formation. first_row: the oldest tick whose rows are in its arena."""
        self._restarts_before = self.restarts
        self.generation += 1
        self.formation = formation
        self.config, self.checkpoint = formation.config, formation.checkpoint
        self.world, self.rules, self.workers = formation.world, formation.rules, formation.workers
        self.arena = formation.arena
        self._first_row = max(self._first_row, first_row)
        self._ticks = self.arena["worker"]["tick"]
        self._crew = formation.crew

    @property
    def restarts(self) -> int:
        """Number of workers that have been replaced because they died or hung."""
        return self._restarts_before + (self._crew.restarts if self._crew else 0)

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._crew.pids if self._crew else []

    def wait_ready(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until every worker has made tick 0. Raises UsageError if one fails while starting.

        check: called meanwhile; what it raises ends the waiting.
        """
        assert self._crew
        self._crew.wait_ready(check)

    def is_ready(self) -> bool:
        """Return whether tick 0 is complete and all that makes the next one is ready; never waits."""
        assert self._crew
        return self._crew.is_ready()

    def go_on_from(self, tick: int) -> None:
        """Make the tick after `tick` next, whose rows the caller has written to the arena.

        To be called once `is_ready` and before any other tick was ordered.
        """
        assert self._crew
        self._crew.take_over(tick)
        self._first_row = tick
        self._give(self._paced_from_now())

    def tune(self, config: Config, checkpoint: Checkpoint | None) -> None:
        """Write the numbers that ticks read from the arena, while all workers rest at one tick."""
        self.formation.tune(config, checkpoint)
        self.config, self.checkpoint, self.world = config, checkpoint, self.formation.world

    def run_until(self, tick: int) -> None:
        """Let the simulation run up to `tick` at its own pace, beside the caller (async); return at once."""
        self._give(replace(self._paced_from_now(), limit=tick))

    def set_pace(self, ticks_per_s: float) -> None:
        """Make ticks at this rate from now on, instead of `sim.ticks_per_s`; 0 is as fast as possible."""
        self._ticks_per_s = ticks_per_s
        self._give(self._paced_from_now())

    def run_freely(self) -> None:
        """Let the simulation run at its own pace without end."""
        self.run_until(NO_LIMIT)

    def pause(self) -> None:
        """Order a stop at the tick of the furthest worker, which the others still come up to; never waits."""
        self._give(replace(self._orders, limit=self.furthest_tick))

    def rest(self) -> int:
        """Stop, wait until all workers are at one tick, and return it; no other is made until new orders."""
        self.resume()
        self._order_rest()
        while not self._is_at_rest():
            self._look_after()
            time.sleep(_LOOK_S)
        return self.newest_tick

    def come_to_rest(self, wait_s: float) -> bool:
        """Have all workers stop at one tick; return whether they have, within `wait_s`.

        To be called until they have. Orders that are given meanwhile are held until `resume`.
        """
        assert self._crew
        if self.newest_tick < 0:
            return False
        if self._held is None:
            held = self._orders
            self._order_rest()
            self._held = held
        end = time.monotonic() + wait_s
        while not self._is_at_rest():
            self._crew.check()
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK_S)
        return True

    def resume(self) -> None:
        """Give the orders that were in force before `come_to_rest`, or the newest since."""
        if self._held is not None:
            held, self._held = self._held, None
            self._give(held)

    def _is_at_rest(self) -> bool:
        """Return whether all workers have come to the tick of `_order_rest`, and none makes another.

        One may be beyond it, if it had begun that tick before the simulation was paused; the others then
        have to come up.
        """
        assert self._crew
        if not self._crew.rests():
            return False
        orders, furthest = read_orders(self.arena), self.furthest_tick
        if furthest > orders.limit:
            self._crew.give(replace(orders, limit=furthest))
            return False
        return self.newest_tick == orders.limit

    def _order_rest(self) -> None:
        """Order a stop at a tick that no worker is beyond."""
        limit = self._orders.limit
        self.pause()
        # A worker that had not read that order yet has begun one more tick at most; even the furthest may.
        furthest = self.furthest_tick
        tick = min(furthest + 1, max(limit, furthest))
        self._give(replace(self._orders, limit=tick, tick_ns=0))

    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as possible, and return when it is complete (lockstep)."""
        assert self._crew
        self._held = None
        self._crew.advance_to(tick)

    def stepper(self) -> Stepper:
        """Return a stepper of all agents in this process, for `restart` while the workers rest."""
        assert self._crew
        return self._crew.stepper()

    @property
    def loss(self) -> str:
        """The newest loss of a node of a cluster since this was last read; "" if there is none."""
        return ""

    def memory_bytes(self) -> int:
        """Return the memory of this process and its workers, the shared part counted once."""
        return memory_with(self.worker_pids)

    @property
    def _orders(self) -> Orders:
        return self._held or read_orders(self.arena)

    def _tick_ns(self) -> int:
        return round(1e9 / self._ticks_per_s) if self._ticks_per_s else 0

    def _paced_from_now(self) -> Orders:
        tick = max(0, self.newest_tick)
        return replace(self._orders, origin_tick=tick, origin_ns=time.monotonic_ns(), tick_ns=self._tick_ns())

    def _give(self, orders: Orders) -> None:
        assert self._crew
        if self._held is None:
            self._crew.give(orders)
        else:
            self._held = orders

    def _look_after(self) -> None:
        """Replace dead workers, restart a clock that is too far ahead, and step if there are no workers."""
        assert self._crew
        self._crew.check()
        if self._held is None:
            self._let_all_come_up()
            self._forgive_lateness()

    def _let_all_come_up(self) -> None:
        """Raise the limit to the tick of a worker that began it before it read a lower limit (`pause`)."""
        furthest = self.furthest_tick
        if furthest > self._orders.limit:
            self._give(replace(self._orders, limit=furthest))

    def _forgive_lateness(self) -> None:
        """Restart the clock if the simulation is more than _CATCH_UP_S behind it."""
        orders = self._orders
        late_ns = time.monotonic_ns() - orders.due_ns(self.newest_tick + 1)
        if orders.tick_ns and self.newest_tick < orders.limit and late_ns > _CATCH_UP_S * 1e9:
            self._give(replace(self._paced_from_now(), limit=orders.limit))
