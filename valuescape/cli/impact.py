"""The command `impact`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from valuescape.cli.console import (
    Debug,
    HtmlFile,
    JsonFile,
    Overrides,
    Preset,
    WorldFiles,
    progress_bar,
    read_config,
    require_files,
    say_lines,
    say_written,
    write_json,
)
from valuescape.cli.terminal import out
from valuescape.cli.text_table import say_rows

_COLORS = {"on": "tab:green", "off": "tab:red"}
"""Of what a switch is worth; what is less than its error is grey."""


def impact(
    preset: Preset = "demo",
    seconds: Annotated[float, typer.Option(min=0.3, help="Of each run.")] = 3.0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each setting of the switches.")] = 3,
    overrides: Overrides = None,
    world_files: WorldFiles = None,
    as_json: JsonFile = None,
    report: HtmlFile = Path("runs/impact.html"),
    debug: Debug = False,
) -> int:
    """Measure what each switch of [features] is worth here, and that it changes nothing but the time.

    Turns each off alone, all off and all on, in mixed order; compares states and pictures of both paths. Ends
    with status 1 if they differ. Ctrl-C keeps what was measured.

    [bold]Example[/]  valuescape impact --set agents.count=1000
    """
    from valuescape.run.validate import validate
    from valuescape.sim.interrupts import Interrupts
    from valuescape.studies.impact import SWITCHES, agreements, judge, measure, variants
    from valuescape.studies.impact import as_json as impact_json

    config = read_config(preset, overrides, world_files)
    validate(config)
    require_files(report=report, json=as_json)
    found = variants()
    with Interrupts() as interrupts, progress_bar() as bar:
        task = bar.add_task("", total=len(SWITCHES) + len(found) * repeats, state="")

        def step(text: str) -> None:
            bar.update(task, advance=1, state=text)

        agreement = agreements(config, interrupts, step)
        for found in measure(config, seconds, repeats, interrupts, step):  # noqa: B007
            pass
        interrupted = interrupts.asked
    worths = judge(found, agreement)
    if not worths:
        return 130
    _tell(config, found, worths, report)
    write_json(as_json, impact_json(found, worths), config)
    if interrupted:
        return 130
    return 1 if any("DIFFER" in said for said in agreement.values()) else 0


def _tell(config: Any, found: Sequence[Any], worths: Sequence[Any], report: Path) -> None:
    from valuescape.studies.html_report import Chapter, write_html

    rows = _rows(worths)
    say_rows(out, rows)
    lines = _verdict(found)
    say_lines(lines)
    chapters = [
        Chapter(
            "Change in FPS when a switch is on",
            "Lines: 95 % confidence. Green: a gain, red: a loss, grey: less than what repeats differ by.",
            plot=lambda axes: _plot(axes, worths),
        ),
        Chapter("Impact matrix", "Each switch off alone, against all on; ± 95 % confidence.", rows),
    ]
    write_html(report, f"What the optimisations are worth: {config.world.name}", lines, chapters)
    say_written(report)


def _rows(worths: Sequence[Any]) -> list[list[str]]:
    """Return the impact matrix; the first row is its heading."""
    heading = [
        *("switch on", "FPS", "P95 (ms)", "section (ms)"),
        *("memory (MB)", "lines", "both paths", "here"),
    ]
    return [heading, *(_row(each) for each in worths)]


def _row(worth: Any) -> list[str]:
    return [
        worth.switch,
        str(worth.fps),
        str(worth.frame_ms_p95),
        f"{worth.section} {worth.section_ms}" if worth.section else "–",
        str(worth.memory_mb),
        f"{worth.lines:,}" if worth.lines else "a few",
        worth.agrees,
        worth.recommended,
    ]


def _verdict(found: Sequence[Any]) -> list[str]:
    from statistics import median

    from valuescape.studies.impact import ALL_OFF, ALL_ON

    speeds = {each.name: median(each.fps) for each in found if each.fps}
    if ALL_ON not in speeds or ALL_OFF not in speeds:
        return ["Interrupted before all was measured."]
    on, off = speeds[ALL_ON], speeds[ALL_OFF]
    times = f"{on / off:.1f} times as fast"
    return [f"All on {on:.1f} FPS, all off {off:.1f} FPS: {times}, without a limit on frames."]


def _plot(axes: Any, worths: Sequence[Any]) -> None:
    """Draw what each switch is worth: gains green, losses red, what is less than its error grey."""
    shown = list(reversed(worths))
    reach = [0.0 if math.isinf(each.fps.reach) else each.fps.reach for each in shown]
    means, colors = (
        [each.fps.mean for each in shown],
        [_COLORS.get(each.recommended, "0.6") for each in shown],
    )
    axes.barh([each.switch for each in shown], means, xerr=reach, color=colors)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("change in frames/s")
