"""A member: a node at work for a run, and what was asked of it."""

import time
from dataclasses import dataclass, field

from valuescape.sim.cluster.node import Call, Node
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.config.sections import WorkersConfig


@dataclass(eq=False, slots=True)
class Member:
    """A node that steps slices.

    joining: the call that makes its host ready; None once it is. slices: that it steps. complete: the tick
    that all of them have completed, as it said last; -1: not all of them have begun. has_begun: whether it
    was asked to step any slice; has_stepped: whether it has made any tick. restarts: of its workers. heard_s:
    when it answered last, or was asked while nothing else was open (monotonic).
    """

    node: Node
    joining: Call | None
    slices: set[Slice] = field(default_factory=set)
    complete: int = -1
    has_begun: bool = False
    has_stepped: bool = False
    restarts: int = 0
    heard_s: float = field(default_factory=time.monotonic)

    def patience_s(self, config: WorkersConfig) -> float:
        """Return how long it may be silent: longer while its process starts, and until its first tick.

        Until then it loads code, or compiles, between two answers.
        """
        starts = self.joining is not None or (self.has_begun and not self.has_stepped)
        return config.start_timeout if starts else config.heartbeat_timeout

    def is_silent(self, config: WorkersConfig) -> bool:
        """Return whether it has been silent for longer than it may."""
        return time.monotonic() - self.heard_s > self.patience_s(config)
