"""The reader of cells of a run on a cluster: each node reduces its own agents, and only that is sent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from valuescape.sim.arrays import Float32Array, IndexArray, Uint32Array
from valuescape.sim.cells.grid import CrowdGrid, VisitGrid
from valuescape.sim.cells.reader import DrawnRows, News, SignalRow, Stamps, merged
from valuescape.sim.cluster.cell_messages import CellsAsked, CellsSeen
from valuescape.sim.cluster.packing import Packed
from valuescape.sim.cluster.team import Team
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError


class Hosts(Protocol):
    """What a reader asks: `sim.cluster.engine.ClusterEngine`."""

    config: Config

    @property
    def team(self) -> Team:
        """The nodes that share the run."""

    @property
    def is_level(self) -> bool:
        """Whether all agents have come to the newest tick."""

    def ask_hosts(self, method: str, argument: Any) -> list[Any]:
        """Return what all hosts that step agents answer."""

    def rows_of(self, names: Sequence[str], tick: int, numbers: IndexArray) -> dict[str, Any] | None:
        """Return rows of agents at a recent tick, by name."""


class ClusterCells:
    """A `sim.cells.reader.CellReader` that gathers from the nodes of an engine.

    While agents of a lost node are made again there is no news. Each question waits for the answers of all
    nodes. Stamps come with the answer to `take`, on the grid that was asked for last.

    Performance: `make bench-cluster` prints the bytes of a frame: they follow the grids and drawn agents.
    """

    def __init__(self, hosts: Hosts, number: int, length: int) -> None:
        self._hosts, self._number, self._length = hosts, number, length
        self._kept = range(0)
        self._version = -1  # of the team when it was asked last
        self._drawn: IndexArray | None = None
        self._visits = VisitGrid(1, (0.0, 0.0), (1.0, 1.0))
        self._signal = ""
        self._grid: CrowdGrid | None = None
        self._stamps: Uint32Array = np.zeros((0, 0), np.uint32)
        self._came: list[Packed] = []  # news of stamps, put into them when the caller asks for them
        self._anew = False  # whether stamps of before are void
        self._told = False  # whether the caller has all stamps that came

    def take(
        self, newest: int, drawn: IndexArray, visits: VisitGrid, signal: SignalRow | None = None
    ) -> News:
        """Take over ticks up to `newest`, and return what is new."""
        if self._drawn is not None and not self._hosts.is_level:
            return self._nothing()
        self._visits, self._signal = visits, signal.name if signal else ""
        news = self._ask(newest, drawn)
        self._drawn, self._kept = news.drawn, news.kept
        return news

    def stamps(self, grid: CrowdGrid) -> Stamps | None:
        """Return the stamps of all kept ticks on `grid`; None if they are as in the answer before."""
        if grid != self._grid and self._drawn is not None and self._hosts.is_level:
            self._grid, self._told = grid, False
            self._ask(self._kept.stop - 1, self._drawn, stamps_anew=True)
        if self._told or self._grid is None:
            return None
        self._told = True
        if self._stamps.shape != self._grid.shape or self._anew:
            self._stamps = np.zeros(self._grid.shape, np.uint32)
        for each in self._came:
            each.put_into(self._stamps)
        self._came, self._anew = [], False
        return Stamps(self._grid, self._stamps)

    def resize(self, agents: int, since: int) -> None:
        """Raise UsageError: agents of a cluster stay."""
        raise UsageError(f"agents.count = {agents} cannot change at tick {since} on a cluster")

    def places(self) -> Float32Array | None:
        """Return where all agents are at the newest tick, [n, 2], a copy; None if that is gone.

        Gets 8 bytes of each agent.
        """
        if not self._kept:
            return None
        everyone = np.arange(self._hosts.config.agents.count)
        rows = self._hosts.rows_of(("trail_position",), self._kept.stop - 1, everyone)
        return None if rows is None else rows["trail_position"]

    def _nothing(self) -> News:
        assert self._drawn is not None
        none, count = range(self._kept.stop, self._kept.stop), len(self._drawn)
        signal = np.zeros((0, count), np.float32) if self._signal else None
        bytes_ = np.zeros((0, count), np.uint8)
        rows = DrawnRows(np.zeros((0, count, 2), np.float32), bytes_, bytes_, signal)
        return News(self._drawn, self._kept, none, none, rows, np.zeros((0, *self._visits.shape), np.uint32))

    def _ask(self, newest: int, drawn: IndexArray, *, stamps_anew: bool = False) -> News:
        """Return the news of all hosts; stamps that came with them are taken over."""
        version = self._hosts.team.version
        asked = CellsAsked(
            self._number,
            self._length,
            self._kept.stop - 1,
            version != self._version,
            newest,
            drawn,
            self._visits,
            self._signal,
            self._grid,
            stamps_anew,
        )
        seen: list[CellsSeen] = self._hosts.ask_hosts("cells", asked)
        if self._hosts.team.version != version:  # a host was lost: the answers may be of readers that are new
            return self._ask(newest, drawn, stamps_anew=stamps_anew)
        self._version = version
        news = self._merged(seen)
        gap = len(news.new) > 0 and news.new.start != self._kept.stop
        self._take_stamps(seen, anew=stamps_anew or gap)
        return news

    def _merged(self, seen: Sequence[CellsSeen]) -> News:
        parts = sorted((part for each in seen for part in each.news), key=lambda part: part[0])
        news = merged([each for _, each in parts])
        visits = np.zeros((len(news.new), *self._visits.shape), np.uint32)
        for each in seen:
            each.visits.add_to(visits)
        joined = news.new.start == self._kept.stop and len(self._kept)
        oldest = max(news.kept.start, self._kept.start) if joined else news.kept.start
        return replace(news, visits=visits, kept=range(oldest, news.kept.stop))

    def _take_stamps(self, seen: Sequence[CellsSeen], *, anew: bool) -> None:
        """Take over stamps. anew: those of before are void.

        They are not where slices moved: a new reader's are of the ticks that are kept, and no greater.
        """
        if self._grid is None:
            return
        if anew:
            self._came, self._anew, self._told = [], True, False
        came = [each.stamps for each in seen if each.stamps and each.stamps.values.any()]
        self._came += came
        self._told = self._told and not came
