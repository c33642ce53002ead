"""The terminal's view of a run: its progress, then its figures, health limits and files."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.text import Text

from valuescape.cli.progress import Update
from valuescape.cli.terminal import Terminal
from valuescape.cli.text_table import say_rows
from valuescape.sim.config.files import Config
from valuescape.sim.measuring.health import Limit, limits

if TYPE_CHECKING:
    from valuescape.run.outputs import Progress, RunResult


def showing(update: Update) -> Callable[["Progress"], None]:
    """Return the function that shows a run's progress by a bar's `update`."""

    def show(progress: "Progress") -> None:
        state = f"frame {progress.frames:,} · tick {progress.ticks:,} · {progress.fps:.0f} fps"
        update(completed=progress.done, state=state)

    return show


def show_result(console: Terminal, result: "RunResult", config: Config) -> None:
    """Print a run's figures, its health limits, alerts, and the files it wrote."""
    report = result.report
    console.say(
        (config.world.name, "bold"),
        f": {report['agents']:,} agents, {_stepped_by(report)}, "
        f"{report['frames']:,} frames, {report['ticks']:,} ticks, "
        f"{report['episodes']:,} episodes, mean return {_number(report['mean_return'])}",
    )
    if "versus" in report:
        _show_pair(console, report["versus"])
    console.say(_figures_line(report))
    title = "health" + (" (recording: every frame is also encoded)" if report["recorded"] else "")
    say_rows(console, health_rows(report, config), title=title)
    for alert in report["alerts"]:
        console.say((f"after {alert['at_s']:.0f} s:", "yellow"), f" {alert['said']}")
    for path in result.files:
        console.say("wrote ", (str(path), "bold"))


def _stepped_by(report: dict[str, Any]) -> str:
    """Return what stepped the agents: worker processes, and the nodes of a cluster that they were on."""
    workers, nodes = report["workers"], report["nodes"]
    said = f"{workers} worker{'' if workers == 1 else 's'}"
    return f"{said} on {nodes} node{'' if nodes == 1 else 's'}" if nodes else said


def _show_pair(console: Terminal, pair: dict[str, Any]) -> None:
    """Print what both sides of an A/B run got, and the difference with its 95 % interval."""
    for name in ("a", "b"):
        side = pair[name]
        got = f"{side['episodes']:,} episodes, mean return {_number(side['mean_return'])}"
        console.say((name.upper(), "bold"), f": {side['differs_by']}: {got}")
    apart = pair["mean_return_b_less_a"]
    if apart and apart["low"] is not None:
        low, high = _number(apart["low"]), _number(apart["high"])
        console.say(f"return of B less A: {_number(apart['value'])} (95 %: {low} to {high})")
    elif pair["agents_without_episode"]:
        waiting = f"agents that have not finished an episode: {pair['agents_without_episode']:,}"
        console.say(f"return of B less A: unknown; {waiting}")


def _figures_line(report: dict[str, Any]) -> str:
    shown = {name: _number(value) for name, value in report.items() if isinstance(value, float)}
    figures = (
        f"start {report['start_s']:.1f} s",
        f"FPS {shown.get('fps_mean', '–')} ± {shown.get('fps_std', '–')}",
        f"frame P50 {shown.get('frame_ms_p50', '–')} ms, busy {shown.get('busy_ms_p50', '–')} ms",
        f"{shown.get('ticks_per_s', '–')} ticks/s",
        f"{shown.get('segments_per_frame', '–')} segments/frame",
        f"{report['upload_bytes_per_frame'] / 1e3:.1f} kB/frame",
        str(report["gl_renderer"]),
    )
    return " · ".join(figures)


def health_rows(report: dict[str, Any], config: Config) -> list[list[str | Text]]:
    """Return a row for each health limit with the measured figure; the first row is the heading."""
    return [["limit", "measured", "below", ""], *map(_health_row, _limits(report, config))]


def _health_row(limit: Limit) -> list[str | Text]:
    return [limit.title, _number(limit.value), f"{limit.below:g}", _verdict(limit)]


def broken_limits(report: dict[str, Any], config: Config) -> list[str]:
    """Return the titles of the health limits that a run broke; figures it was too short for break none."""
    return [each.title for each in _limits(report, config) if each.lamp is False]


def _limits(report: dict[str, Any], config: Config) -> list[Limit]:
    figures = {name: math.nan if value is None else value for name, value in report.items()}
    return limits(figures, config.health)


def _verdict(limit: Limit) -> Text:
    if limit.lamp is None:
        return Text("run too short to tell", "yellow")
    return Text("kept", "green") if limit.kept else Text("broken", "red")


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.2f}"
