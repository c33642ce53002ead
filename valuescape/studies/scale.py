"""Measures in mixed order how a run scales with workers, or a cluster's nodes, and agents."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from valuescape.presets import checkpoint_of
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.cluster.choose import make_engine
from valuescape.sim.cluster.requirements import without_cluster
from valuescape.sim.config.files import Config, changed
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.resources import available_memory
from valuescape.studies.mixed_order import in_mixed_order

HASHED = 20
"""The tick whose states are compared: at later ones trails would be many bytes to get from nodes."""

_HANDED_OVER = 200
"""Ticks made one by one, to measure the hand-over of each."""

Settings = Mapping[str, Any]
"""Changes to a configuration: `section.key`: value."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A kind of thing among which agents are divided; one and many name it. setting: of their number."""

    one: str
    many: str
    setting: str

    def counted(self, count: int) -> str:
        """Return a number of them in words."""
        return f"{count or 'no'} {self.one if count == 1 else self.many}"


WORKERS = Unit("worker", "workers", "workers.count")
NODES = Unit("node", "nodes", "workers.nodes")


@dataclass(frozen=True, slots=True)
class ScalePlan:
    """The measurements: every number of workers with every number of agents, under each of some settings.

    seconds: of free running, in each measurement. frames: of the whole program, in each; 0 draws none. nodes:
    numbers of a cluster's nodes, in place of workers; with 0 this machine alone makes the ticks.
    """

    workers: tuple[int, ...] = (0, 1, 2)
    agents: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    seconds: float = 1.0
    frames: int = 60
    repeats: int = 3
    settings: tuple[Settings, ...] = ({},)
    seed: int = 0
    nodes: tuple[int, ...] = ()

    def cells(self) -> "list[Cell]":
        """Return the cells to measure, without figures."""
        unit, counts = (NODES, self.nodes) if self.nodes else (WORKERS, self.workers)
        every = itertools.product(self.settings, counts, self.agents)
        return [Cell(count, agents, settings, unit) for settings, count, agents in every]


@dataclass(slots=True)
class Cell:
    """A number of workers, or of nodes, with a number of agents, and a figure for each measurement.

    settings: other changes to the configuration. states: hashes of the state at tick HASHED; of nodes.
    """

    count: int
    agents: int
    settings: Settings = field(default_factory=dict)
    unit: Unit = WORKERS
    ticks_per_s: list[float] = field(default_factory=list)
    handed_over_us: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)
    frame_ms_p95: list[float] = field(default_factory=list)
    bytes_per_agent: float = math.nan
    states: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The numbers and settings, in a line."""
        settings = "".join(f", {name} = {value}" for name, value in self.settings.items())
        return f"{self.count} {self.unit.many}, {self.agents:,} agents{settings}"

    @property
    def agent_steps_per_s(self) -> float:
        """Steps a second of all agents together, the median; NaN without figures."""
        return middle(self.ticks_per_s) * self.agents


def measure(
    config: Config, plan: ScalePlan, interrupts: Interrupts, on_step: Callable[[str], None]
) -> Iterator[Sequence[Cell]]:
    """Yield all cells after each measurement, one repeat of one cell at a time, in mixed order.

    Ends early when interrupted. Cells that do not fit into memory are left out.
    """

    def measure_cell(cell: Cell) -> None:
        _measure_cell(config, cell, plan, interrupts)

    return in_mixed_order(plan.cells(), plan.repeats, measure_cell, interrupts, on_step, plan.seed)


def _measure_cell(config: Config, cell: Cell, plan: ScalePlan, interrupts: Interrupts) -> None:
    settings = {
        **cell.settings,
        cell.unit.setting: cell.count,
        "agents.count": cell.agents,
        "sim.ticks_per_s": 0.0,
        "run.record": False,
    }
    config = changed(config, settings)
    if cell.unit is NODES and not cell.count:
        config = without_cluster(config)
    if not config.workers.cluster and _too_large(config):
        return
    with make_engine(config, checkpoint_of(config)) as engine:
        engine.wait_ready(interrupts.check)
        if cell.unit is NODES:
            _wait_for_nodes(engine, cell.count, interrupts)
            engine.advance_to(HASHED)
            cell.states.append(engine.state_hash())
        cell.bytes_per_agent = engine.arena.layout.nbytes / cell.agents
        _run_freely(engine, 0.3 * plan.seconds)  # fills caches and raises the processor's clock
        cell.ticks_per_s.append(_run_freely(engine, plan.seconds))
        cell.handed_over_us.append(_hand_over(engine, plan.seconds))
    if plan.frames:
        _draw(changed(config, {"sim.ticks_per_s": 60.0}), cell, plan, interrupts)


def _wait_for_nodes(engine: Engine, count: int, interrupts: Interrupts) -> None:
    """Wait until so many nodes are at work. Raises UsageError if that takes longer than a start may."""
    most = engine.config.workers.start_timeout
    end = time.monotonic() + most
    while engine.nodes < count:
        interrupts.check()
        engine.check()
        if time.monotonic() > end:
            said = f"{engine.nodes} of {count} nodes have begun within {most:g} s (workers.start_timeout)"
            raise UsageError(said, "`ray status` shows what holds the others' CPUs")
        time.sleep(0.01)


def _too_large(config: Config) -> bool:
    """Return whether the trails alone would fill half of the memory."""
    return config.agents.count * (config.trails.length + 40) * 30 > 0.5 * available_memory()


def _run_freely(engine: Engine, seconds: float) -> float:
    """Let the engine run for `seconds`, then rest; returns ticks a second."""
    first, began = engine.newest_tick, time.perf_counter()
    engine.run_freely()
    while (elapsed := time.perf_counter() - began) < seconds:
        engine.check()
        if engine.workers or engine.nodes:
            time.sleep(0.001 if engine.nodes else 0.01)  # nodes hear in `check` how far they may go
    made = engine.newest_tick - first
    engine.pause()
    end = time.monotonic() + 5
    while engine.furthest_tick > engine.newest_tick and time.monotonic() < end:
        engine.check()
        time.sleep(0.001)
    return made / elapsed


def _hand_over(engine: Engine, seconds: float) -> float:
    """Return the time of a tick, us, when each is asked for and waited for by itself."""
    tick = engine.newest_tick
    began = time.perf_counter()
    for made in range(1, _HANDED_OVER + 1):
        engine.advance_to(tick + made)
        if time.perf_counter() - began > seconds:
            break
    return (time.perf_counter() - began) / made * 1e6


def _draw(config: Config, cell: Cell, plan: ScalePlan, interrupts: Interrupts) -> None:
    """Measure frames of the whole program, headless, without a limit on their rate."""
    config = changed(config, {"render.max_fps": 0.0, "health.warmup_s": 0.0})
    outputs = Outputs(Path("runs/scale"))
    with Session(
        config, RunLength(frames=plan.frames), outputs, headless=True, interrupts=interrupts
    ) as session:
        session.turn_frames()
        if interrupts.asked:  # a run that was cut short has no figures
            return
        busy = np.array(session.log.busy_s[plan.frames // 4 :])
    cell.fps.append(float(1 / np.median(busy)))
    cell.frame_ms_p95.append(float(np.percentile(busy, 95)) * 1e3)


def middle(values: Sequence[float]) -> float:
    """Return the median; NaN of none."""
    return median(values) if values else math.nan
