"""The trail ring on the GPU: the same rows as in shared memory, of which only new ones are uploaded."""

from typing import Any, Protocol

import moderngl
import numpy as np
from numpy.typing import NDArray

from gpu.bindings import Slot
from gpu.meter import FrameMeter


class TrailSource(Protocol):
    """Where trail rows come from: `sim.engine.Engine`, or a test's recording."""

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of `trail_position` or `trail_strand` at `tick`."""

    def trail_intact(self, tick: int) -> bool:
        """Whether that row has not begun to be overwritten."""


class TrailRing:
    """`length` rows of positions and strands; ticks [oldest, newest] can be drawn.

    Performance: an upload is one contiguous row a tick, 12 bytes an agent, never the whole trail.
    """

    def __init__(self, gl: Any, agents: int, length: int, meter: FrameMeter) -> None:
        self.agents = agents
        self.length = length
        self.newest = -1
        self.oldest = 0
        self._meter = meter
        self.position = gl.buffer(reserve=agents * length * 8)
        self.strand = gl.buffer(reserve=agents * length * 4)
        self.point = gl.buffer(reserve=agents * length * 16)  # written by PlacePass

    def upload(self, source: TrailSource, newest: int) -> range:
        """Take over every row up to tick `newest` that is not here yet; returns the ticks taken over.

        A row that a worker began to overwrite while it was copied is never shown, nor are those before it; if
        that is so of `newest` itself, what is newest here stays so until the next call.
        """
        first = max(self.newest + 1, newest - self.length + 1)
        for tick in range(first, newest + 1):
            position = source.row("trail_position", tick).copy()
            strand = source.row("trail_strand", tick).astype(np.uint32)
            if not source.trail_intact(tick):
                first = tick + 1
                continue
            self._write(self.position, position, tick)
            self._write(self.strand, strand, tick)
            self.oldest = max(self.oldest, tick - self.length + 1)
        if first > newest:
            self.oldest = min(self.oldest, max(self.newest, 0))
            return range(0)
        if first > self.newest + 1:
            self.oldest = first  # what lies before the gap would be joined to what lies behind it
        self.newest = newest
        return range(first, newest + 1)

    @property
    def ticks(self) -> range:
        """The ticks that can be drawn, oldest first."""
        return range(self.oldest, self.newest + 1)

    def first_index(self, tick: int) -> int:
        """Return the index in `position` at which the row of `tick` begins."""
        return tick % self.length * self.agents

    def bind(self) -> None:
        """Make the ring visible to shaders."""
        self.position.bind_to_storage_buffer(Slot.TRAIL_POSITION)
        self.strand.bind_to_storage_buffer(Slot.TRAIL_STRAND)
        self.point.bind_to_storage_buffer(Slot.TRAIL_POINT)

    def release(self) -> None:
        """Free the buffers."""
        for each in (self.position, self.strand, self.point):
            each.release()

    def _write(self, buffer: moderngl.Buffer, row: NDArray[Any], tick: int) -> None:
        buffer.write(row, offset=tick % self.length * row.nbytes)
        self._meter.upload_bytes += row.nbytes
