"""Cells on a node: reduces the trail rows of its slices for the picture in the main process."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from valuescape.sim.arrays import Float32Array, IndexArray, Uint32Array
from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.choose import cell_code
from valuescape.sim.cells.local import LocalReader
from valuescape.sim.cells.reader import News, SignalRow, Stamps
from valuescape.sim.cluster.cell_messages import CellsAsked, CellsSeen
from valuescape.sim.cluster.hosted import HostedSlice, within
from valuescape.sim.cluster.packing import Packed, packed
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.signal_kinds import find_signal
from valuescape.sim.insight.signals import Signals


class HostedCells:
    """The readers of one picture on a node, one for each slice.

    Performance: of an answer's stamps one grid is written and one mask made; the rest are the cells that
    changed. Visits of a second slice and more are added to those of the first.
    """

    def __init__(self, reader: int) -> None:
        self.reader = reader
        self._readers: dict[Slice, LocalReader] = {}
        self._found: dict[Slice, Stamps] = {}
        self._signals: dict[tuple[Slice, str], SignalRow | None] = {}
        self._grids: tuple[Uint32Array, Uint32Array] | None = None  # stamps of the last answer, and a spare
        self._drawn: IndexArray = np.zeros(0, np.intp)

    def answer(self, asked: CellsAsked, slices: Sequence[HostedSlice]) -> CellsSeen:
        """Return what is new of some slices, in order."""
        if asked.anew or {each.agents for each in slices} != self._readers.keys():
            self._begin(asked, slices)
        elif not np.array_equal(asked.drawn, self._drawn):
            for each in self._readers.values():  # also of slices whose own are the same
                each.redraw()
        self._drawn = asked.drawn
        news = [(each.agents, self._take(each, asked)) for each in slices]
        visits = news[0][1].visits
        for _, other in news[1:]:
            visits += other.visits
        bare = tuple((agents, _without_visits(each)) for agents, each in news)
        return CellsSeen(bare, packed(visits), self._stamps(asked) if asked.grid else None)

    def _begin(self, asked: CellsAsked, slices: Sequence[HostedSlice]) -> None:
        """Have readers that know the ticks up to `asked.after`."""
        self._signals.clear()
        self._grids = None
        self._readers, self._found = {}, {}
        for each in slices:
            arrivals = Arrivals(len(each.agents))
            code = cell_code(simd=each.engine.config.features.simd)
            reader = LocalReader(each.engine, arrivals, asked.length, code, each.agents.first)
            self._readers[each.agents] = reader
            if asked.after >= 0:
                self._take(each, replace(asked, newest=asked.after))

    def _take(self, hosted: HostedSlice, asked: CellsAsked) -> News:
        reader, drawn = self._readers[hosted.agents], within(asked.drawn, hosted)
        news = reader.take(asked.newest, drawn, asked.visits, self._signal(hosted, asked.signal))
        return replace(news, drawn=news.drawn + hosted.agents.first)

    def _signal(self, hosted: HostedSlice, name: str) -> SignalRow | None:
        """Return what computes a signal; unknown everywhere if there is no such one on a node."""
        if not name:
            return None
        key = hosted.agents, name
        if key not in self._signals:
            self._signals = {each: row for each, row in self._signals.items() if each[0] != hosted.agents}
            self._signals[key] = _signal_row(hosted, name)
        return self._signals[key]

    def _stamps(self, asked: CellsAsked) -> Packed:
        """Return the stamps that changed since the last answer; all of them if that had other ones."""
        assert asked.grid
        for agents, reader in self._readers.items():
            self._found[agents] = reader.stamps(asked.grid) or self._found[agents]
        first, *others = (each.stamps for each in self._found.values())
        if self._grids is None or self._grids[0].shape != first.shape:
            self._grids = np.zeros_like(first), np.empty_like(first)
        before, now = self._grids
        now[:] = first
        for each in others:
            np.maximum(now, each, out=now)
        self._grids = now, before
        return packed(now) if asked.stamps_anew else packed(now, now != before)


def _without_visits(news: News) -> News:
    return replace(news, visits=np.zeros((len(news.new), 0, 0), np.uint32))


def _signal_row(hosted: HostedSlice, name: str) -> SignalRow | None:
    engine = hosted.engine
    checkpoint = engine.checkpoint
    critic = critic_of(checkpoint) if checkpoint else None
    try:
        signals = Signals(
            find_signal(name, engine.world), engine.world, engine, engine.rules.map_axes, critic
        )
    except (UsageError, ValueError):  # a colouring of a plug-in, or a critic that only the main process has
        return SignalRow(name, _unknown)
    return SignalRow(name, signals.row)


def _unknown(tick: int, agents: int) -> Float32Array:
    del tick
    return np.full(agents, np.nan, np.float32)
