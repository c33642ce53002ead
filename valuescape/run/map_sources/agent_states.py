"""The states of the agents, for maps that are means over them."""

import math
import time

from valuescape.sim.arrays import Float32Array
from valuescape.sim.engine import Engine

_AGAIN_S = 1.0
"""Seconds between two looks: each makes the maps of them anew."""


class AgentStates:
    """Looks at the agents' states in an engine, which is lent, at most once a second.

    tick: of the last look; -1 before the first.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: Float32Array | None = None
        self.tick, self._at = -1, -math.inf

    def see(self, tick: int) -> None:
        """Look at a recent tick, and never again: a picture that was made then is made again."""
        self._states = self._engine.recent_row("state", tick)
        self.tick, self._at = tick, math.inf

    def look(self) -> Float32Array | None:
        """Return the states [state_dim, agents] at the last look, the same array until the next.

        None as long as they have not been seen.
        """
        tick, now = self._engine.newest_tick, time.monotonic()
        if tick != self.tick and now - self._at >= _AGAIN_S:
            states = self._engine.recent_row("state", tick)
            if states is not None:
                self._states, self.tick, self._at = states, tick, now
        return self._states
