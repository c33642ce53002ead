"""Trails made up for a test, as the engine would give them."""

import numpy as np


class Recording:
    """Positions [ticks, agents, 2], strands and endings [ticks, agents]; rows in `torn` are being written."""

    def __init__(self, positions, strands=None, endings=None):
        self.positions = np.asarray(positions, np.float32)
        ticks, agents, _ = self.positions.shape
        self.strands = np.zeros((ticks, agents), np.uint32) if strands is None else strands.astype(np.uint32)
        self.endings = None if endings is None else np.asarray(endings, np.uint8)
        self.torn = set()
        self.asked = []

    @property
    def newest(self):
        return len(self.positions) - 1

    def row(self, name, tick):
        self.asked.append(tick)
        return {"trail_position": self.positions, "trail_strand": self.strands}[name][tick]

    def recent_row(self, name, tick):
        assert name == "ending"
        return None if self.endings is None else self.endings[tick]

    def trail_intact(self, tick):
        return tick not in self.torn


def spirals(agents, ticks, seed=0, size=1.6):
    """Smooth paths around the middle of [-2, 2]^2, each at its own pace."""
    rng = np.random.default_rng(seed)
    phase, radius = rng.uniform(0, 2 * np.pi, agents), rng.uniform(0.2, 1, agents) * size
    pace = rng.uniform(0.01, 0.06, agents)
    t = np.arange(ticks)[:, None]
    shrinking = radius * np.exp(-0.004 * t)
    return np.stack(
        [shrinking * np.cos(phase + pace * t), shrinking * np.sin(phase + pace * t)], axis=2
    ).astype(np.float32)


def with_breaks(positions, seed=0, every=40):
    """Return the paths cut into strands at random ticks, each going on from another place."""
    rng = np.random.default_rng(seed)
    ticks, agents, _ = positions.shape
    cuts = rng.random((ticks, agents)) < 1 / every
    cuts[0] = False
    strands = np.cumsum(cuts, axis=0)
    jumps = rng.uniform(-0.7, 0.7, (strands.max() + 1, agents, 2))
    jumps[0] = 0
    moved = positions + np.take_along_axis(jumps, strands[:, :, None].repeat(2, axis=2), axis=0)
    return moved.astype(np.float32), strands.astype(np.uint32)
