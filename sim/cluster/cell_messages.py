"""Messages by which a picture gets the cells of all agents and the trail rows of drawn ones."""

from dataclasses import dataclass

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid
from valuescape.sim.cells.reader import News
from valuescape.sim.cluster.packing import Packed
from valuescape.sim.cluster.slices import Slice


@dataclass(frozen=True, slots=True)
class CellsAsked:
    """A question for the news of a picture.

    reader: number of the reader that asks; a new one begins without ticks. length: ticks that it keeps.
    after: the newest tick that it has; -1 for none. anew: whether the host is to begin as if it had told of
    the ticks up to `after`, because slices moved. newest, drawn, visits: as `CellReader.take` has them.
    signal: name of the signal that colours trails; "" for none. grid: of stamps; None if none are wanted.
    stamps_anew: whether all stamps are wanted, not only those that are greater than in the answer before.
    """

    reader: int
    length: int
    after: int
    anew: bool
    newest: int
    drawn: IndexArray
    visits: VisitGrid
    signal: str
    grid: CrowdGrid | None
    stamps_anew: bool


@dataclass(frozen=True, slots=True)
class CellsSeen:
    """The answer: news of each slice, without visits; the visits and stamps of all slices of the host.

    stamps: those that grew since the answer before, or more; None without a grid.
    """

    news: tuple[tuple[Slice, News], ...]
    visits: Packed
    stamps: Packed | None
