"""Statistics that are looked at with every frame, and computed when there is something new to say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refresh:
    """When a statistic is computed anew.

    every: how long an answer is good for, in units of `clock`. of: names of what it is derived from.
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
    """The last answer to each question, for as long as it is good.

    What makes an answer stale: it is dirty, and its interval has passed. It is dirty once something it is
    derived from has changed, which is said by whoever changes it (`mark`). So what does not change is
    not computed again (the colour scales of a run that is paused), and what does, at most as often as its
    interval says; until then an answer may be that old. `forget` makes it stale at once: after a person has
    changed something and looks for the effect.

    enabled: False computes with every look (`features.stats_cache` off, the plain path).
    """

    def __init__(self, refreshes: Mapping[str, Refresh], *, enabled: bool = True) -> None:
        self._refreshes, self._enabled = refreshes, enabled
        self._answers: dict[str, _Answer] = {}
        self.hits = self.misses = 0

    def get(self, name: str, compute: Callable[[], T]) -> T:
        """Return the statistic `name`: what `compute` said last, or says now if that is stale."""
        refresh, known = self._refreshes[name], self._answers.get(name)
        if self._enabled and known and not (known.dirty and refresh.clock() - known.at >= refresh.every):
            self.hits += 1
            return cast("T", known.value)
        self.misses += 1
        # The time before computing: what changes meanwhile makes it dirty again.
        answer = self._answers[name] = _Answer(None, refresh.clock())
        try:
            answer.value = compute()
        except BaseException:
            self.forget(name)
            raise
        return cast("T", answer.value)

    def mark(self, source: str) -> None:
        """Say that something has changed of which statistics are derived."""
        for name, answer in self._answers.items():
            answer.dirty = answer.dirty or source in self._refreshes[name].of

    def forget(self, *names: str) -> None:
        """Compute these with the next look, whatever their age."""
        for name in names:
            self._answers.pop(name, None)

    @property
    def hit_rate(self) -> float:
        """The share of looks that computed nothing; NaN before the first."""
        looks = self.hits + self.misses
        return self.hits / looks if looks else float("nan")
