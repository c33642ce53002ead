"""The pace of a run: when ticks are made, which one a frame shows, and when frames are made."""

import time
from collections.abc import Callable

from valuescape.run.length import RunLength
from valuescape.sim.engine import Engine
from valuescape.sim.shared.layout import NO_LIMIT

_STEP = 2**0.5
"""Factor by which one press of a key changes the rate."""

_SLOWEST, _FASTEST = 0.5, 1e5


class Pace:
    """Drives an engine: by the clock, or in lockstep, where each frame asks for its ticks and waits for them.

    frames_per_s: in lockstep, the frames that a second of the simulation has.
    """

    def __init__(self, engine: Engine, length: RunLength, *, lockstep: bool, frames_per_s: float) -> None:
        self.lockstep = lockstep
        self._engine, self._length, self._frames_per_s = engine, length, frames_per_s
        self.ticks_per_s = engine.config.sim.ticks_per_s
        self.paused = False
        self._target = 0.0  # in lockstep: the tick to show, with a fraction that the next frame takes over

    def start(self) -> None:
        """Let the simulation run, unless frames drive it."""
        if not self.lockstep:
            self._engine.run_until(NO_LIMIT if self._length.ticks is None else self._length.ticks)

    def newest_tick(self) -> int:
        """Return the tick that this frame shows; in lockstep, make it first."""
        if not self.lockstep:
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
        if not self.lockstep:
            self._engine.pause() if self.paused else self.start()

    def step(self) -> None:
        """Make one tick, if paused."""
        if self.paused and self.lockstep:
            self._target += 1
        elif self.paused:
            self._engine.run_until(self._engine.furthest_tick + 1)

    def go_to(self, tick: int) -> None:
        """Make every tick up to `tick`, in lockstep, whether paused or not."""
        self._target = float(tick)
        self._engine.advance_to(tick)

    def rest(self) -> int:
        """Stop, wait until all is at one tick, and return it."""
        return self._engine.rest()

    @property
    def last_tick(self) -> int:
        """The newest tick that is complete."""
        return self._engine.newest_tick

    def change(self, steps: int) -> None:
        """Change the rate by so many half octaves; from no limit, slower means 1,000 ticks a second."""
        if not self.ticks_per_s:
            self.set_ticks_per_s(1000.0 if steps < 0 else 0.0)
            return
        self.set_ticks_per_s(min(max(self.ticks_per_s * _STEP**steps, _SLOWEST), _FASTEST))

    def set_ticks_per_s(self, ticks_per_s: float) -> None:
        """Make so many ticks a second; 0 is as many as possible."""
        self.ticks_per_s = ticks_per_s
        self._engine.set_pace(ticks_per_s)


class FrameClock:
    """Tells how long frames and a run take, from its making on, and spaces frames evenly."""

    def __init__(self) -> None:
        self._began = self.frame_began = time.monotonic()
        self._due = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the clock was made."""
        return time.monotonic() - self._began

    def begin_frame(self) -> float:
        """Let a frame begin now; return the seconds since the one before began, 0 for the first."""
        before, self.frame_began = self.frame_began, time.monotonic()
        return self.frame_began - before

    def wait(self, fps: float, sleep: Callable[[float], None] | None = None) -> None:
        """Sleep until the next frame is due, 1 / `fps` seconds after the one before; 0 does not sleep.

        sleep: in the place of `time.sleep`; may return earlier, if there is something to do. Then the frame
        counts as due.
        """
        if not fps:
            return
        now = time.monotonic()
        # From the last due time, so that small delays even out; from now when far behind, instead of racing.
        self._due = max(self._due + 1 / fps, now - 2 / fps)
        if self._due > now:
            (sleep or time.sleep)(self._due - now)
            self._due = min(self._due, time.monotonic())
