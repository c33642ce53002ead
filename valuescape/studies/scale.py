"""Measures in mixed order how a run scales with workers and agents, and advises a number of workers."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from valuescape.formatting import finite
from valuescape.presets import checkpoint_of
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.engine import Engine
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.resources import available_memory, usable_cores
from valuescape.studies.confidence import Ratio
from valuescape.studies.mixed_order import in_mixed_order

_HANDED_OVER = 200
"""Ticks made one by one, to measure the hand-over of each."""

WORTH = 1.05
"""Least speed-up for which more workers are advised."""

Settings = Mapping[str, Any]
"""Changes to a configuration: `section.key`: value."""


@dataclass(frozen=True, slots=True)
class ScalePlan:
    """The measurements: every number of workers with every number of agents, under each of some settings.

    seconds: of free running, in each measurement. frames: of the whole program, in each; 0 draws none.
    """

    workers: tuple[int, ...] = (0, 1, 2)
    agents: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    seconds: float = 1.0
    frames: int = 60
    repeats: int = 3
    settings: tuple[Settings, ...] = ({},)
    seed: int = 0

    def cells(self) -> "list[Cell]":
        """Return the cells to measure, without figures."""
        every = itertools.product(self.settings, self.workers, self.agents)
        return [Cell(workers, agents, settings) for settings, workers, agents in every]


@dataclass(slots=True)
class Cell:
    """A number of workers with a number of agents, and a figure for each measurement.

    settings: other changes to the configuration.
    """

    workers: int
    agents: int
    settings: Settings = field(default_factory=dict)
    ticks_per_s: list[float] = field(default_factory=list)
    handed_over_us: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)
    frame_ms_p95: list[float] = field(default_factory=list)
    bytes_per_agent: float = math.nan

    @property
    def name(self) -> str:
        """The numbers and settings, in a line."""
        settings = "".join(f", {name} = {value}" for name, value in self.settings.items())
        return f"{self.workers} workers, {self.agents:,} agents{settings}"

    @property
    def agent_steps_per_s(self) -> float:
        """Steps a second of all agents together, the median; NaN without figures."""
        return _median(self.ticks_per_s) * self.agents


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
        "workers.count": cell.workers,
        "agents.count": cell.agents,
        "sim.ticks_per_s": 0.0,
        "run.record": False,
    }
    config = changed(config, settings)
    if _too_large(config):
        return
    with Engine(config, checkpoint_of(config)) as engine:
        engine.wait_ready(interrupts.check)
        cell.bytes_per_agent = engine.arena.layout.nbytes / cell.agents
        _run_freely(engine, 0.3 * plan.seconds)  # fills caches and raises the processor's clock
        cell.ticks_per_s.append(_run_freely(engine, plan.seconds))
        cell.handed_over_us.append(_hand_over(engine, plan.seconds))
    if plan.frames:
        _draw(changed(config, {"sim.ticks_per_s": 60.0}), cell, plan, interrupts)


def _too_large(config: Config) -> bool:
    """Return whether the trails alone would fill half of the memory."""
    return config.agents.count * (config.trails.length + 40) * 30 > 0.5 * available_memory()


def _run_freely(engine: Engine, seconds: float) -> float:
    """Let the engine run for `seconds`, then rest; returns ticks a second."""
    first, began = engine.newest_tick, time.perf_counter()
    engine.run_freely()
    while (elapsed := time.perf_counter() - began) < seconds:
        engine.check()
        if engine.workers:
            time.sleep(0.01)
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


@dataclass(frozen=True, slots=True)
class Speedup:
    """The speed-up of `agents` agents by `workers` workers instead of `over`, over the same repeats."""

    agents: int
    workers: int
    over: int
    ratio: Ratio
    cores: int

    @property
    def clear(self) -> bool:
        """Whether more workers are worth it, beyond the spread of repeats; never after a single repeat.

        With more workers than cores the interval's lower end has to exceed WORTH, not the mean alone.
        """
        surely = WORTH if self.workers > self.cores else 1.0
        return self.ratio.times > WORTH and self.ratio.low > surely


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusions from a set of cells.

    exponents: of a tick's time over agents, by workers; 1 is proportional. efficiency: speed-up over one
    worker divided by the number of workers, by (workers, agents). best: number of workers to use, by agents.
    speedups: each number of workers compared with the best of the smaller ones.
    """

    exponents: dict[int, float]
    efficiency: dict[tuple[int, int], float]
    best: dict[int, int]
    speedups: list[Speedup]


def judge_all(cells: Sequence[Cell]) -> list[tuple[Settings, Verdict]]:
    """Return each of the settings that has figures, with its verdict."""
    found: list[Settings] = []
    for each in cells:
        if each.ticks_per_s and each.settings not in found:
            found.append(each.settings)
    return [(some, judge([each for each in cells if each.settings == some])) for some in found]


def judge(cells: Sequence[Cell], cores: int | None = None) -> Verdict:
    """Return the verdict on cells of the same settings. cores: of the machine; of this one if None."""
    cores = cores or usable_cores()
    known = {(each.workers, each.agents): each for each in cells if each.ticks_per_s}
    workers = sorted({each.workers for each in known.values()})
    best, speedups = {}, []
    for crowd in sorted({each.agents for each in known.values()}):
        rates = {count: known[count, crowd].ticks_per_s for count in workers if (count, crowd) in known}
        best[crowd], compared = best_workers(crowd, rates, cores)
        speedups += compared
    return Verdict({count: _exponent(known, count) for count in workers}, _efficiency(known), best, speedups)


def _exponent(known: Mapping[tuple[int, int], Cell], workers: int) -> float:
    times = [
        (cell.agents, 1 / _median(cell.ticks_per_s)) for cell in known.values() if cell.workers == workers
    ]
    return growth_exponent(times)


def _efficiency(known: Mapping[tuple[int, int], Cell]) -> dict[tuple[int, int], float]:
    return {
        (count, crowd): cell.agent_steps_per_s / known[1, crowd].agent_steps_per_s / count
        for (count, crowd), cell in known.items()
        if count and (1, crowd) in known
    }


def growth_exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return e of time ~ agents^e, by least squares on logarithms; NaN for fewer than two points.

    points: (agents, seconds), all positive.
    """
    if len(points) < 2:
        return math.nan
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


def best_workers(agents: int, rates: Mapping[int, Sequence[float]], cores: int) -> tuple[int, list[Speedup]]:
    """Return the number of workers to use, and the comparisons behind it.

    rates: ticks a second of each repeat, by workers; equal repeats are pairs. The smallest number is taken
    unless a larger one is clearly faster (`Speedup.clear`).
    """
    best, *more = sorted(rates)
    compared = []
    for count in more:
        compared.append(Speedup(agents, count, best, Ratio.of(rates[count], rates[best]), cores))
        if compared[-1].clear:
            best = count
    return best, compared


def as_json(cells: Sequence[Cell], plan: ScalePlan) -> dict[str, Any]:
    """Return plan, figures and verdicts for JSON; unknown figures are null."""
    return {
        "plan": asdict(plan),
        "cells": [finite(asdict(each)) for each in cells if each.ticks_per_s],
        "verdicts": [_verdict_json(settings, verdict) for settings, verdict in judge_all(cells)],
    }


def _verdict_json(settings: Settings, verdict: Verdict) -> dict[str, Any]:
    return {
        "settings": dict(settings),
        "exponents": finite({str(count): value for count, value in verdict.exponents.items()}),
        "efficiency": [
            {"workers": count, "agents": crowd, "efficiency": value}
            for (count, crowd), value in verdict.efficiency.items()
        ],
        "best_workers": {str(crowd): count for crowd, count in verdict.best.items()},
        "speedups": [finite(asdict(each) | {"clear": each.clear}) for each in verdict.speedups],
    }


def _median(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
