"""The newest steps whose return is known, in memory that is taken at once."""

from collections import deque
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.insight.following import Passages

_OF_EPISODES = ("returns", "lengths", "terminated")


class KeptPassages:
    """Passages one after another; the oldest are dropped as they were added, together.

    steps: room for so many, and as many episodes; it grows only for passages that are more by themselves. A
    run judges its own memory: arrays that are filled as episodes end would seem a leak.
    """

    def __init__(self, steps: int) -> None:
        none = Passages.none()
        self._columns: dict[str, NDArray[Any]] = {
            each.name: np.full(steps, 0, getattr(none, each.name).dtype) for each in fields(Passages)
        }
        self._room = steps
        self._groups: deque[tuple[int, int]] = deque()  # steps and episodes of each, the oldest first

    @property
    def steps(self) -> int:
        """Number of steps that are kept."""
        return sum(steps for steps, _ in self._groups)

    @property
    def episodes(self) -> int:
        """Number of episodes that are kept."""
        return sum(episodes for _, episodes in self._groups)

    def add(self, found: Passages) -> None:
        """Keep `found`, after dropping the oldest as far as there is no room. Its arrays are copied."""
        added = len(found.episode), len(found.returns)
        while self._groups and max(self.steps + added[0], self.episodes + added[1]) > self._room:
            self._drop()
        self._grow(max(added))
        ends = self.steps, self.episodes
        for name, column in self._columns.items():
            first, values = ends[name in _OF_EPISODES], getattr(found, name)
            column[first : first + len(values)] = values
        self._columns["episode"][ends[0] : ends[0] + added[0]] += ends[1]
        self._groups.append(added)

    def keep(self, episodes: int, steps: int) -> None:
        """Drop the oldest that are not needed for so many episodes, or so many steps."""
        while len(self._groups) > 1:
            oldest = self._groups[0]
            if self.episodes - oldest[1] < episodes and self.steps - oldest[0] < steps:
                return
            self._drop()

    def newest(self, episodes: int, steps: int) -> Passages:
        """Return the newest episodes, so many at most with so many steps, but one at least."""
        ends = self.steps, self.episodes
        found = Passages(**{name: each[: ends[name in _OF_EPISODES]] for name, each in self._columns.items()})
        if not ends[1]:
            return found
        taken = np.cumsum(np.bincount(found.episode, minlength=ends[1])[::-1])
        room = int(np.searchsorted(taken, steps, side="right"))
        return found.from_episode(ends[1] - max(1, min(room, episodes)))

    def _drop(self) -> None:
        """Drop the oldest, and move the others to the front."""
        ends, dropped = (self.steps, self.episodes), self._groups.popleft()
        for name, column in self._columns.items():
            end, gone = ends[name in _OF_EPISODES], dropped[name in _OF_EPISODES]
            column[: end - gone] = column[gone:end]
        self._columns["episode"][: self.steps] -= dropped[1]

    def _grow(self, least: int) -> None:
        """Make room for a group that is larger than all room there is, which is empty then."""
        if least > self._room:
            self._room = least
            self._columns = {name: np.full(least, 0, each.dtype) for name, each in self._columns.items()}
