"""The states of the agents, for maps that are means over them."""

import math
import time

from valuescape.sim.arrays import Float32Array
from valuescape.sim.engine import Engine

_AGAIN_S = 1.0
"""Seconds between two looks: each makes the maps of them anew."""

_TICKS_PER_S = 60
"""Ticks that count as a second where the simulation has no rate."""


class AgentStates:
    """Looks at the agents' states in an engine, which is lent, at most once a second.

    In lockstep that is a second of the simulation, so that a video is made again with the same looks.

    tick: of the last look; -1 before the first.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: Float32Array | None = None
        self.tick, self._at = -1, -math.inf
        self._again_ticks = max(1, round(engine.config.sim.ticks_per_s or _TICKS_PER_S))
        self._resting = False

    def see(self, tick: int) -> None:
        """Look at a recent tick, and never again: a picture that was made then is made again."""
        self._states = self._engine.recent_row("state", tick)
        self.tick, self._resting = tick, True

    def look(self, *, in_lockstep: bool = False) -> Float32Array | None:
        """Return the states [state_dim, agents] at the last look, the same array until the next.

        None as long as they have not been seen. in_lockstep: ticks wait for frames.
        """
        tick, now = self._engine.newest_tick, time.monotonic()
        if in_lockstep:
            due = self._states is None or tick - self.tick >= self._again_ticks
        else:
            due = tick != self.tick and now - self._at >= _AGAIN_S
        if due and not self._resting:
            states = self._engine.recent_row("state", tick)
            if states is not None:
                self._states, self.tick, self._at = states, tick, now
        return self._states
