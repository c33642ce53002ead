"""Sources of updates: whatever a training run that is watched leaves for its viewers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import World


@dataclass(frozen=True, slots=True)
class News:
    """A checkpoint that a training run has come to.

    steps: of the training. sent_ns: when it was published, or its file was complete (`time.monotonic_ns`).
    numbers: what the trainer said beside it, by its names, such as `mean_return`.
    """

    steps: int
    checkpoint: Checkpoint
    sent_ns: int
    numbers: Mapping[str, float] = field(default_factory=dict)


class Source(Protocol):
    """A training run, seen from the viewer. One thread asks; nothing here waits."""

    @property
    def name(self) -> str:
        """The training run, in a word or two."""

    @property
    def trainer(self) -> int | None:
        """The process that trains, on this machine; None if that is not known."""

    def begin(self, world: World) -> None:
        """Begin to look for updates, which are to act in `world`."""

    def newest(self) -> News | None:
        """Return the newest update if there is one that was not returned before; those in between are left.

        An update that cannot be shown is left out, and `said` says why.
        """

    @property
    def alive(self) -> bool:
        """Whether updates may still come."""

    def said(self) -> list[str]:
        """Return sentences about what became of the training run since the last call."""

    def close(self) -> None:
        """Let go of everything; a second call does nothing."""
