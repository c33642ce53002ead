"""The results of `valuescape scale` as a table, sentences and an HTML page."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from valuescape.sim.config.files import Config
from valuescape.studies.html_report import Chapter, Page
from valuescape.studies.scale import HASHED, NODES, WORKERS, Cell, Settings, Unit
from valuescape.studies.scale_verdict import WORTH, Speedup, Verdict, judge_all


def scale_table(cells: Sequence[Cell], verdict: Verdict, *, spread: bool) -> list[list[str]]:
    """Return the heading and a row for each cell that has figures.

    spread: whether least and greatest stand beside the median.
    """
    shown = _spread if spread else _middle
    heading = [
        *(
            verdict.unit.many,
            "agents",
            "ticks/s",
            "agent-steps/s",
            "efficiency",
            "hand-over of one tick (µs)",
        ),
        *("FPS", "P95 (ms)", "bytes/agent"),
    ]
    rows = [
        [
            str(cell.count),
            f"{cell.agents:,}",
            shown(cell.ticks_per_s),
            _short(cell.agent_steps_per_s),
            _percent(verdict.efficiency.get((cell.count, cell.agents), math.nan)),
            shown(cell.handed_over_us),
            shown(cell.fps),
            shown(cell.frame_ms_p95),
            "–" if math.isnan(cell.bytes_per_agent) else f"{cell.bytes_per_agent:,.0f}",
        ]
        for cell in cells
        if cell.ticks_per_s
    ]
    return [heading, *rows]


def verdict_lines(verdict: Verdict, repeats: int) -> list[str]:
    """Return the verdict in sentences. repeats: times that each cell was measured."""
    lines = [_advice(verdict)]
    if repeats < 2 and verdict.speedups:
        lines.append("Measured once, there is no telling what is chance: --repeats 3 does.")
    unit = verdict.unit
    lines += [
        _speedup_line(each, unit) for each in verdict.speedups if each.clear or each.ratio.times > WORTH
    ]
    for count, exponent in verdict.exponents.items():
        if not math.isnan(exponent):
            lines.append(f"With {unit.counted(count)} a tick takes agents^{exponent:.2f}; 1 is proportional.")
    return [*lines, _states_line(verdict)] if unit is NODES else lines


def _advice(verdict: Verdict) -> str:
    best = verdict.best
    if verdict.unit is NODES and set(best.values()) == {0}:
        return "Use no cluster: this machine alone is as fast, whatever the number of agents measured."
    setting, where = verdict.unit.setting, " on this machine" if verdict.unit is WORKERS else ""
    if len(set(best.values())) == 1:
        count = next(iter(best.values()))
        return f"Use {setting} = {count}{where}, whatever the number of agents measured."
    parts = ", ".join(f"{count} with {crowd:,} agents" for crowd, count in sorted(best.items()))
    return f"Use {setting} = {parts}." + (" 0 is this machine alone." if verdict.unit is NODES else "")


def _states_line(verdict: Verdict) -> str:
    """Return whether all numbers of nodes came to one state."""
    if not verdict.other_states:
        return f"The state at tick {HASHED} is the same, bit by bit, with any of these numbers of nodes."
    crowds = ", ".join(f"{each:,}" for each in verdict.other_states)
    return f"The state at tick {HASHED} is NOT the same with all of these numbers of nodes: {crowds} agents."


def _speedup_line(speedup: Speedup, unit: Unit) -> str:
    """Return a speed-up with its confidence interval, and whether it may be chance."""
    ratio = speedup.ratio
    more, fewer = unit.counted(speedup.count), unit.counted(speedup.over)
    said = f"{speedup.agents:,} agents with {more}: {ratio.times:.2f} times as fast as with {fewer}"
    if math.isinf(ratio.high):
        return f"{said}, once."
    interval = f"95 %: {ratio.low:.2f} to {ratio.high:.2f}"
    if speedup.clear:
        return f"{said} ({interval})."
    beyond = f"; there are {speedup.cores} cores" if speedup.count > speedup.cores else ""
    return f"{said}, which may be chance ({interval}{beyond})."


def settings_title(settings: Settings) -> str:
    """Return the settings in a line; empty where only the configuration's own were measured."""
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


def scale_page(config: Config, cells: Sequence[Cell], repeats: int) -> Page:
    """Return the HTML report's content. repeats: times that each cell was measured."""
    verdicts = judge_all(cells)
    chapters, lines = [], []
    for settings, verdict in verdicts:
        title = settings_title(settings)
        lines += [f"{title}: {line}" if title else line for line in verdict_lines(verdict, repeats)]
        some = [each for each in cells if each.ticks_per_s and each.settings == settings]
        chapters += _chapters(some, verdict, f": {title}" if title else "")
    unit = cells[0].unit.many if cells else WORKERS.many
    return Page(f"How {config.world.name} scales with {unit} and agents", lines, chapters)


def _chapters(cells: Sequence[Cell], verdict: Verdict, title: str) -> list[Chapter]:
    frames = Chapter(f"Frames a second{title}", "Not measured.")
    if any(cell.fps for cell in cells):
        frames = Chapter(
            f"Frames a second{title}", "The whole program, headless.", plot=lambda axes: _frames(axes, cells)
        )
    speeds = Chapter(
        f"Agent-steps a second{title}",
        "Free running, without pictures.",
        plot=lambda axes: _speeds(axes, cells),
    )
    table = scale_table(cells, verdict, spread=True)
    return [speeds, frames, Chapter(f"Figures{title}", "Medians (least to most).", table)]


def _lines(axes: Any, cells: Sequence[Cell], figure: Any, label: str) -> None:
    for count in sorted({cell.count for cell in cells}):
        row = sorted((cell.agents, figure(cell)) for cell in cells if cell.count == count)
        axes.plot(*zip(*row, strict=True), marker="o", label=cells[0].unit.counted(count))
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


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    middle = _short(median(values))
    return middle if len(values) == 1 else f"{middle} ({_short(min(values))} to {_short(max(values))})"


def _middle(values: Sequence[float]) -> str:
    return _short(median(values)) if values else "–"


def _short(value: float) -> str:
    """Return a number with three significant digits."""
    if math.isnan(value):
        return "–"
    for divisor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}"
