"""Numbers about a training run over its steps, kept for the whole of it, and their curves."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from valuescape.attached.judging import NUMBERS, Judged
from valuescape.render.overlay.curves import Curve
from valuescape.sim.insight.metrics import Estimate

_OF_TRAINER = "mean_return"
"""The number that a trainer may publish, and that is drawn beside the one measured here."""

_DRAWN = 200
"""Points of a curve at most; of more, each is the mean of some that follow each other."""

_KEPT = 2000
"""Steps that numbers are kept of at most: as many make curves in some 5 ms, and change with every update."""


class TrainingNumbers:
    """Numbers by training steps: those measured here, and those that the trainer published.

    Of a long run at most 2,000 steps are kept, evenly over the training and with the newest.
    revision: goes up when there are others.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._measured: dict[int, Mapping[str, Estimate]] = {}
        self._published: dict[int, Mapping[str, float]] = {}
        self._known: set[int] = set()  # steps of all that was measured, also of what was dropped

    def note(self, judged: Judged) -> None:
        """Keep what was measured of a checkpoint."""
        self._measured[judged.steps] = judged.numbers
        self._known.add(judged.steps)
        _drop(self._measured)
        self.revision += 1

    def note_published(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Keep what the trainer said beside an update."""
        if numbers:
            self._published[steps] = dict(numbers)
            _drop(self._published)
            self.revision += 1

    def begin_again(self) -> None:
        """Forget all: another training run began under the same name."""
        self._measured.clear()
        self._published.clear()
        self._known.clear()
        self.revision += 1

    def has(self, steps: int) -> bool:
        """Whether the checkpoint after so many steps was measured."""
        return steps in self._known

    def at(self, steps: int) -> Mapping[str, Estimate]:
        """Return the numbers measured after so many steps; empty if there are none."""
        return self._measured.get(steps, {})

    def lately(self, steps: int) -> Mapping[str, Estimate]:
        """Return the numbers measured after so many steps, or else those before, as far as there are any."""
        known = [at for at, numbers in self._measured.items() if at <= steps and numbers]
        return self.at(max(known, default=-1))

    def published_at(self, steps: int) -> Mapping[str, float]:
        """Return what the trainer said of so many steps."""
        return self._published.get(steps, {})

    def curves(self) -> tuple[Curve, ...]:
        """Return a curve for each number, with the trainer's own returns as dots in that of returns."""
        return tuple(curve for name, title in NUMBERS.items() if (curve := self._curve(name, title)).points)

    def _curve(self, name: str, title: str) -> Curve:
        steps = sorted(self._measured)
        rows: list[tuple[float, ...]] = [
            (float(at), each.value, each.low, each.high)
            for at in steps
            if (each := self._measured[at].get(name)) and math.isfinite(each.value)
        ]
        said: list[tuple[float, ...]] = []
        if name == _OF_TRAINER:
            said = [(float(at), self._published[at].get(name, math.nan)) for at in sorted(self._published)]
        dots = tuple((x, y) for x, y in _thinned([each for each in said if math.isfinite(each[1])]))
        return Curve(title, tuple((a, b, c, d) for a, b, c, d in _thinned(rows)), dots)

    def report(self) -> list[dict[str, Any]]:
        """Return the numbers by steps, ascending, for a report."""
        return [
            {
                "steps": at,
                **{name: asdict(each) for name, each in self.at(at).items()},
                "published": dict(self.published_at(at)),
            }
            for at in sorted(self._measured.keys() | self._published.keys())
        ]


def _drop(by_steps: dict[int, Any]) -> None:
    """Leave half as many steps, evenly over the training, if there are more than are kept."""
    if len(by_steps) <= _KEPT:
        return
    steps = np.array(sorted(by_steps))
    even = np.linspace(steps[0], steps[-1], _KEPT // 2)
    for dropped in set(steps.tolist()).difference(steps[np.searchsorted(steps, even)].tolist()):
        del by_steps[dropped]


def _thinned(rows: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Return at most _DRAWN rows, the means of as many that follow each other."""
    each = math.ceil(len(rows) / _DRAWN)
    if each <= 1:
        return rows
    parts = (rows[first : first + each] for first in range(0, len(rows), each))
    return [tuple(sum(column) / len(column) for column in zip(*part, strict=True)) for part in parts]
