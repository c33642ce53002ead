"""The trail ring on the GPU with rows of drawn agents only, and the visits of all."""

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.constants import ENDING_SHIFT
from valuescape.gpu.trail_ring import TrailRing
from valuescape.sim.arrays import Uint32Array
from valuescape.sim.cells.reader import UNTOLD, News, TrailSource

LEAST_SLOTS = 16


class DrawnRing(TrailRing):
    """Holds the rows that a reader of cells brings: those of drawn agents, in the first of the `slots`.

    Performance: a tick is 12 bytes a drawn agent, whatever the number of all. When other agents are drawn all
    rows are written anew.
    """

    drawn = True

    def _first_slots(self) -> int:
        self._visits: dict[int, Uint32Array] = {}
        return LEAST_SLOTS

    def resize(self, agents: int, since: int, source: TrailSource) -> None:
        """Have another number of agents from tick `since` on; the next `take` brings rows."""
        if agents != self.agents:
            self.arrivals.resize(agents, since, self.oldest)

    def take(self, news: News) -> range:
        """Take over rows and visits; returns the ticks that are new. `slots` may be others than before."""
        rows = news.rows
        told = np.where(rows.ending == UNTOLD, 0, rows.ending).astype(np.uint32)
        strand = rows.strand.astype(np.uint32) | told << np.uint32(ENDING_SHIFT)
        whole = self._fit(len(news.drawn)) or len(news.ticks) > len(news.new)
        write = self._write_all if whole else self._write_ticks
        write(self.position, rows.position, news.ticks)
        write(self.strand, strand, news.ticks)
        for buffer in filter(None, (self._signal, self.raw)):
            if rows.signal is not None:
                write(buffer, rows.signal, news.ticks)
        if news.new:
            self._note(news)
        if news.kept:
            self.oldest, self.newest = news.kept.start, news.kept[-1]
        self._visits = dict(zip(news.new, news.visits, strict=True))
        return news.new

    def told_visits(self, tick: int) -> Uint32Array:
        """Return the visits [edge, edge] of a tick that the last `take` brought."""
        return self._visits[tick]

    def _note(self, news: News) -> None:
        if news.new.start > self.newest + 1:
            self._miss(range(self.newest + 1, news.new.start))
        first = len(news.ticks) - len(news.new)
        told = (news.rows.ending[first:] != UNTOLD).any(1)
        self._untold += [tick for tick, known in zip(news.new, told, strict=True) if not known]
        self._unsigned += news.unsigned

    def _fit(self, agents: int) -> bool:
        """Have slots for `agents` drawn ones, and some more; return whether all rows are void now."""
        if agents <= self.slots <= max(4 * agents, LEAST_SLOTS):
            return False
        self.slots = max(LEAST_SLOTS, 1 << (agents - 1).bit_length())
        for each in (self.position, self.strand, self.point):
            self._free(each)
        self._make_rows()
        if self._signal is not None:
            self.keep_signal(raw=self.raw is not None)
        return True

    def _write_all(self, buffer: moderngl.Buffer, rows: NDArray[Any], ticks: range) -> None:
        """Write rows [ticks, m, …] in one go; those of other ticks are void then."""
        whole = np.zeros((self.length, self.slots, *rows.shape[2:]), rows.dtype)
        whole[np.array(ticks, np.intp) % self.length, : rows.shape[1]] = rows
        buffer.write(whole)
        self._meter.upload_bytes += whole.nbytes

    def _write_ticks(self, buffer: moderngl.Buffer, rows: NDArray[Any], ticks: range) -> None:
        row_bytes = buffer.size // self.length
        for row, tick in zip(rows, ticks, strict=True):
            buffer.write(row, offset=tick % self.length * row_bytes)
            self._meter.upload_bytes += row.nbytes
