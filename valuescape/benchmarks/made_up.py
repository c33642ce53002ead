"""Made-up crowds and landscapes, so that benchmarks need no engine."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.insight.plane import grid_states, own_plane
from valuescape.sim.worlds import make_world

WORLD = make_world("point_mass")
BOUNDS = own_plane(WORLD).bounds


def hills(edge: int) -> NDArray[np.float32]:
    """Return a landscape over the point mass's map, [edge, edge] float32."""
    x, y = grid_states(own_plane(WORLD), edge)
    heights: NDArray[np.float32] = 3 * np.exp(-((x - 0.8) ** 2 + (y - 1) ** 2)) + np.cos(2 * y) / 3
    return heights.reshape(edge, edge).astype(np.float32)


class MadeUpCrowd:
    """Trails of agents that spiral, [ticks, agents, 2]: a `gpu.trail_ring.TrailSource`."""

    def __init__(self, agents: int, ticks: int) -> None:
        rng = np.random.default_rng(agents)
        middle, radius = rng.uniform(-2, 2, (agents, 2)), rng.uniform(0.2, 1, agents)
        angle = rng.uniform(0, 2 * np.pi, agents) + 0.2 * np.arange(ticks)[:, None]
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * radius[:, None]
        self.positions: NDArray[np.float32] = (middle + circle).astype(np.float32)
        self._rows: dict[str, NDArray[Any]] = {
            "trail_strand": np.zeros(agents, np.uint32),
            "ending": np.zeros(agents, np.uint8),
        }

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return a row of `trail_position` or `trail_strand`."""
        row: NDArray[Any] = self.positions[tick] if name == "trail_position" else self._rows[name]
        return row

    def trail_intact(self, tick: int) -> bool:
        """Return True: nothing is overwritten."""
        return True

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return a row of `ending`."""
        return self._rows[name]
