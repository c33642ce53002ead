"""The trail ring on the GPU: the same rows as in shared memory, of which only new ones are uploaded."""

from collections.abc import Callable
from typing import Any, Protocol

import moderngl
import numpy as np
from numpy.typing import NDArray

from valuescape.gpu.bindings import Slot
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.shader_source import ENDING_SHIFT

SignalRow = Callable[[int, int], NDArray[np.float32]]
"""What trails are coloured by: of all agents at a tick, NaN where nothing is known
(`sim.insight.signals.Signals.row`)."""


class TrailSource(Protocol):
    """Where trail rows come from: `sim.engine.Engine`, or a test's recording."""

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of `trail_position` or `trail_strand` at `tick`."""

    def trail_intact(self, tick: int) -> bool:
        """Whether that row has not begun to be overwritten."""

    def recent_row(self, name: str, tick: int) -> NDArray[Any] | None:
        """Return a copy of the row of `ending` at `tick`; None if it is being overwritten, or was."""


class TrailRing:
    """`length` rows of positions, strands and endings, and of a signal; ticks [oldest, newest] can be drawn.

    Performance: an upload is one contiguous row a tick, 12 bytes an agent (16 with a signal, 20 with one that
    is judged in hindsight), never the whole trail.
    """

    def __init__(self, gl: Any, agents: int, length: int, meter: FrameMeter) -> None:
        self.agents = agents
        self.length = length
        self.newest = -1
        self.oldest = 0
        self._gl = gl
        self._meter = meter
        self.position = gl.buffer(reserve=agents * length * 8)
        self.strand = gl.buffer(reserve=agents * length * 4)
        self.point = gl.buffer(reserve=agents * length * 16)  # written by PlacePass
        self._no_signal = gl.buffer(reserve=4)  # so that shaders always find one
        self._signal: moderngl.Buffer | None = None
        self.raw: moderngl.Buffer | None = None

    def keep_signal(self, *, raw: bool) -> None:
        """Have room for a signal, of which nothing is known yet, and forget another.

        raw: keep what was uploaded apart from what is shown, for HindsightPass to make the one from the
        other.
        """
        self.forget_signal()
        size = self.agents * self.length
        self._signal = _filled(self._gl, size)
        if raw:
            self.raw = _filled(self._gl, size)

    def forget_signal(self) -> None:
        """Give the room back."""
        for each in (self._signal, self.raw):
            if each is not None:
                each.release()
        self._signal = self.raw = None

    def upload(self, source: TrailSource, newest: int, signal: SignalRow | None = None) -> range:
        """Take over every row up to tick `newest` that is not here yet; returns the ticks taken over.

        A row that a worker began to overwrite while it was copied is never shown, nor are those before it; if
        that is so of `newest` itself, what is newest here stays so until the next call.
        signal: asked for each tick, if there is room for it.
        """
        first = max(self.newest + 1, newest - self.length + 1)
        for tick in range(first, newest + 1):
            position = source.row("trail_position", tick).copy()
            strand = source.row("trail_strand", tick).astype(np.uint32)
            if not source.trail_intact(tick):
                first = tick + 1
                continue
            ending = source.recent_row("ending", tick)
            if ending is not None:
                strand |= ending.astype(np.uint32) << ENDING_SHIFT
            self._write(self.position, position, tick)
            self._write(self.strand, strand, tick)
            if signal and self._signal:
                self._write_signal(signal(tick, self.agents), tick)
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

    def read_row(self, tick: int) -> tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.float32]]:
        """Return copies of positions [n, 2], strands [n] and points [n, 4] of `tick`; GPU queries."""

        def read(buffer: Any, size: int) -> bytes:
            self._meter.queries += 1
            row: bytes = buffer.read(self.agents * size, offset=self.first_index(tick) * size)
            return row

        return (
            np.frombuffer(read(self.position, 8), np.float32).reshape(-1, 2).copy(),
            np.frombuffer(read(self.strand, 4), np.uint32).copy(),
            np.frombuffer(read(self.point, 16), np.float32).reshape(-1, 4).copy(),
        )

    def read(self) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
        """Return positions [ticks, n, 2] and strands with endings [ticks, n] of `ticks`; GPU queries."""
        self._meter.queries += 2
        rows = np.array(self.ticks) % self.length
        positions = np.frombuffer(self.position.read(), np.float32).reshape(self.length, self.agents, 2)
        strands = np.frombuffer(self.strand.read(), np.uint32).reshape(self.length, self.agents)
        return positions[rows], strands[rows]

    def read_signal(self, tick: int) -> NDArray[np.float32]:
        """Return what is shown of the signal at `tick`, [agents]; a GPU query. Empty if there is none."""
        if self._signal is None:
            return np.zeros(0, np.float32)
        self._meter.queries += 1
        row = self._signal.read(self.agents * 4, offset=self.first_index(tick) * 4)
        return np.frombuffer(row, np.float32)

    def bind(self) -> None:
        """Make the ring visible to shaders."""
        self.position.bind_to_storage_buffer(Slot.TRAIL_POSITION)
        self.strand.bind_to_storage_buffer(Slot.TRAIL_STRAND)
        self.point.bind_to_storage_buffer(Slot.TRAIL_POINT)
        (self._signal or self._no_signal).bind_to_storage_buffer(Slot.TRAIL_SIGNAL)

    def release(self) -> None:
        """Free the buffers."""
        self.forget_signal()
        for each in (self.position, self.strand, self.point, self._no_signal):
            each.release()

    def _write(self, buffer: moderngl.Buffer, row: NDArray[Any], tick: int) -> None:
        buffer.write(row, offset=tick % self.length * row.nbytes)
        self._meter.upload_bytes += row.nbytes

    def _write_signal(self, row: NDArray[np.float32], tick: int) -> None:
        for buffer in (self._signal, self.raw):
            if buffer is not None:
                self._write(buffer, row, tick)


def _filled(gl: Any, size: int) -> Any:
    """Return a buffer of `size` float32 NaN."""
    return gl.buffer(np.full(size, np.nan, np.float32).tobytes())
