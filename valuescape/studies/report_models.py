"""Models of reports, for `compare`: the fields that it needs of each kind, typed and bounded.

Other fields of a report are ignored.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import Field

from valuescape.parsing import Count, Figure, Part, Text, at_most
from valuescape.studies.analysis_report import AnalysisReport
from valuescape.studies.breaking_point import CLOSE
from valuescape.studies.report_base import FEW, MANY, Figures, Report, Table, Unknown, middle, number

GREW_TIMES = 2.0
"""Growth of a micro-benchmark, as a factor, that is a reason to look again."""

FIGURES = (
    "fps_mean",
    "fps_std",
    "frame_ms_p50",
    "frame_ms_p95",
    "busy_ms_p50",
    "ticks_per_s",
    "memory_mb_per_min",
)
"""Figures of a run that are compared."""

_MEASURE = {"gpu_queries": "gpu_queries_per_frame", "draw_calls": "draw_calls_per_frame"}
_MEASURE |= {"memory": "memory_mb_per_min"}
"""The figure of a health limit, where it has another name than the limit."""


class RunReport(Report):
    """A run's `run.json`."""

    kind = "a run"
    keys = frozenset({"health", "frame_ms_p95"})

    health: Annotated[dict[Text, bool | None], FEW]
    frame_ms_p95: Unknown
    fps_mean: Unknown = None
    fps_std: Unknown = None
    frame_ms_p50: Unknown = None
    busy_ms_p50: Unknown = None
    ticks_per_s: Unknown = None
    memory_mb_per_min: Unknown = None
    gpu_queries_per_frame: Unknown = None
    draw_calls_per_frame: Unknown = None
    frame_parts_ms: Annotated[dict[Text, Figure], FEW] | None = None

    @property
    def is_taken_apart(self) -> bool:
        """Whether the run was long enough to time its sections."""
        return bool(self.frame_parts_ms)

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the figures of the run, then its sections, the longest first."""
        yield from ((name, number(getattr(self, name))) for name in FIGURES)
        parts = self.frame_parts_ms or {}
        yield from ((f"{name} (ms)", parts[name]) for name in sorted(parts, key=lambda name: -parts[name]))

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield the limits that broke since `before`, without those that the run was too short for."""
        for name, kept in self.health.items():
            measured = getattr(self, _MEASURE.get(name, name), None) is not None
            if before.health.get(name) and kept is False and measured:
                yield f"the limit on {name} was kept before and is broken now"


class Cell(Part):
    """A number of workers, or else of a cluster's nodes, with a number of agents, and settings of a sweep."""

    workers: Count | None = None
    nodes: Count | None = None
    agents: Count
    settings: Table = Field(default_factory=dict)
    ticks_per_s: Figures
    frame_ms_p95: Figures


class ScaleReport(Report):
    """The report of `scale`."""

    kind = "scale"
    keys = frozenset({"cells"})

    cells: Annotated[list[Cell], FEW]

    @classmethod
    def recognises(cls, tables: Mapping[str, Any]) -> bool:
        """Return whether there are cells, and not a number of them, as an analysis has it."""
        return super().recognises(tables) and not isinstance(tables["cells"], int)

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the medians of each cell."""
        for cell in self.cells:
            settings = "".join(f", {name} = {value}" for name, value in cell.settings.items())
            shared = f"{cell.nodes} nodes" if cell.workers is None else f"{cell.workers} workers"
            where = f"{cell.agents:,} agents, {shared}{settings}"
            yield f"{where}: ticks/s", middle(cell.ticks_per_s)
            yield f"{where}: P95 (ms)", middle(cell.frame_ms_p95)


class Trial(Part):
    """The result of one load."""

    load: Count
    fps: Unknown = None
    frame_ms_p95: Unknown = None


class StressReport(Report):
    """The report of a search by `stress`."""

    kind = "stress"
    keys = frozenset({"trials", "load"})
    is_judged_by_share = True

    load: Text
    carried: Count | None = None
    broke: Count | None = None
    trials: Annotated[list[Trial], FEW]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the load carried, the load that broke, and the figures of each trial."""
        yield f"{self.load} carried", number(self.carried)
        yield f"{self.load} that break it", number(self.broke)
        for trial in self.trials:
            where = f"{trial.load:,} {self.load}"
            yield f"{where}: FPS", number(trial.fps)
            yield f"{where}: P95 (ms)", number(trial.frame_ms_p95)

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield a sentence if less is carried, by more than twice the search's precision."""
        earlier, later = before.carried or 0, self.carried or 0
        if later < earlier * (1 - 2 * CLOSE):
            yield f"{later:,} {self.load} are carried, before {earlier:,}"


class SoakReport(Report):
    """The report of `stress --minutes`."""

    kind = "a soak"
    keys = frozenset({"samples", "grows"})

    memory_mb_per_min: Unknown = None
    samples: Annotated[list[Annotated[dict[Text, Unknown], at_most(100)]], MANY]
    grows: Annotated[list[Text], FEW]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the growth of memory, and the last sample."""
        yield "memory_mb_per_min", number(self.memory_mb_per_min)
        for name, value in self.samples[-1].items() if self.samples else ():
            yield f"{name} in the end", number(value)

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield the figures that grow and did not grow before."""
        grew = {each.partition(":")[0] for each in before.grows}
        yield from (f"it grows: {each}" for each in self.grows if each.partition(":")[0] not in grew)


class ChaosReport(Report):
    """The report of `stress --chaos`."""

    kind = "chaos"
    keys = frozenset({"rounds", "differing"})

    rounds: Count
    killed: Count = 0
    stopped: Count = 0
    restarts: Count = 0
    differing: Annotated[list[Count], FEW]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the numbers of rounds and faults."""
        for name in ("rounds", "killed", "stopped", "restarts"):
            yield name, float(getattr(self, name))
        yield "rounds that ended in another state", float(len(self.differing))

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield a sentence if rounds ended in another state and did not before."""
        if self.differing and not before.differing:
            yield f"rounds ended in another state than an undisturbed run: {self.differing}"


class Switch(Part):
    """A switch, and whether both of its paths agree, in words."""

    switch: Text
    agrees: Text


class Variant(Part):
    """One setting of the switches."""

    name: Text
    fps: Figures
    frame_ms_p95: Figures


class ImpactReport(Report):
    """The report of `impact`."""

    kind = "impact"
    keys = frozenset({"switches", "variants"})

    switches: Annotated[list[Switch], FEW]
    variants: Annotated[list[Variant], FEW]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the medians of each setting of the switches."""
        for variant in self.variants:
            yield f"{variant.name}: FPS", middle(variant.fps)
            yield f"{variant.name}: P95 (ms)", middle(variant.frame_ms_p95)

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield the switches whose paths differ and did not before."""
        agreed = {each.switch: each.agrees for each in before.switches}
        for each in self.switches:
            if "DIFFER" in each.agrees and "DIFFER" not in agreed.get(each.switch, ""):
                yield f"{each.switch} changes what comes out: {each.agrees}"


class Benchmark(Part):
    """A micro-benchmark."""

    name: Text
    median_us: float = Field(gt=0, le=1e18)


class BenchReport(Report):
    """The report of `bench`."""

    kind = "bench"
    keys = frozenset({"benchmarks"})
    is_judged_by_share = True

    benchmarks: Annotated[list[Benchmark], FEW]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield the median of each."""
        yield from ((f"{each.name} (us)", each.median_us) for each in self.benchmarks)

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield the benchmarks that take more than GREW_TIMES as long as before."""
        earlier = dict(before.figures())
        for name, now in self.figures():
            if now > GREW_TIMES * earlier.get(name, math.inf):
                times = f"{now / earlier[name]:.1f} times as long"
                yield f"{name} takes {times} ({earlier[name]:.3g}, now {now:.3g})"


KINDS: tuple[type[Report], ...] = (
    RunReport,
    AnalysisReport,
    ScaleReport,
    StressReport,
    SoakReport,
    ChaosReport,
    ImpactReport,
    BenchReport,
)
