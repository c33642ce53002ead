"""A catalogue of kept rows: which slice, of which tick, on which nodes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from valuescape.sim.cluster.kept_rows import KeptRows
from valuescape.sim.cluster.node import Call, Node
from valuescape.sim.cluster.slices import Slice

Piece = KeptRows | Call
"""Kept rows, or the call that gets them from the node that has them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Rows that are kept: of a slice at a tick.

    holder: the node that has them, or else rows: themselves, in this process.
    """

    agents: Slice
    tick: int
    holder: Node | None = None
    rows: KeptRows | None = None

    def piece(self, part: Slice) -> Piece:
        """Return the part of the rows, or the call that gets it."""
        if self.holder:
            return self.holder.ask("kept", self.agents, self.tick, part)
        assert self.rows
        return self.rows.cut(part)


class Catalogue:
    """Knows which rows can be had, and finds those that a slice can be made from."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note rows that are kept now."""
        self._entries.append(entry)

    def lose(self, holder: Node) -> None:
        """Forget what a node kept that is gone."""
        self._entries = [each for each in self._entries if each.holder is not holder]

    def forget(self, before: int) -> bool:
        """Forget rows of ticks before this one; return whether there were any."""
        left = [each for each in self._entries if each.tick >= before]
        some, self._entries = len(left) < len(self._entries), left
        return some

    def newest(self, agents: Iterable[Slice], upto: int) -> int | None:
        """Return the newest tick, `upto` at most, at which rows of all these agents can be had, or None."""
        wanted = list(agents)
        for tick in sorted({each.tick for each in self._entries if each.tick <= upto}, reverse=True):
            if all(self._covers(each, tick) for each in wanted):
                return tick
        return None

    def _covers(self, agents: Slice, tick: int) -> bool:
        return sum(len(part) for _, part in self._parts(agents, tick)) == len(agents)

    def pieces(self, agents: Slice, tick: int) -> list[Piece]:
        """Return the rows of a slice at a tick, in pieces that follow each other."""
        return [entry.piece(part) for entry, part in self._parts(agents, tick)]

    def _parts(self, agents: Slice, tick: int) -> Iterator[tuple[Entry, Slice]]:
        """Yield entries, with the part of each, that follow each other from the first of `agents` on."""
        at = agents.first
        while at < agents.stop:
            reaching = [
                each
                for each in self._entries
                if each.tick == tick and each.agents.first <= at < each.agents.stop
            ]
            if not reaching:
                return
            chosen = max(reaching, key=lambda each: each.agents.stop)
            part = Slice(at, min(agents.stop, chosen.agents.stop))
            yield chosen, part
            at = part.stop
