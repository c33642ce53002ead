"""Finds the breaking load: double until a trial fails, then bisect."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from valuescape.formatting import finite

CLOSE = 0.1
"""Relative precision of the breaking load."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one load. broken: the limits that broke, in words; empty if the load was carried.

    dominated: the longest section of a frame, and its share. advice: the setting to change, if frames were
    too long.
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
    """All trials in their order, with the greatest load carried and the least that broke."""

    trials: list[Trial] = field(default_factory=list)

    @property
    def carried(self) -> Trial | None:
        """The greatest load carried, among those below the least that broke; None without one."""
        limit = self.broke.load if self.broke else math.inf
        well = [each for each in self.trials if not each.broken and each.load < limit]
        return max(well, key=lambda each: each.load, default=None)

    @property
    def broke(self) -> Trial | None:
        """The least load that broke a limit; None without one."""
        return min((each for each in self.trials if each.broken), key=lambda each: each.load, default=None)


def trials_left(found: Search) -> int | None:
    """Return about how many trials are left; None until a load has broken."""
    if found.broke is None:
        return None
    broke, carried = found.broke.load, found.carried.load if found.carried else 0
    return max(math.ceil(math.log2(max((broke - carried) / max(CLOSE * broke, 1), 1))), 0)


def confirmed(try_load: Callable[[int, Search], Trial]) -> Callable[[int, Search], Trial]:
    """Return `try_load` with a retry: a load is broken if it breaks twice, since machines have hiccups."""

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
    """Double the load from `start` until a trial breaks or `most` is reached, then bisect the gap.

    Ends within CLOSE of the breaking load. try_load: gets the load and the search so far. stop: asked after
    each trial; true ends the search, and drops that trial, which was cut short.
    """
    found = Search()
    load: int | None = start
    with suppress(KeyboardInterrupt):  # raised while a run starts; earlier trials are kept
        while load is not None:
            trial = try_load(load, found)
            if stop():
                break
            found.trials.append(trial)
            load = _next(found, most)
    return found


def _next(found: Search, most: int) -> int | None:
    """Return the next load to try; None at the end of the search."""
    if found.broke is not None:
        return _between(found)
    last = found.trials[-1].load
    return min(2 * last, most) if last < most else None


def _between(found: Search) -> int | None:
    """Return the load in the middle of the gap; None once the gap is small enough."""
    broke, carried = found.broke, found.carried
    if broke is None or broke.load <= 1:
        return None
    low = carried.load if carried else 0
    if broke.load - low <= max(CLOSE * broke.load, 1):
        return None
    return (low + broke.load) // 2


def lies_between(load: int, found: Search) -> bool:
    """Return whether a load lies between the greatest carried and the least that broke: it is untried."""
    return (found.carried.load if found.carried else 0) < load < (found.broke.load if found.broke else 0)


def verdict(found: Search, load: str) -> list[str]:
    """Return the result in sentences. load: the unit of the loads."""
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
    """Return the search for JSON; unknown figures are null. load: the unit of the loads."""
    trials = [finite(asdict(each)) for each in sorted(found.trials, key=lambda each: each.load)]
    carried, broke = found.carried, found.broke
    return {
        "load": load,
        "carried": carried.load if carried else None,
        "broke": broke.load if broke else None,
        "trials": trials,
    }
