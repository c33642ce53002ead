"""The pace of two runs that are shown at the same tick."""

import time

from valuescape.run.length import RunLength
from valuescape.run.pace import Pace
from valuescape.sim.engine import Engine

_FIRST_STEP = 8.0
"""Ticks that both sides may be asked for at once in the beginning; it adapts to what they can make."""

_LATE_S = 0.25
"""The longest time that is made up for; after a longer one the pair goes on from where it is."""


class PairedPace(Pace):
    """Drives two engines to the same ticks; a tick is shown when both have made it.

    In lockstep a frame asks both for its ticks, so that they are made side by side, and waits. Else a frame
    shows the last tick that was asked for, if both have come to it, and asks for the next one that is due:
    the slower side sets the rate, and neither is ever at a tick that the other does not come to.
    """

    def __init__(
        self, engines: tuple[Engine, Engine], length: RunLength, *, lockstep: bool, frames_per_s: float
    ) -> None:
        super().__init__(engines[0], length, lockstep=lockstep, frames_per_s=frames_per_s)
        self._both = engines
        self._asked = self._shown = 0
        self._due = 0.0  # the tick that the clock has come to, with a fraction
        self._most = _FIRST_STEP
        self._looked_s = time.monotonic()

    def start(self) -> None:
        """Let both simulations follow the frames' orders."""
        self._looked_s = time.monotonic()
        for engine in self._both:
            engine.set_pace(0.0)  # what is asked for is made at once

    def newest_tick(self) -> int:
        """Return the tick that this frame shows, complete on both sides."""
        return self._in_step() if self.lockstep else self._beside()

    def _in_step(self) -> int:
        if not self.paused:
            self._target += self.ticks_per_s / self._frames_per_s if self.ticks_per_s else 1.0
            self._target = min(self._target, self._last)
        self._come_to(int(self._target))
        return int(self._target)

    def _come_to(self, tick: int) -> None:
        """Have both sides make every tick up to `tick` at the same time, and wait for it."""
        first, second = self._both
        second.run_until(max(tick, second.furthest_tick))
        first.advance_to(tick)
        second.advance_to(tick)

    def _beside(self) -> int:
        """Show what was asked for once both have made it; then ask for more."""
        now = time.monotonic()
        elapsed, self._looked_s = min(now - self._looked_s, _LATE_S), now
        if not self.paused:
            self._due += elapsed * self.ticks_per_s
        if self.last_tick < self._asked:
            self._most = max(self._most * 0.9, 1.0)
            return self._shown
        self._shown = self._asked
        if not self.paused:
            self._ask(self._next())
        return self._shown

    def _next(self) -> int:
        """Return the tick to ask for; no more at once than both have lately made in the time of a frame."""
        step = self._due - self._shown if self.ticks_per_s else self._most
        if step >= self._most:
            self._most *= 1.25
        step = min(step, self._most)
        self._due = max(min(self._due, self._shown + step + 1), self._shown)
        return int(min(self._shown + max(step, 0.0), self._last))

    def _ask(self, tick: int) -> None:
        if tick > self._asked:
            self._asked = tick
            for engine in self._both:
                engine.run_until(tick)

    @property
    def _last(self) -> float:
        return float("inf") if self._length.ticks is None else self._length.ticks

    @property
    def last_tick(self) -> int:
        """The newest tick that is complete on both sides."""
        return min(engine.newest_tick for engine in self._both)

    def pause(self) -> None:
        """Pause both at the tick that was asked for last, or go on."""
        self.paused = not self.paused
        self._due = float(self._asked)

    def step(self) -> None:
        """Make one tick on both sides, if paused."""
        if self.paused and self.lockstep:
            self._target += 1
        elif self.paused:
            self._ask(self._asked + 1)

    def set_ticks_per_s(self, ticks_per_s: float) -> None:
        """Make so many ticks a second on both sides; 0 is as many as possible."""
        self.ticks_per_s = ticks_per_s
        self._due = float(self._shown)

    def rest(self) -> int:
        """Stop both, wait until they are at one tick, and return it."""
        tick = max(engine.rest() for engine in self._both)
        self._come_to(tick)
        self._asked = self._shown = tick
        return tick
