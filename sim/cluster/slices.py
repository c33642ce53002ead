"""Slices of a run's agents, and their division among nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from valuescape.sim.policy.inference import BLOCK


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """The agents from `first` to before `stop`, by their numbers in the run."""

    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first

    def __str__(self) -> str:
        return f"agents {self.first:,} to {self.stop - 1:,}"

    def common(self, other: "Slice") -> "Slice":
        """Return the agents that are in both; empty if there are none."""
        first = max(self.first, other.first)
        return Slice(first, max(first, min(self.stop, other.stop)))

    def within(self, other: "Slice") -> slice:
        """Return where these agents are in arrays of `other`, which has all of them."""
        return slice(self.first - other.first, self.stop - other.first)


def divided(agents: int, weights: Sequence[float]) -> list[Slice]:
    """Return a slice for each weight, in proportion to it, in order; together they are all agents.

    Slices begin at multiples of BLOCK, as those of workers do, so that policies evaluate the same blocks
    wherever they are evaluated. With more weights than blocks some are empty.
    """
    blocks, whole = -(-agents // BLOCK), sum(weights)
    ends = [min(agents, BLOCK * round(blocks * each / whole)) for each in accumulate(weights)]
    return [Slice(first, stop) for first, stop in zip([0, *ends], ends, strict=False)]
