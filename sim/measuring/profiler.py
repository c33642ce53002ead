"""Times named sections of work, nested, and keeps them in rings that can be read while they are written.

The main process has its own ring. Each worker's is in the arena, where the main process reads it without a
pipe. A span is written completely before it is counted. A reader leaves out spans that were overwritten while
it copied.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Int64Array
from valuescape.sim.shared.layout import SPAN

SPANS = 8192
"""Spans in a ring: a minute of a worker at 60 ticks/s, nine seconds of a main process at 50 frames/s."""

GPU_DEPTH = 1
"""Depth of the sections that the GPU's timers measure: those directly within a frame."""

WORKER_SECTIONS = ("ticks", "waits for orders", "waits for others", "waits for the clock")
"""Names of the sections in workers' rings, by index."""


class SpanRing:
    """A ring of the newest `len(spans)` spans, for one writer.

    spans: [n], dtype SPAN. count: [1] int64, the number written so far. Both may be views of the arena.
    """

    def __init__(self, spans: NDArray[Any] | None = None, count: Int64Array | None = None) -> None:
        self.spans = np.zeros(SPANS, SPAN) if spans is None else spans
        self.count = np.zeros(1, np.int64) if count is None else count
        self._columns = tuple(self.spans[name] for name in ("section", "depth", "began_ns", "took_ns"))

    def add(self, section: int, depth: int, began_ns: int, took_ns: int) -> None:
        """Write one span."""
        count = int(self.count[0])
        at = count % len(self.spans)
        sections, depths, began, took = self._columns
        sections[at], depths[at], began[at], took[at] = section, depth, began_ns, took_ns
        self.count[0] = count + 1

    def read(self) -> NDArray[Any]:
        """Return a copy of the spans, oldest first (dtype SPAN), also while another process writes."""
        size, before = len(self.spans), int(self.count[0])
        first = max(0, before - size)
        copied = self.spans[np.arange(first, before) % size]
        # Spans written since, and the one that may be being written, have replaced the oldest.
        overwritten = max(0, int(self.count[0]) + 1 - size - first)
        spans: NDArray[Any] = copied[overwritten:]
        return spans


class Section(ContextDecorator):
    """One named section: `with section:`, or `@section` on a function. Sections may be nested in others."""

    __slots__ = ("_began", "_index", "_profiler")

    def __init__(self, profiler: "PerformanceProfiler", index: int) -> None:
        self._profiler, self._index = profiler, index
        self._began: list[int] = []  # a section may be nested in itself

    def __enter__(self) -> Self:
        profiler = self._profiler
        if profiler.gpu and profiler.depth == GPU_DEPTH:
            profiler.gpu.begin(self._index)
        profiler.depth += 1
        self._began.append(time.perf_counter_ns())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        profiler = self._profiler
        if profiler.finish:
            profiler.finish()
        began = self._began.pop()
        profiler.depth -= 1
        profiler.ring.add(self._index, profiler.depth, began, time.perf_counter_ns() - began)
        if profiler.gpu and profiler.depth == GPU_DEPTH:
            profiler.gpu.end()


class SpanTimers(Protocol):
    """Timers of another clock, as `gpu.timers.GpuTimers`."""

    def begin(self, section: int) -> None:
        """Begin a span."""

    def end(self) -> None:
        """End it."""


class PerformanceProfiler:
    """Times sections of the calling process's work, by name.

    gpu: timers that also measure the sections directly within a frame; None if there are none or they are
    switched off.

    finish: called at the end of each section, so that asynchronous work is done within it (`glFinish`); None
    lets it run on into later sections. One frame in many that is measured in this way shows what each section
    really takes, and costs little; see `valuescape.costs.breakdown`.

    Performance: a section takes 1 us. `make bench-profiler` prints it.
    """

    def __init__(self) -> None:
        self.ring = SpanRing()
        self.names: list[str] = []
        self.depth = 0
        self.finish: Callable[[], None] | None = None
        self.gpu: SpanTimers | None = None
        self._sections: dict[str, Section] = {}

    def section(self, name: str) -> Section:
        """Return the section of this name, created at the first call."""
        found = self._sections.get(name)
        if found is None:
            found = self._sections[name] = Section(self, len(self.names))
            self.names.append(name)
        return found


@dataclass(frozen=True, slots=True)
class SectionStats:
    """Statistics of a section's spans; times in ms."""

    name: str
    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    total: float


def statistics(spans: NDArray[Any], names: Iterable[str]) -> list[SectionStats]:
    """Return the statistics of each section that occurs, in the order of `names`. spans: [n], dtype SPAN."""
    found = []
    for index, name in enumerate(names):
        took = spans["took_ns"][spans["section"] == index] / 1e6
        if len(took):
            p50, p95, p99 = np.percentile(took, [50, 95, 99])
            mean, total = float(took.mean()), float(took.sum())
            found.append(SectionStats(name, len(took), mean, float(p50), float(p95), float(p99), total))
    return found


def own_times(spans: NDArray[Any]) -> Int64Array:
    """Return how long each span took without those directly inside it, [n] int64, ns.

    spans: [n], dtype SPAN, in the order of a ring: a span is written when it ends, so those inside it come
    right before it.
    """
    own: Int64Array = spans["took_ns"].astype(np.int64)
    open_below: dict[int, int] = {}  # by depth: time of the spans since the last one a level up
    for at, (depth, took) in enumerate(zip(spans["depth"].tolist(), spans["took_ns"].tolist(), strict=True)):
        own[at] -= open_below.pop(depth + 1, 0)
        open_below[depth] = open_below.get(depth, 0) + took
    return own
