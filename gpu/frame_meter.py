"""Counters of a frame's costs, added to where a cost arises."""

from dataclasses import dataclass, field

from valuescape.sim.measuring.profiler import PerformanceProfiler, Section

COUNTERS = ("draw_calls", "queries", "upload_bytes", "dispatches", "effects")


@dataclass(slots=True)
class FrameMeter:
    """Counters of one frame; passes add to them, the main loop reads and clears them.

    draw_calls: of the scene (surface, trails, agents, labels). queries: read-backs, and inferences of the
    critic on the CPU, which the frame waited for. upload_bytes: written to buffers and textures. dispatches:
    of compute programs. effects: draw calls of effects. profiler: of the process that makes the frames.
    """

    draw_calls: int = 0
    queries: int = 0
    upload_bytes: int = 0
    dispatches: int = 0
    effects: int = 0
    profiler: PerformanceProfiler = field(default_factory=PerformanceProfiler, repr=False, compare=False)

    def clear(self) -> None:
        """Begin a new frame."""
        for name in COUNTERS:
            setattr(self, name, 0)

    def section(self, name: str) -> Section:
        """Return a named section of the frame's time: `with meter.section("density"):`."""
        return self.profiler.section(name)
