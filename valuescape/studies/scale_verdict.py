"""What measurements of `scale` say: how many workers, or nodes, to use, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from valuescape.formatting import finite
from valuescape.sim.resources import usable_cores
from valuescape.studies.confidence import Ratio
from valuescape.studies.scale import WORKERS, Cell, ScalePlan, Settings, Unit, middle

WORTH = 1.05
"""Least speed-up for which more workers are advised."""


@dataclass(frozen=True, slots=True)
class Speedup:
    """The speed-up of `agents` agents by `count` workers or nodes instead of `over`, over the same repeats.

    cores: the most that can work at a time.
    """

    agents: int
    count: int
    over: int
    ratio: Ratio
    cores: int

    @property
    def clear(self) -> bool:
        """Whether more workers are worth it, beyond the spread of repeats; never after a single repeat.

        With more workers than cores the interval's lower end has to exceed WORTH, not the mean alone.
        """
        surely = WORTH if self.count > self.cores else 1.0
        return self.ratio.times > WORTH and self.ratio.low > surely


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusions from a set of cells, of workers or of nodes.

    exponents: of a tick's time over agents, by workers; 1 is proportional. efficiency: speed-up over one
    worker divided by the number of workers, by (workers, agents). best: number of workers to use, by agents.
    speedups: each number of workers compared with the best of the smaller ones. other_states: numbers of
    agents for which not all measurements came to the same state.
    """

    exponents: dict[int, float]
    efficiency: dict[tuple[int, int], float]
    best: dict[int, int]
    speedups: list[Speedup]
    unit: Unit = WORKERS
    other_states: tuple[int, ...] = ()


def judge_all(cells: Sequence[Cell]) -> list[tuple[Settings, Verdict]]:
    """Return each of the settings that has figures, with its verdict."""
    found: list[Settings] = []
    for each in cells:
        if each.ticks_per_s and each.settings not in found:
            found.append(each.settings)
    return [(some, judge([each for each in cells if each.settings == some])) for some in found]


def judge(cells: Sequence[Cell], cores: int | None = None) -> Verdict:
    """Return the verdict on cells of the same settings. cores: of the machine; of this one if None."""
    known = {(each.count, each.agents): each for each in cells if each.ticks_per_s}
    workers = sorted({each.count for each in known.values()})
    unit = cells[0].unit if cells else WORKERS
    cores = cores or (usable_cores() if unit is WORKERS else max(workers, default=0))
    best, speedups = {}, []
    for crowd in sorted({each.agents for each in known.values()}):
        rates = {count: known[count, crowd].ticks_per_s for count in workers if (count, crowd) in known}
        best[crowd], compared = best_workers(crowd, rates, cores)
        speedups += compared
    exponents = {count: _exponent(known, count) for count in workers}
    return Verdict(exponents, _efficiency(known), best, speedups, unit, _other_states(cells))


def _other_states(cells: Sequence[Cell]) -> tuple[int, ...]:
    states: dict[int, set[str]] = {}
    for each in cells:
        states.setdefault(each.agents, set()).update(each.states)
    return tuple(agents for agents, found in sorted(states.items()) if len(found) > 1)


def _exponent(known: Mapping[tuple[int, int], Cell], workers: int) -> float:
    times = [(cell.agents, 1 / middle(cell.ticks_per_s)) for cell in known.values() if cell.count == workers]
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
        "cells": [finite(_cell_json(each)) for each in cells if each.ticks_per_s],
        "verdicts": [_verdict_json(settings, verdict) for settings, verdict in judge_all(cells)],
    }


def _cell_json(cell: Cell) -> dict[str, Any]:
    figures = asdict(cell)
    del figures["unit"]
    return {cell.unit.many: figures.pop("count"), **figures}


def _verdict_json(settings: Settings, verdict: Verdict) -> dict[str, Any]:
    many = verdict.unit.many
    return {
        "settings": dict(settings),
        "exponents": finite({str(count): value for count, value in verdict.exponents.items()}),
        "efficiency": [
            {many: count, "agents": crowd, "efficiency": value}
            for (count, crowd), value in verdict.efficiency.items()
        ],
        f"best_{many}": {str(crowd): count for crowd, count in verdict.best.items()},
        "speedups": [_speedup_json(each, many) for each in verdict.speedups],
        "other_states": list(verdict.other_states),
    }


def _speedup_json(speedup: Speedup, many: str) -> dict[str, Any]:
    figures = asdict(speedup) | {"clear": speedup.clear}
    found: dict[str, Any] = finite({many: figures.pop("count"), **figures})
    return found
