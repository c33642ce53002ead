"""The states of the agents, for maps that are means over them."""

import math
import time

from valuescape.sim.arrays import Float32Array
from valuescape.sim.engine import Engine

_AGAIN_S = 1.0
"""Seconds between two looks: each makes the maps of them anew."""


class AgentStates:
    """Looks at the agents' states in an engine, which is lent, at most once a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._states: Float32Array | None = None
        self._tick, self._at = -1, -math.inf

    def look(self) -> Float32Array | None:
        """Return the states [state_dim, agents] at the last look, the same array until the next.

        None as long as they have not been seen.
        """
        tick, now = self._engine.newest_tick, time.monotonic()
        if tick != self._tick and now - self._at >= _AGAIN_S:
            states = self._engine.recent_row("state", tick)
            if states is not None:
                self._states, self._tick, self._at = states, tick, now
        return self._states
