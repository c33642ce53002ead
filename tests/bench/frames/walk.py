"""The scene that every renderer draws: agents on random walks over the map, and a changing field."""

import numpy as np

TRAIL, EDGE, SIZE = 64, 256, (1280, 720)
WARM_UP = 6


class Walk:
    """Positions of all agents in [-1, 1]^2 at `ticks` ticks, played forth and back without end."""

    def __init__(self, agents: int, ticks: int = TRAIL + 16, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        start = rng.uniform(-1, 1, (1, agents, 2))
        steps = rng.normal(0, 0.01, (ticks - 1, agents, 2))
        walked = np.concatenate([start, start + np.cumsum(steps, axis=0)])
        folded = 1 - np.abs((walked + 1) % 4 - 2)  # reflected at the borders
        self.positions = folded.astype(np.float32)
        self.agents, self.ticks = agents, ticks
        x, y = np.meshgrid(*[np.linspace(-1, 1, EDGE)] * 2)
        self._x, self._y = x, y

    def at(self, tick: int) -> np.ndarray:
        """Return the positions of a tick, [agents, 2] float32, a view; no step is a jump."""
        last = self.ticks - 1
        phase = tick % (2 * last)
        return self.positions[phase if phase <= last else 2 * last - phase]

    def field(self, tick: int) -> np.ndarray:
        """Return the field of a tick, [EDGE, EDGE] float32, a new array."""
        values = np.sin(3 * self._x + 0.05 * tick) * np.cos(2 * self._y - 0.03 * tick)
        return values.astype(np.float32)
