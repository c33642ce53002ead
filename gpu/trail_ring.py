"""The trail ring on the GPU: the rows of shared memory, of which only new ones are uploaded."""

from collections import deque
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot
from valuescape.gpu.constants import ENDING_SHIFT
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.owner import Owner
from valuescape.sim.arrays import Float32Array, Uint32Array
from valuescape.sim.cells.arrivals import Arrivals
from valuescape.sim.cells.reader import NOWHERE, SignalRow, TrailSource

MOST_MISSED = 2_000
"""Ranges of ticks that the ring remembers to have missed."""


class TrailRing(Owner):
    """`length` rows of positions, strands with endings, and a signal; ticks [oldest, newest] can be drawn.

    A row has `slots`, one for each agent. missed: ranges of ticks that never came in, oldest
    first, as the simulation was faster than the uploads. Of more than MOST_MISSED ranges the newest are kept,
    and `all_missed_known` is False.

    Performance: an upload is one contiguous row a tick, 12 bytes a slot (16 with a signal, 20 with one that
    HindsightPass rewrites), never the whole trail.
    """

    drawn = False
    """Whether rows are of drawn agents only (`DrawnRing`)."""

    def __init__(self, gl: Any, agents: int, length: int, meter: FrameMeter) -> None:
        super().__init__()
        self.arrivals = Arrivals(agents)
        self.slots = self._first_slots()
        self.length = length
        self.newest = -1
        self.oldest = 0
        self.missed: deque[range] = deque(maxlen=MOST_MISSED)
        self.all_missed_known = True
        self._untold: deque[int] = deque(maxlen=length)
        self._unsigned: deque[int] = deque(maxlen=length)
        self._gl = gl
        self._meter = meter
        self._make_rows()
        self._no_signal = self._own(gl.buffer(reserve=4))  # so that shaders always find one
        self._signal: moderngl.Buffer | None = None
        self.raw: moderngl.Buffer | None = None

    def told_visits(self, tick: int) -> Uint32Array | None:
        """Return the visits [edge, edge] of a tick; None if they are to be counted from its row."""
        return None

    def _first_slots(self) -> int:
        return self.arrivals.agents

    def _make_rows(self) -> None:
        size, own = self.slots * self.length, self._own
        self.position = own(self._gl.buffer(reserve=size * 8))
        self.strand = own(self._gl.buffer(reserve=size * 4))
        self.point = own(self._gl.buffer(reserve=size * 16))  # written by PlacePass

    @property
    def agents(self) -> int:
        """The number of agents, which `resize` changes."""
        return self.arrivals.agents

    def keep_signal(self, *, raw: bool) -> None:
        """Make room for a signal, unknown at all ticks, in place of another one.

        raw: keep the uploaded rows apart from those that are shown, which HindsightPass makes from them.
        """
        self.forget_signal()
        size = self.slots * self.length
        self._signal = self._own(_unknown(self._gl, size))
        if raw:
            self.raw = self._own(_unknown(self._gl, size))

    def resize(self, agents: int, since: int, source: TrailSource) -> None:
        """Have another number of agents from tick `since` on. Those that stay keep their trails and signals.

        New ones come at `since`: before, they are nowhere. source: has the rows of all agents by now. Points
        have to be placed again; buffers are others than before.

        Performance: two or three copies on the GPU for each tick of the ring: 3 ms for 300 ticks of 1,000
        agents on llvmpipe.
        """
        before = self.agents
        if agents != before:
            self.arrivals.resize(agents, since, self.oldest)
        kept, self.slots = min(before, agents), agents
        nowhere = np.full((agents - kept, 2), np.nan, np.float32)
        self.position = self._with_agents(self.position, before, nowhere)
        self.strand = self._with_agents(self.strand, before, np.full(agents - kept, NOWHERE, np.uint32))
        self._free(self.point)
        self.point = self._own(self._gl.buffer(reserve=agents * self.length * 16))
        unknown = np.full(agents - kept, np.nan, np.float32)
        if self._signal is not None:
            self._signal = self._with_agents(self._signal, before, unknown)
        if self.raw is not None:
            self.raw = self._with_agents(self.raw, before, unknown)
        if agents > before:
            for tick in range(max(since, self.oldest), self.newest + 1):
                self._write_new(source, tick, kept)

    def _with_agents(self, buffer: moderngl.Buffer, before: int, new: NDArray[Any]) -> Any:
        """Return a buffer with the ring's rows of the agents that stay; frees `buffer`.

        before: agents that it has. new: what each row has of those that are new.
        """
        size = buffer.size // (before * self.length)
        kept, filling = min(before, self.agents) * size, new.tobytes()
        made = self._own(self._gl.buffer(reserve=self.agents * self.length * size))
        for tick in self.ticks:
            row = tick % self.length
            start = row * self.agents * size
            self._gl.copy_buffer(made, buffer, kept, read_offset=row * before * size, write_offset=start)
            if filling:
                made.write(filling, offset=start + kept)
        self._free(buffer)
        return made

    def _write_new(self, source: TrailSource, tick: int, kept: int) -> None:
        """Write the part of a row, which is there already, of the agents from `kept` on."""
        at = self.first_index(tick) + kept
        position = source.row("trail_position", tick)[kept:].copy()
        strand = source.row("trail_strand", tick)[kept:].astype(np.uint32)
        if len(position) and source.trail_intact(tick):
            self.position.write(position, offset=at * 8)
            self.strand.write(strand, offset=at * 4)
            self._meter.upload_bytes += position.nbytes + strand.nbytes

    def present(self, tick: int) -> int:
        """Return how many agents there were at a tick, the first ones, of those that are there now."""
        return self.arrivals.present(tick)

    def forget_signal(self) -> None:
        """Free the room for a signal."""
        for each in (self._signal, self.raw):
            if each is not None:
                self._free(each)
        self._signal = self.raw = None

    def upload(self, source: TrailSource, newest: int, signal: SignalRow | None = None) -> range:
        """Upload the rows up to tick `newest` that the ring lacks; returns their ticks.

        A row that a worker began to overwrite while it was copied is not shown, nor are those before it. If
        that is the row of `newest`, the ring stays as it is.
        signal: called for each tick, if there is room for its row.
        """
        first = max(self.newest + 1, newest - self.length + 1)
        for tick in range(first, newest + 1):
            position = source.row("trail_position", tick).copy()
            strand = source.row("trail_strand", tick).astype(np.uint32)
            if not source.trail_intact(tick):
                first = tick + 1
                continue
            ending = source.recent_row("ending", tick)
            if ending is None:
                self._untold.append(tick)
            else:
                strand |= ending.astype(np.uint32) << ENDING_SHIFT
            self._write(self.position, position, tick)
            self._write(self.strand, strand, tick)
            if signal and self._signal:
                row = signal(tick, self.agents)
                row[self.present(tick - 1) :] = np.nan  # no step led to the tick at which an agent comes
                if np.isnan(row[0]) and np.isnan(row).all():
                    self._unsigned.append(tick)
                self._write_signal(row, tick)
            self.oldest = max(self.oldest, tick - self.length + 1)
        if first > newest:
            self.oldest = min(self.oldest, max(self.newest, 0))
            return range(0)
        if first > self.newest + 1:
            self.oldest = first  # else lines would be drawn across the gap
            self._miss(range(self.newest + 1, first))
        self.newest = newest
        return range(first, newest + 1)

    def _miss(self, ticks: range) -> None:
        self.all_missed_known = self.all_missed_known and len(self.missed) < MOST_MISSED
        self.missed.append(ticks)

    @property
    def untold(self) -> list[int]:
        """Ticks in the ring whose endings are not known, ascending."""
        return [tick for tick in self._untold if tick >= self.oldest]

    @property
    def unsigned(self) -> list[int]:
        """Ticks in the ring at which no agent's signal is known, ascending."""
        return [tick for tick in self._unsigned if tick >= self.oldest]

    @property
    def ticks(self) -> range:
        """The ticks that can be drawn, oldest first."""
        return range(self.oldest, self.newest + 1)

    def first_index(self, tick: int) -> int:
        """Return the index in `position` at which the row of `tick` begins."""
        return tick % self.length * self.slots

    def read_row(self, tick: int) -> tuple[Float32Array, Uint32Array, Float32Array]:
        """Return copies of positions [slots, 2], strands [slots], points [slots, 4] of a tick; GPU query."""

        def read(buffer: Any, size: int) -> bytes:
            self._meter.queries += 1
            row: bytes = buffer.read(self.slots * size, offset=self.first_index(tick) * size)
            return row

        return (
            np.frombuffer(read(self.position, 8), np.float32).reshape(-1, 2).copy(),
            np.frombuffer(read(self.strand, 4), np.uint32).copy(),
            np.frombuffer(read(self.point, 16), np.float32).reshape(-1, 4).copy(),
        )

    def read(self) -> tuple[Float32Array, Uint32Array]:
        """Return positions [ticks, slots, 2], strands with endings [ticks, slots] of `ticks`; GPU queries."""
        self._meter.queries += 2
        rows = np.array(self.ticks) % self.length
        positions = np.frombuffer(self.position.read(), np.float32).reshape(self.length, self.slots, 2)
        strands = np.frombuffer(self.strand.read(), np.uint32).reshape(self.length, self.slots)
        return positions[rows], strands[rows]

    def read_signal(self, tick: int) -> Float32Array:
        """Return the signal that is shown at `tick`, [slots]; a GPU query. Empty without a signal."""
        if self._signal is None:
            return np.zeros(0, np.float32)
        self._meter.queries += 1
        row = self._signal.read(self.slots * 4, offset=self.first_index(tick) * 4)
        return np.frombuffer(row, np.float32)

    def bind(self) -> None:
        """Make the ring visible to shaders."""
        self.position.bind_to_storage_buffer(Slot.TRAIL_POSITION)
        self.strand.bind_to_storage_buffer(Slot.TRAIL_STRAND)
        self.point.bind_to_storage_buffer(Slot.TRAIL_POINT)
        (self._signal or self._no_signal).bind_to_storage_buffer(Slot.TRAIL_SIGNAL)

    def _write(self, buffer: moderngl.Buffer, row: NDArray[Any], tick: int) -> None:
        buffer.write(row, offset=tick % self.length * row.nbytes)
        self._meter.upload_bytes += row.nbytes

    def _write_signal(self, row: Float32Array, tick: int) -> None:
        for buffer in (self._signal, self.raw):
            if buffer is not None:
                self._write(buffer, row, tick)


def _unknown(gl: Any, size: int) -> Any:
    """Return a buffer of `size` float32 NaN."""
    return gl.buffer(np.full(size, np.nan, np.float32).tobytes())
