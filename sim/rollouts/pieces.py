"""The order in which rollouts from the cells of a field are made, in pieces of sizes that fit."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from valuescape.sim.rollouts.truth import TruthSums


class Piece(NamedTuple):
    """The rollouts `first` to before `last` from some cells."""

    first: int
    last: int
    cells: slice


def pieces(
    field: TruthSums, runs: Iterable[tuple[int, int]], size: Callable[[int, int], int]
) -> Iterator[Piece]:
    """Yield all rollouts of a field: those of a run from every cell before any of the next run, in order.

    Of the first run the coarsest cells come first, so that a map is covered early. runs: rollouts, first to
    before last. size: returns how many cells a piece is to have, of its rollouts a cell, and the cells that
    are left; called for each piece.
    """
    for first, last in runs:
        ends = [0, len(field.count)] if first else field.levels
        for begin, end in pairwise(ends):
            at = begin
            while at < end:
                stop = min(at + size(last - first, end - at), end)
                yield Piece(first, last, slice(at, stop))
                at = stop


def fitting(made: int, seconds: float, goal_s: float, before: int) -> int:
    """Return how large pieces to come should be for each to take `goal_s`, as one that was made tells.

    made: its size, which took `seconds`. before: the size of those before it; the new one is at most twice
    either of them.
    """
    return min(int(made * goal_s / max(seconds, 1e-9)), 2 * max(made, before))
