"""A member: a node at work for a run, and what was asked of it."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from valuescape.sim.cluster.node import Call, Node
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.config.sections import WorkersConfig


@dataclass(eq=False, slots=True)
class Member:
    """A node that steps slices.

    joining: the call that makes its host ready; None once it is. slices: that it steps. made: the newest tick
    of each slice that it said it has completed, since slices moved last. has_begun: whether it was asked to
    step any slice; has_stepped: whether it has made any tick. workers, restarts: number of its worker
    processes, and of those replaced. heard_s: when it answered last, or was asked while nothing else was open
    (monotonic).
    """

    node: Node
    joining: Call | None
    slices: set[Slice] = field(default_factory=set)
    made: Mapping[Slice, int] = field(default_factory=dict)
    has_begun: bool = False
    has_stepped: bool = False
    workers: int = 0
    restarts: int = 0
    heard_s: float = field(default_factory=time.monotonic)

    @property
    def complete(self) -> int:
        """The tick that all its slices have completed; -1: not all have begun. No bound without any."""
        return min((self.made.get(each, -1) for each in self.slices), default=sys.maxsize)

    def take(self, made: Mapping[Slice, int]) -> None:
        """Note how far its slices are, those that it has begun."""
        self.made = made
        self.has_stepped = self.has_stepped or any(made.get(each, -1) >= 0 for each in self.slices)

    def patience_s(self, config: WorkersConfig) -> float:
        """Return how long it may be silent: longer while its process starts, and until its first tick.

        Until then it loads code, or compiles, between two answers.
        """
        starts = self.joining is not None or (self.has_begun and not self.has_stepped)
        return config.start_timeout if starts else config.heartbeat_timeout

    def is_silent(self, config: WorkersConfig) -> bool:
        """Return whether it has been silent for longer than it may."""
        return time.monotonic() - self.heard_s > self.patience_s(config)
