"""Which tick a frame shows: beside the simulation's own clock, or in lockstep with frames."""

from valuescape.run.length import RunLength
from valuescape.sim.engine import Engine
from valuescape.sim.shared.layout import NO_LIMIT

_STEP = 2**0.5
"""How much faster or slower one press of a key makes it."""

_SLOWEST, _FASTEST = 0.5, 1e5


class Pace:
    """Makes an engine's ticks come when they should.

    lockstep: ticks wait for frames, of which there are `frames_per_s`; else they run by the clock.
    """

    def __init__(self, engine: Engine, length: RunLength, *, lockstep: bool, frames_per_s: float) -> None:
        self._engine, self._length = engine, length
        self._lockstep, self._frames_per_s = lockstep, frames_per_s
        self.ticks_per_s = engine.config.sim.ticks_per_s
        self.paused = False
        self._target = 0.0  # the tick that lockstep frames have come to, with the fraction left over

    def start(self) -> None:
        """Let the simulation run, unless frames drive it."""
        if not self._lockstep:
            self._engine.run_until(NO_LIMIT if self._length.ticks is None else self._length.ticks)

    def newest_tick(self) -> int:
        """Return the tick that this frame shows; in lockstep, make it first."""
        if not self._lockstep:
            return self._engine.newest_tick
        if not self.paused:
            self._target += self.ticks_per_s / self._frames_per_s if self.ticks_per_s else 1.0
            if self._length.ticks is not None:
                self._target = min(self._target, self._length.ticks)
        self._engine.advance_to(int(self._target))
        return int(self._target)

    def pause(self) -> None:
        """Pause, or go on."""
        self.paused = not self.paused
        if not self._lockstep:
            self._engine.pause() if self.paused else self.start()

    def step(self) -> None:
        """Make one tick, if paused."""
        if self.paused and self._lockstep:
            self._target += 1
        elif self.paused:
            self._engine.run_until(self._engine.furthest_tick + 1)

    def change(self, steps: int) -> None:
        """Go faster by so many half octaves, slower if negative; from no limit down to 1,000 a second."""
        if not self.ticks_per_s:
            self.set_ticks_per_s(1000.0 if steps < 0 else 0.0)
            return
        self.set_ticks_per_s(min(max(self.ticks_per_s * _STEP**steps, _SLOWEST), _FASTEST))

    def set_ticks_per_s(self, ticks_per_s: float) -> None:
        """Make so many ticks a second; 0 is all it can."""
        self.ticks_per_s = ticks_per_s
        self._engine.set_pace(ticks_per_s)
