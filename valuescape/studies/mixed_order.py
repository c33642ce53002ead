"""Repeated measurements in mixed order, so that a machine that slows down fakes no trend."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from valuescape.sim.interrupts import Interrupts


class Subject(Protocol):
    """Something that is measured several times and keeps its own figures."""

    @property
    def name(self) -> str:
        """The name that progress shows."""


_Subject = TypeVar("_Subject", bound=Subject)


def in_mixed_order(
    subjects: Sequence[_Subject],
    repeats: int,
    measure: Callable[[_Subject], None],
    interrupts: Interrupts,
    on_step: Callable[[str], None] = lambda text: None,
    seed: int = 0,
) -> Iterator[Sequence[_Subject]]:
    """Yield the subjects after each measurement; every repeat measures all of them, in an order of its own.

    measure: adds figures to the subject that it is given; KeyboardInterrupt from it ends the measurements,
    and figures that were added before are kept. on_step: gets the next subject's name and its repeat. seed:
    of the orders. Ends early when interrupted.
    """
    order = random.Random(seed)  # noqa: S311 - an order, no secret
    for repeat in range(repeats):
        for subject in order.sample(subjects, len(subjects)):
            if interrupts.asked:
                return
            on_step(f"{subject.name} ({repeat + 1} of {repeats})")
            try:
                measure(subject)
            except KeyboardInterrupt:
                yield subjects
                return
            yield subjects
