"""What `valuescape scale` shows: its table, its sentences, its HTML."""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from sim.config import Config
from valuescape.html_report import Chapter, write_html
from valuescape.scale import Cell, Verdict


def scale_table(cells: Sequence[Cell], verdict: Verdict, *, spread: bool) -> list[list[str]]:
    """Return the heading and a row for each cell that was measured. spread: least and greatest too."""
    shown = _spread if spread else _middle
    heading = [
        *("workers", "agents", "ticks/s", "agent-steps/s", "efficiency", "one tick asked for (µs)"),
        *("FPS", "P95 (ms)", "bytes/agent"),
    ]
    rows = [
        [
            str(cell.workers),
            f"{cell.agents:,}",
            shown(cell.ticks_per_s),
            _short(cell.agent_steps_per_s),
            _percent(verdict.efficiency.get((cell.workers, cell.agents), math.nan)),
            shown(cell.handed_over_us),
            shown(cell.fps),
            shown(cell.frame_ms_p95),
            "–" if math.isnan(cell.bytes_per_agent) else f"{cell.bytes_per_agent:,.0f}",
        ]
        for cell in cells
        if cell.ticks_per_s
    ]
    return [heading, *rows]


def verdict_lines(verdict: Verdict) -> list[str]:
    """Return what the figures say, in sentences."""
    best = verdict.best
    same = set(best.values())
    if len(same) == 1:
        (count,) = same
        lines = [f"Use workers.count = {count} on this machine, whatever the number of agents measured."]
    else:
        parts = ", ".join(f"{count} with {crowd:,} agents" for crowd, count in sorted(best.items()))
        lines = [f"Use workers.count = {parts}."]
    for count, exponent in verdict.exponents.items():
        if not math.isnan(exponent):
            lines.append(f"With {_workers(count)} a tick takes agents^{exponent:.2f}; 1 is proportional.")
    return lines


def write_scale_html(path: Path, config: Config, cells: Sequence[Cell], verdict: Verdict) -> None:
    """Write the report."""
    known = [cell for cell in cells if cell.ticks_per_s]
    chapters = [
        Chapter(
            "Agent-steps a second", "Free running, without pictures.", plot=lambda axes: _speeds(axes, known)
        ),
        Chapter("Frames a second", "The whole program, headless.", plot=lambda axes: _frames(axes, known))
        if any(cell.fps for cell in known)
        else Chapter("Frames a second", "Not measured."),
        Chapter("Figures", "Medians (least to most).", scale_table(known, verdict, spread=True)),
    ]
    title = f"How {config.world.name} scales with workers and agents"
    write_html(path, title, verdict_lines(verdict), chapters)


def _lines(axes: Any, cells: Sequence[Cell], figure: Any, label: str) -> None:
    for count in sorted({cell.workers for cell in cells}):
        row = sorted((cell.agents, figure(cell)) for cell in cells if cell.workers == count)
        axes.plot(*zip(*row, strict=True), marker="o", label=_workers(count))
    axes.set_xscale("log")
    axes.set_xlabel("agents")
    axes.set_ylabel(label)
    axes.legend()


def _speeds(axes: Any, cells: Sequence[Cell]) -> None:
    _lines(axes, cells, lambda cell: cell.agent_steps_per_s, "agent-steps/s")
    axes.set_yscale("log")


def _frames(axes: Any, cells: Sequence[Cell]) -> None:
    drawn = [cell for cell in cells if cell.fps]
    _lines(axes, drawn, lambda cell: median(cell.fps), "frames/s")
    axes.set_ylim(bottom=0)


def _workers(count: int) -> str:
    return "no workers" if count == 0 else "1 worker" if count == 1 else f"{count} workers"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    middle = _short(median(values))
    return middle if len(values) == 1 else f"{middle} ({_short(min(values))} to {_short(max(values))})"


def _middle(values: Sequence[float]) -> str:
    return _short(median(values)) if values else "–"


def _short(value: float) -> str:
    """Return a number with three digits that count."""
    if math.isnan(value):
        return "–"
    for divisor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}"
