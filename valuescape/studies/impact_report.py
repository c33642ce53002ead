"""The results of `valuescape impact` as a table, sentences and an HTML page."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from valuescape.sim.config.files import Config
from valuescape.studies.html_report import Chapter, Page
from valuescape.studies.impact import ALL_OFF, ALL_ON, Variant, Worth

_COLORS = {"on": "tab:green", "off": "tab:red"}
"""Colours of bars by the recommendation; grey where the confidence interval holds 0."""


def impact_table(worths: Sequence[Worth]) -> list[list[str]]:
    """Return the impact matrix; the first row is its heading."""
    heading = [
        *("switch on", "FPS", "P95 (ms)", "section (ms)"),
        *("memory (MB)", "lines", "both paths", "here"),
    ]
    return [heading, *(_row(each) for each in worths)]


def impact_lines(found: Sequence[Variant]) -> list[str]:
    """Return the gain of all switches together, in a sentence."""
    speeds = {each.name: median(each.fps) for each in found if each.fps}
    if ALL_ON not in speeds or ALL_OFF not in speeds:
        return ["Interrupted before all was measured."]
    on, off = speeds[ALL_ON], speeds[ALL_OFF]
    times = f"{on / off:.1f} times as fast"
    return [f"All on {on:.1f} FPS, all off {off:.1f} FPS: {times}, without a limit on frames."]


def impact_page(config: Config, found: Sequence[Variant], worths: Sequence[Worth]) -> Page:
    """Return the HTML report's content."""
    chapters = [
        Chapter(
            "Change in FPS when a switch is on",
            "Lines: 95 % confidence. Green: a gain, red: a loss, grey: less than what repeats differ by.",
            plot=lambda axes: plot_worths(axes, worths),
        ),
        Chapter(
            "Impact matrix",
            "Each switch alone off, compared with all on; ± 95 % confidence.",
            impact_table(worths),
        ),
    ]
    return Page(f"Gain of each optimisation: {config.world.name}", impact_lines(found), chapters)


def plot_worths(axes: Any, worths: Sequence[Worth]) -> None:
    """Draw the change in FPS by each switch: gains green, losses red, what may be chance grey."""
    shown = list(reversed(worths))
    reach = [0.0 if math.isinf(each.fps.reach) else each.fps.reach for each in shown]
    colors = [_COLORS.get(each.recommended, "0.6") for each in shown]
    axes.barh([each.switch for each in shown], [each.fps.mean for each in shown], xerr=reach, color=colors)
    axes.axvline(0, color="0.4", linewidth=0.8)
    axes.set_xlabel("change in frames/s")


def _row(worth: Worth) -> list[str]:
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
