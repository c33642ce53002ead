"""Alarms on the figures of a run, and a watch for changes that make frames slower."""

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from valuescape.costs.breakdown import SECTIONS
from valuescape.costs.thresholds import GREW_MS
from valuescape.render.view.looks import Looks
from valuescape.run_state import LiveSettings, Part
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.measuring.health import RunLog

WINDOW_S = 5.0
"""Seconds over which figures are taken: long enough that a single slow frame does not count."""

FIGURES = ("fps", "frame_ms", "busy_ms", "ticks_per_s", "memory_mb", "segments", "restarts", "mean_return")
"""Figures that an alarm can name, besides the sections of a frame (`trails_ms`)."""

_SETTLE, _COMPARED = 45, 15
"""Frames from a change until it is judged, and the number of frames compared on either side."""


def recent_figures(log: RunLog, now: float, seconds: float = WINDOW_S) -> dict[str, float]:
    """Return the figures of the last `seconds` of a run: medians of frame times (ms), rates per second.

    now: monotonic clock, s. At least the last two frames count; empty before the second.
    """
    ends = np.array(log.frame_ends[-1000:])
    ends = ends[-max(int((ends > now - seconds).sum()), 2) :]
    if len(ends) < 2:
        return {}
    frame_ms = float(np.median(np.diff(ends))) * 1e3
    busy_ms = float(np.median(log.busy_s[-len(ends) :])) * 1e3
    found = {"fps": (len(ends) - 1) / float(ends[-1] - ends[0]), "frame_ms": frame_ms, "busy_ms": busy_ms}
    if log.memory:
        found["memory_mb"] = log.memory[-1][1] / 1e6
    if log.segments:
        found["segments"] = float(log.segments[-1])
    return found


@dataclass(frozen=True, slots=True)
class Alarm:
    """An upper (`above`) or lower bound on a figure."""

    figure: str
    above: bool
    bound: float

    def rings(self, figures: Mapping[str, float]) -> bool:
        """Return whether the figure is past the bound; never while it is unknown."""
        value = figures.get(self.figure, math.nan)
        return value > self.bound if self.above else value < self.bound

    def __str__(self) -> str:
        return f"{self.figure} {'>' if self.above else '<'} {self.bound:g}"


def parse_alarms(text: str) -> tuple[Alarm, ...]:
    """Return the alarms of `health.alarms`, as in `fps < 30, trails_ms > 12`.

    Raises UsageError that names what is wrong.
    """
    return tuple(_alarm(part.strip()) for part in text.split(",") if part.strip())


def _alarm(text: str) -> Alarm:
    found = re.fullmatch(r"(\w[\w ]*?)\s*([<>])\s*(-?[\d.]+)", text)
    if not found:
        raise UsageError(f"health.alarms: {text!r}, expected a figure, < or >, and a number: 'fps < 30'")
    figure, sign, bound = found.groups()
    if figure not in FIGURES and figure.removesuffix("_ms") not in SECTIONS:
        raise UsageError(
            f"health.alarms: {figure!r} is no figure of a run",
            f"expected {', '.join(FIGURES)}, or a section with _ms: {', '.join(SECTIONS)}",
        )
    try:
        return Alarm(figure, sign == ">", float(bound))
    except ValueError:
        raise UsageError(f"health.alarms: {bound!r} in {text!r} is no number") from None


def figures_with_parts(figures: dict[str, float], parts: Sequence[Part]) -> dict[str, float]:
    """Return figures with the parts of a frame added as `SECTION_ms`."""
    return figures | {f"{part.name}_ms": part.ms for part in parts}


class ChangeWatch:
    """Compares frame times before and after a change of settings.

    Several changes in a row, as a slider makes them, count as one.
    """

    def __init__(self) -> None:
        self._busy_ms: deque[float] = deque(maxlen=_COMPARED)
        self._settings: LiveSettings | None = None
        self._before: tuple[LiveSettings, float] | None = None  # settings and frame time before a change
        self._since = 0

    def look(self, settings: LiveSettings, busy_ms: float) -> str:
        """Take the settings and time of the last frame; return a sentence if a change cost more than GREW_MS.

        Returns "" otherwise. The time is the median of 15 frames, compared 45 frames after the last change.
        """
        known, self._settings = self._settings, settings
        if known is not None and known != settings:
            if self._before is None:
                ms = median(self._busy_ms) if len(self._busy_ms) == _COMPARED else math.nan
                self._before = known, ms
            self._since = 0
        self._busy_ms.append(busy_ms)
        self._since += 1
        if self._before is None or self._since < _SETTLE:
            return ""
        (old, before), self._before = self._before, None
        return _judged(differences(old, settings), before, median(self._busy_ms))


def _judged(changes: list[str], before: float, after: float) -> str:
    if not changes or not after - before > GREW_MS:
        return ""
    what = ", ".join(changes[:3]) + (" and more" if len(changes) > 3 else "")
    return f"{what}: {after - before:.0f} ms more a frame ({before:.0f}, now {after:.0f} ms)"


def differences(before: LiveSettings, after: LiveSettings) -> list[str]:
    """Return a phrase for each setting that differs: its name and its value in `after`."""
    found = []
    for name, old, new in zip(LiveSettings._fields, before, after, strict=True):
        if old == new:
            continue
        if isinstance(old, Looks) and isinstance(new, Looks):
            found += [f"{each} = {_said(value)}" for each, value in old.differences(new).items()]
        elif isinstance(old, Config) and isinstance(new, Config):
            found += _config_differences(old.model_dump(), new.model_dump())
        else:
            found.append(f"{name} {_said(new)}")
    return found


def _config_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{section}.{key} = {_said(value)}"
        for section, table in after.items()
        for key, value in table.items()
        if value != before[section][key]
    ]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " × ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
