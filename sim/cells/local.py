"""Reduces the trail rows of one arena, in the calling thread."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, IndexArray, Uint32Array
from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.choose import CellCode
from valuescape.sim.cells.grid import STAMP_TICKS, CrowdGrid, Places, TrailStep, VisitGrid, places
from valuescape.sim.cells.reader import (
    NOWHERE,
    UNTOLD,
    DrawnRows,
    News,
    SignalRow,
    Stamps,
    TrailSource,
)


class LocalReader:
    """Reads rows where the ticks were made, and copies only those of drawn agents.

    source: has the rows of `arrivals.agents` agents. length: ticks that can be drawn. first_agent: number of
    the source's first agent in the whole crowd, by which agents have their hues; `drawn` counts from it.
    A tick that is overwritten while it is read is left out, with those before it.

    Stamps go stale with their grid; they are then made again from all kept rows.

    Performance: a new tick costs reading 18 bytes an agent and a few cells, `make bench-cells`; endings are
    kept for all agents, a byte a tick, and so are signals, four.
    """

    def __init__(
        self,
        source: TrailSource,
        arrivals: Arrivals,
        length: int,
        code: CellCode,
        first_agent: int = 0,
    ) -> None:
        self._source, self._arrivals, self._code = source, arrivals, code
        self._length, self._first_agent = length, first_agent
        self._kept = range(0)
        self._drawn: IndexArray | None = None
        self._endings: NDArray[np.uint8] = np.full((length, arrivals.agents), UNTOLD, np.uint8)
        self._signal: SignalRow | None = None
        self._signals: Float32Array | None = None
        self._stamps = Stamps(CrowdGrid((1, 1), (0.0, 0.0), (1.0, 1.0)), np.zeros((1, 1), np.uint32))
        self._stamped = range(0)

    def read_from(self, source: TrailSource) -> None:
        """Go on with another source of the same agents' rows."""
        self._source = source

    @property
    def _newest(self) -> int:
        return self._kept.stop - 1

    # --- Rows ---------------------------------------------------------------------------------------------

    def take(
        self, newest: int, drawn: IndexArray, visits: VisitGrid, signal: SignalRow | None = None
    ) -> News:
        """Take over ticks up to `newest`, and return what is new."""
        self._keep_signals_of(signal)
        counts: list[Uint32Array] = []
        unsigned: list[int] = []
        first = max(self._kept.stop, newest - self._length + 1)
        for tick in range(first, newest + 1):
            counted = self._count(tick, visits)
            ending = self._source.recent_row("ending", tick)
            if not self._source.trail_intact(tick):
                first, counts, unsigned = tick + 1, [], []
                continue
            counts.append(counted)
            self._endings[tick % self._length] = UNTOLD if ending is None else ending
            if signal and not self._keep_signal(tick, signal):
                unsigned.append(tick)
        new = self._keep(first, newest)
        rows, ticks = self._rows(drawn, new)
        new = range(max(new.start, self._kept.start), new.stop)  # some can be gone since they were counted
        found = np.array(counts[len(counts) - len(new) :], np.uint32).reshape(-1, *visits.shape)
        return News(
            drawn, self._kept, new, ticks, rows, found, tuple(each for each in unsigned if each in new)
        )

    def redraw(self) -> None:
        """Have the next `take` bring the rows of all ticks, whether other agents are drawn or not."""
        self._drawn = None

    def _count(self, tick: int, grid: VisitGrid) -> Uint32Array:
        # An agent counts from the tick after it came: at that one, the row may have been there already.
        there = self._arrivals.present(tick - 1)
        visits = np.zeros(grid.shape, np.uint32)
        self._code.add_visits(self._places(tick, slice(there)).position, grid, visits)
        return visits

    def _places(self, tick: int, part: slice) -> Places:
        position, strand = (self._source.row(name, tick) for name in ("trail_position", "trail_strand"))
        return places(position[part], strand[part])

    def _keep(self, first: int, newest: int) -> range:
        """Keep the ticks from `first` to `newest` that were read; return them."""
        if first > newest:
            return range(self._kept.stop, self._kept.stop)
        joined = first == self._kept.stop and len(self._kept)
        oldest = self._kept.start if joined else first  # else lines would be drawn across a gap
        self._kept = range(max(oldest, newest - self._length + 1), newest + 1)
        return range(first, newest + 1)

    def _rows(self, drawn: IndexArray, new: range) -> tuple[DrawnRows, range]:
        """Return rows of the drawn agents, and their ticks: all that are kept if others were drawn before."""
        other = self._drawn is None or not np.array_equal(drawn, self._drawn)
        self._drawn = drawn.copy() if other else self._drawn
        ticks = self._kept if other else new
        rows = self._gathered(drawn, ticks)
        gone = next((tick for tick in reversed(ticks) if not self._source.trail_intact(tick)), None)
        if gone is None:
            return rows, ticks
        self._kept = range(gone + 1, self._kept.stop)
        left = range(gone + 1, ticks.stop)
        at = slice(len(ticks) - len(left), None)
        signal = None if rows.signal is None else rows.signal[at]
        return DrawnRows(rows.position[at], rows.strand[at], rows.ending[at], signal), left

    def _gathered(self, drawn: IndexArray, ticks: range) -> DrawnRows:
        part = slice(None) if len(drawn) == self._arrivals.agents else drawn
        shape, signals = (len(ticks), len(drawn)), self._signals
        rows = DrawnRows(
            np.empty((*shape, 2), np.float32),
            np.empty(shape, np.uint8),
            np.empty(shape, np.uint8),
            None if signals is None else np.empty(shape, np.float32),
        )
        for at, tick in enumerate(ticks):
            rows.position[at] = self._source.row("trail_position", tick)[part]
            rows.strand[at] = self._source.row("trail_strand", tick)[part]
            rows.ending[at] = self._endings[tick % self._length][part]
            if rows.signal is not None and signals is not None:
                rows.signal[at] = signals[tick % self._length][part]
            late = drawn >= self._arrivals.present(tick)
            rows.position[at, late], rows.strand[at, late] = np.nan, NOWHERE
        return rows

    def _keep_signals_of(self, signal: SignalRow | None) -> None:
        """Have a ring of signals, or none; another signal than before is unknown at all ticks."""
        if signal == self._signal:
            return
        self._signal, self._signals = signal, None
        if signal is not None:
            self._signals = np.full((self._length, self._arrivals.agents), np.nan, np.float32)

    def _keep_signal(self, tick: int, signal: SignalRow) -> bool:
        """Keep the signal of a tick; return whether any agent's is known."""
        assert self._signals is not None
        row = signal(tick, self._arrivals.agents)
        row[self._arrivals.present(tick - 1) :] = np.nan  # no step led to the tick at which an agent comes
        self._signals[tick % self._length] = row
        return not (np.isnan(row[0]) and np.isnan(row).all())

    # --- Stamps -------------------------------------------------------------------------------------------

    def stamps(self, grid: CrowdGrid) -> Stamps | None:
        """Return the stamps of all kept ticks on `grid`; None if they are as in the answer before."""
        if self._kept.stop - grid.first_tick > STAMP_TICKS:
            raise ValueError(f"tick {self._newest} has no stamp on a grid from tick {grid.first_tick}")
        if grid != self._stamps.grid or self._kept.start > self._stamped.stop:
            self._forget_stamps(grid)
        elif self._stamped.stop == self._kept.stop:
            return None
        while (gone := self._stamp_ticks(range(self._stamped.stop, self._kept.stop))) is not None:
            self._kept = range(gone + 1, self._kept.stop)
            self._forget_stamps(grid)
        self._stamped = self._kept
        return self._stamps

    def _forget_stamps(self, grid: CrowdGrid) -> None:
        self._stamps = Stamps(grid, np.zeros(grid.shape, np.uint32))
        self._stamped = range(self._kept.start, self._kept.start)

    def _stamp_ticks(self, ticks: range) -> int | None:
        """Stamp the segments that lead to `ticks`; return the newest tick that was overwritten meanwhile."""
        for tick in ticks:
            self._stamp(tick)
        read = range(max(ticks.start - 1, self._kept.start), ticks.stop)
        return next((tick for tick in reversed(read) if not self._source.trail_intact(tick)), None)

    def _stamp(self, tick: int) -> None:
        """Stamp the segments of all agents that lead to `tick`."""
        arrivals, joined = self._arrivals, tick > self._kept.start
        there = arrivals.present(tick)
        before = arrivals.present(tick - 1) if joined else 0
        for part, follows in ((slice(0, before), True), (slice(before, there), False)):
            if part.stop > part.start:
                self._stamp_part(tick, part, follows=follows)

    def _stamp_part(self, tick: int, part: slice, *, follows: bool) -> None:
        signals, at = self._signals, tick % self._length
        step = TrailStep(
            tick,
            self._places(tick, part),
            self._places(tick - 1, part) if follows else None,
            self._first_agent + part.start,
            None if signals is None else signals[at, part],
        )
        self._code.add_stamps(step, self._stamps.grid, self._stamps.stamps)

    # --- The crowd ----------------------------------------------------------------------------------------

    def resize(self, agents: int, since: int) -> None:
        """Have another number of agents from tick `since` on; those that stay keep endings and signals."""
        kept = min(self._endings.shape[1], agents)
        endings = np.full((self._length, agents), UNTOLD, np.uint8)
        endings[:, :kept] = self._endings[:, :kept]
        self._endings = endings
        if self._signals is not None:
            signals = np.full((self._length, agents), np.nan, np.float32)
            signals[:, :kept] = self._signals[:, :kept]
            self._signals = signals
        if self._arrivals.agents != agents:
            self._arrivals.resize(agents, since, self._kept.start)
        self._drawn = None
        self._stamps = replace(self._stamps, grid=CrowdGrid((0, 0), (0.0, 0.0), (0.0, 0.0)))

    def places(self) -> Float32Array | None:
        """Return where all agents are at the newest tick, [n, 2], a copy; None if that is gone."""
        if not self._kept:
            return None
        found: Float32Array = np.array(self._source.row("trail_position", self._newest), np.float32)
        return found if self._source.trail_intact(self._newest) else None
