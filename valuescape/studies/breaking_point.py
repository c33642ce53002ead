"""Until it breaks: more and more load, then between what was carried and what was not. Pure search."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from valuescape.formatting import finite

CLOSE = 0.1
"""The breaking point is found within this share of it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One load, and what it came to. broken: what broke, in words; empty if the load was carried.

    dominated: the longest section of a frame, and its share. advice: what to turn, if frames took too long.
    """

    load: int
    broken: tuple[str, ...] = ()
    fps: float = math.nan
    frame_ms_p95: float = math.nan
    ticks_per_s: float = math.nan
    dominated: str = ""
    advice: str = ""


@dataclass(slots=True)
class Search:
    """All trials, and the greatest load that was carried and the least that broke; None if there was none."""

    trials: list[Trial] = field(default_factory=list)

    @property
    def carried(self) -> Trial | None:
        """The greatest load below the least that broke."""
        limit = self.broke.load if self.broke else math.inf
        well = [each for each in self.trials if not each.broken and each.load < limit]
        return max(well, key=lambda each: each.load, default=None)

    @property
    def broke(self) -> Trial | None:
        """The least load that broke something."""
        return min((each for each in self.trials if each.broken), key=lambda each: each.load, default=None)


def trials_left(found: Search) -> int | None:
    """Return about how many trials are left; None while nothing has broken yet."""
    if found.broke is None:
        return None
    broke, carried = found.broke.load, found.carried.load if found.carried else 0
    return max(math.ceil(math.log2(max((broke - carried) / max(CLOSE * broke, 1), 1))), 0)


def confirmed(try_load: Callable[[int, Search], Trial]) -> Callable[[int, Search], Trial]:
    """Return the same, but what breaks is tried once more: machines have hiccups."""

    def try_twice(load: int, found: Search) -> Trial:
        trial = try_load(load, found)
        if not trial.broken:
            return trial
        again = try_load(load, found)
        return trial if again.broken else again

    return try_twice


def search(
    try_load: Callable[[int, Search], Trial],
    start: int,
    most: int,
    stop: Callable[[], bool] = lambda: False,
) -> Search:
    """Double the load from `start` until something breaks or there is no more, then halve the gap in between.

    Ends within CLOSE of the breaking point. try_load: is given the load, and what is known so far. stop:
    asked after every trial, which was then cut short and is left out; the search ends with what is known.
    """
    found = Search()
    load: int | None = start
    with suppress(KeyboardInterrupt):  # as it is raised while a run starts: the others are kept
        while load is not None:
            trial = try_load(load, found)
            if stop():
                break
            found.trials.append(trial)
            load = _next(found, most)
    return found


def _next(found: Search, most: int) -> int | None:
    """Return the load to try next; None when there is none, or the breaking point is known well enough."""
    if found.broke is not None:
        return _between(found)
    last = found.trials[-1].load
    return min(2 * last, most) if last < most else None


def _between(found: Search) -> int | None:
    """Return the load in the middle of the gap; None when the gap is small enough."""
    broke, carried = found.broke, found.carried
    if broke is None or broke.load <= 1:
        return None
    low = carried.load if carried else 0
    if broke.load - low <= max(CLOSE * broke.load, 1):
        return None
    return (low + broke.load) // 2


def lies_between(load: int, found: Search) -> bool:
    """Whether a load is more than what was carried and less than what broke, so that nobody knows of it."""
    return (found.carried.load if found.carried else 0) < load < (found.broke.load if found.broke else 0)


def verdict(found: Search, load: str) -> list[str]:
    """Return what the search came to, in sentences."""
    carried, broke = found.carried, found.broke
    if broke is None:
        return [f"Nothing broke up to {carried.load:,} {load}." if carried else "Nothing was measured."]
    lines = [f"With {broke.load:,} {load} it breaks: {'; '.join(broke.broken)}."]
    if carried:
        lines.insert(
            0,
            f"{carried.load:,} {load} are carried: {carried.fps:.0f} FPS, P95 {carried.frame_ms_p95:.1f} ms.",
        )
    if broke.dominated:
        lines.append(f"Longest in a frame then: {broke.dominated}.")
    if broke.advice:
        lines.append(broke.advice + ".")
    return lines


def as_json(found: Search, load: str) -> dict[str, Any]:
    """Return the search as it is written to JSON; what is not known is null."""
    trials = [finite(asdict(each)) for each in sorted(found.trials, key=lambda each: each.load)]
    carried, broke = found.carried, found.broke
    return {
        "load": load,
        "carried": carried.load if carried else None,
        "broke": broke.load if broke else None,
        "trials": trials,
    }
