"""The contract between a picture and whatever reduces a crowd's trail rows for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, IndexArray, Uint32Array
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid

UNTOLD = 255
"""In the place of an `Ending`: it is not known whether the episode ended in that tick."""

NOWHERE = 255
"""Strand of an agent at ticks before it came, where its position is NaN. An agent comes on strand 0."""


@dataclass(frozen=True, slots=True)
class SignalRow:
    """The signal that colours trails; two with the same name and `row` are equal.

    row: returns it of (tick, agents): [agents], NaN where it is unknown (`sim.insight.signals.Signals.row`).
    """

    name: str
    row: Callable[[int, int], Float32Array]

    def __call__(self, tick: int, agents: int) -> Float32Array:
        """Return the row of a tick."""
        return self.row(tick, agents)


class TrailSource(Protocol):
    """Source of the trail rows of all agents: `sim.engine.Engine`, or a recording."""

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of `trail_position` [n, 2] or `trail_strand` [n] at `tick`; it may change later."""

    def trail_intact(self, tick: int) -> bool:
        """Whether nothing has begun to overwrite the trail's rows of `tick`."""

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return a copy of the row of `ending` [n] at `tick`; None if it is or was being overwritten."""


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Trail rows of m drawn agents at some ticks.

    position: [ticks, m, 2] float32, NaN before an agent came. strand: [ticks, m] uint8. ending: [ticks, m]
    uint8, values of `Ending` or UNTOLD. signal: [ticks, m] float32, NaN where unknown; None without one.
    """

    position: Float32Array
    strand: NDArray[np.uint8]
    ending: NDArray[np.uint8]
    signal: Float32Array | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What is new of a crowd's trails; the arrays are the receiver's.

    drawn: numbers of the agents whose rows these are, ascending. kept: all ticks that can be drawn. new:
    those of them that no news was about before, the last ones. ticks: those of `rows`: all of `kept` if other
    agents are drawn than before, else `new`. visits: counts of each tick of `new`, [len(new), edge, edge]
    uint32. unsigned: ticks of `new` at which no agent's signal is known.
    """

    drawn: IndexArray
    kept: range
    new: range
    ticks: range
    rows: DrawnRows
    visits: Uint32Array
    unsigned: tuple[int, ...] = ()


class CellReader(Protocol):
    """Reduces a crowd to what a picture shows: rows of a few agents, cells of all.

    `sim.cells.local.LocalReader` does so with the rows of one arena, in the calling thread. One that gathers
    from elsewhere may answer with what has arrived by now: a `News` and stamps say what they are of.
    """

    def take(
        self, newest: int, drawn: IndexArray, visits: VisitGrid, signal: SignalRow | None = None
    ) -> News:
        """Take over ticks up to `newest`, and return what is new.

        drawn: numbers of the agents whose rows are wanted, ascending. signal: called for each new tick; None:
        trails have no signal.
        """

    def stamps(self, grid: CrowdGrid) -> "Stamps | None":
        """Return the stamps of all kept ticks on `grid`; None if they are as in the answer before."""

    def resize(self, agents: int, since: int) -> None:
        """Have another number of agents from tick `since` on."""

    def places(self) -> Float32Array | None:
        """Return where all agents are at the newest tick, [n, 2], a copy; None if that is gone."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """Stamps of a crowd, [rows, columns] uint32, on their grid; valid until the next ones."""

    grid: CrowdGrid
    stamps: Uint32Array


@runtime_checkable
class ReadsCells(Protocol):
    """A source of trails with a reader of its own, as one whose rows are in several processes."""

    def cell_reader(self, length: int) -> CellReader:
        """Return a new reader of `length` ticks."""


def merged(parts: Sequence[News]) -> News:
    """Return the news of a crowd from those of its consecutive slices.

    Drawn agents keep the order of slices; visits are added. Raises ValueError if the ticks differ.
    """
    first = parts[0]
    if any((each.kept, each.new, each.ticks) != (first.kept, first.new, first.ticks) for each in parts):
        raise ValueError("news of different ticks")
    if len(parts) == 1:
        return first
    unsigned = set(first.unsigned).intersection(*(each.unsigned for each in parts))
    return News(
        np.concatenate([each.drawn for each in parts]),
        first.kept,
        first.new,
        first.ticks,
        _joined([each.rows for each in parts]),
        np.add.reduce([each.visits for each in parts]),
        tuple(sorted(unsigned)),
    )


def _joined(parts: Sequence[DrawnRows]) -> DrawnRows:
    signals = [each.signal for each in parts if each.signal is not None]
    return DrawnRows(
        np.concatenate([each.position for each in parts], 1),
        np.concatenate([each.strand for each in parts], 1),
        np.concatenate([each.ending for each in parts], 1),
        np.concatenate(signals, 1) if signals else None,
    )
