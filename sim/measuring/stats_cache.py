"""Statistics that every frame reads, and that are computed only when their sources have changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refresh:
    """When a statistic is computed again.

    every: the least interval between two computations, in units of `clock`. of: names of its sources.
    """

    clock: Callable[[], float]
    every: float
    of: frozenset[str]


@dataclass(slots=True)
class _Answer:
    value: Any
    at: float
    dirty: bool = False


class StatsCache:
    """Keeps the last value of each statistic until it is stale.

    A value is stale when it is dirty and its interval has passed. It is dirty when one of its sources has
    changed, which the code that changes the source reports (`mark`). So a statistic whose sources stand still
    is not computed again (the colour scales of a paused run); others are computed at most once per interval,
    and may be that old. `forget` makes a value stale at once, as after a person has changed a setting and
    watches for the effect.

    enabled: False computes at every `get` (`features.stats_cache` off, the plain path).
    """

    def __init__(self, refreshes: Mapping[str, Refresh], *, enabled: bool = True) -> None:
        self._refreshes, self._enabled = refreshes, enabled
        self._answers: dict[str, _Answer] = {}
        self.hits = self.misses = 0

    def get(self, name: str, compute: Callable[[], T]) -> T:
        """Return the statistic `name`: the last result of `compute`, or a new one if that is stale."""
        refresh, known = self._refreshes[name], self._answers.get(name)
        if self._enabled and known and not (known.dirty and refresh.clock() - known.at >= refresh.every):
            self.hits += 1
            return cast("T", known.value)
        self.misses += 1
        # The time from before computing, since changes made meanwhile make the value dirty again.
        answer = self._answers[name] = _Answer(None, refresh.clock())
        try:
            answer.value = compute()
        except BaseException:
            self.forget(name)
            raise
        return cast("T", answer.value)

    def mark(self, source: str) -> None:
        """Mark as dirty all statistics that have the source `source`, which has changed."""
        for name, answer in self._answers.items():
            answer.dirty = answer.dirty or source in self._refreshes[name].of

    def forget(self, *names: str) -> None:
        """Have these computed at the next `get`, whatever their age."""
        for name in names:
            self._answers.pop(name, None)

    @property
    def hit_rate(self) -> float:
        """The share of calls of `get` that computed nothing; NaN before the first."""
        looks = self.hits + self.misses
        return self.hits / looks if looks else float("nan")
