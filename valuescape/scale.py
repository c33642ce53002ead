"""How a run scales with workers and agents on this machine: measured in mixed order, fitted, and judged."""

import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from sim.config import Config, changed
from sim.engine import Engine
from sim.interrupts import Interrupts
from sim.resources import available_memory
from sim.worlds import make_world
from valuescape.figures import finite
from valuescape.length import RunLength
from valuescape.presets import find_checkpoint
from valuescape.results import Outputs
from valuescape.session import Session

_HANDED_OVER = 200
"""Ticks made one by one, to see what asking for each costs."""

WORTH = 1.05
"""A worker more must make a run this much faster, to be advised."""


@dataclass(frozen=True, slots=True)
class ScalePlan:
    """What is measured: every number of workers with every number of agents.

    seconds: of free running, each time. frames: of the whole program, each time; 0 leaves pictures out.
    """

    workers: tuple[int, ...]
    agents: tuple[int, ...]
    seconds: float = 1.0
    frames: int = 60
    repeats: int = 3
    seed: int = 0

    @property
    def cells(self) -> list[tuple[int, int]]:
        """Every (workers, agents)."""
        return list(itertools.product(self.workers, self.agents))


@dataclass(slots=True)
class Cell:
    """One number of workers with one number of agents: a figure each time it was measured."""

    workers: int
    agents: int
    ticks_per_s: list[float] = field(default_factory=list)
    handed_over_us: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)
    frame_ms_p95: list[float] = field(default_factory=list)
    bytes_per_agent: float = math.nan

    @property
    def agent_steps_per_s(self) -> float:
        """Of all agents together; the median."""
        return _median(self.ticks_per_s) * self.agents


def measure(
    config: Config, plan: ScalePlan, interrupts: Interrupts, on_step: Callable[[str], None]
) -> Iterator[list[Cell]]:
    """Yield what is known after each measurement, one repeat of one cell at a time.

    Repeats are in another order each, so that a machine that gets slower does not fake a trend. Ends early
    when interrupted. Cells that do not fit into memory are left out.
    """
    cells = {key: Cell(*key) for key in plan.cells}
    order = random.Random(plan.seed)  # noqa: S311 - an order, no secret
    for repeat in range(plan.repeats):
        shuffled = list(cells.values())
        order.shuffle(shuffled)
        for cell in shuffled:
            if interrupts.asked:
                return
            on_step(f"{cell.workers} workers, {cell.agents:,} agents ({repeat + 1} of {plan.repeats})")
            try:
                _measure_cell(config, cell, plan, interrupts)
            except KeyboardInterrupt:  # while a run starts; the rates of ticks before it are kept
                yield list(cells.values())
                return
            yield list(cells.values())


def _measure_cell(config: Config, cell: Cell, plan: ScalePlan, interrupts: Interrupts) -> None:
    settings = {
        "workers.count": cell.workers,
        "agents.count": cell.agents,
        "sim.ticks_per_s": 0.0,
        "run.record": False,
    }
    config = changed(config, settings)
    if _too_large(config):
        return
    checkpoint = find_checkpoint(config.policy.checkpoint, make_world(config.world.name, config))
    with Engine(config, checkpoint) as engine:
        engine.wait_ready(interrupts.check)
        cell.bytes_per_agent = engine.arena.layout.nbytes / cell.agents
        _run_freely(engine, 0.3 * plan.seconds)  # caches, clocks of the processor
        cell.ticks_per_s.append(_run_freely(engine, plan.seconds))
        cell.handed_over_us.append(_hand_over(engine, plan.seconds))
    if plan.frames:
        _draw(changed(config, {"sim.ticks_per_s": 60.0}), cell, plan, interrupts)


def _too_large(config: Config) -> bool:
    """Whether the trails alone would not fit: such a crowd is left out, not refused."""
    return config.agents.count * (config.trails.length + 40) * 30 > 0.5 * available_memory()


def _run_freely(engine: Engine, seconds: float) -> float:
    """Let the engine run for so long; returns ticks a second."""
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
    """Return what a tick takes, us, when each is asked for by itself and waited for."""
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
        if interrupts.asked:  # it was cut short, and says nothing
            return
        busy = np.array(session.log.busy_s[plan.frames // 4 :])
    cell.fps.append(float(1 / np.median(busy)))
    cell.frame_ms_p95.append(float(np.percentile(busy, 95)) * 1e3)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the figures say. exponents: of a tick's time over agents, by workers: 1 is proportional.

    best: workers to use, by agents. efficiency: speed-up over one worker, divided by the workers.
    """

    exponents: dict[int, float]
    efficiency: dict[tuple[int, int], float]
    best: dict[int, int]


def judge(cells: Sequence[Cell]) -> Verdict:
    """Fit and compare what was measured."""
    known = {(each.workers, each.agents): each for each in cells if each.ticks_per_s}
    workers = sorted({each.workers for each in known.values()})
    agents = sorted({each.agents for each in known.values()})
    efficiency = {}
    for (count, crowd), cell in known.items():
        one = known.get((1, crowd))
        if count and one:
            efficiency[count, crowd] = cell.agent_steps_per_s / one.agent_steps_per_s / count
    return Verdict(
        exponents={
            count: growth_exponent(
                [
                    (crowd, 1 / _median(known[count, crowd].ticks_per_s))
                    for crowd in agents
                    if (count, crowd) in known
                ]
            )
            for count in workers
        },
        efficiency=efficiency,
        best={
            crowd: best_workers(
                {count: known[count, crowd].agent_steps_per_s for count in workers if (count, crowd) in known}
            )
            for crowd in agents
        },
    )


def growth_exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return e of time ~ agents^e, by least squares of the logarithms; NaN with fewer than two points."""
    if len(points) < 2:
        return math.nan
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


def best_workers(speeds: dict[int, float]) -> int:
    """Return the number of workers to use: each more has to be worth it, by WORTH."""
    counts = sorted(speeds)
    best = counts[0]
    for count in counts[1:]:
        if speeds[count] > WORTH * speeds[best]:
            best = count
    return best


def as_json(cells: Sequence[Cell], verdict: Verdict, plan: ScalePlan) -> dict[str, Any]:
    """Return plan, figures and verdict as they are written to JSON; what is not known is null."""
    return {
        "plan": asdict(plan),
        "cells": [finite(asdict(each)) for each in cells if each.ticks_per_s],
        "exponents": finite({str(count): value for count, value in verdict.exponents.items()}),
        "efficiency": [
            {"workers": count, "agents": crowd, "efficiency": value}
            for (count, crowd), value in verdict.efficiency.items()
        ],
        "best_workers": {str(crowd): count for crowd, count in verdict.best.items()},
    }


def _median(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
