"""The base of all reports that `compare` reads, and the types of their fields."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field

from valuescape.parsing import Figure, Part, Plain, Text, at_most
from valuescape.sim.errors import escaped

FEW, MANY = at_most(2_000), at_most(200_000)

Interval = tuple[float, float]
"""The low and the high end."""

Unknown = Figure | None
Figures = Annotated[list[Unknown], FEW]
Table = Annotated[dict[Text, Plain], FEW]
Settings = Annotated[dict[Text, Plain | Annotated[list[Plain], FEW] | Table], FEW]
"""A section of a configuration: `plugins.modules` is a list, `world.parameters` a table."""


class Report(Part):
    """The fields of all reports: their origin and configuration, each None in a report without it."""

    kind: ClassVar[str]
    keys: ClassVar[frozenset[str]]
    is_judged_by_share: ClassVar[bool] = False
    """Whether `worse_than` compares by shares, so that a tolerance takes its place."""

    command: Annotated[str, Field(max_length=100_000), AfterValidator(escaped)] | None = None
    date: Text | None = None
    config: Annotated[dict[Text, Settings], FEW] | None = None
    plan: Annotated[dict[Text, Any], FEW] | None = None
    machine: Table | None = None
    versions: Table | None = None
    gl_renderer: Text | None = None

    @classmethod
    def recognises(cls, tables: Mapping[str, Any]) -> bool:
        """Return whether decoded JSON is of this kind, by the names of its fields."""
        return cls.keys <= tables.keys()

    @property
    def is_taken_apart(self) -> bool:
        """Whether the report has the time of each section of a frame; a missing section then took 0 ms."""
        return False

    def figures(self) -> Iterator[tuple[str, float]]:
        """Yield names and values. Names with (ms) are times of a frame or of a section."""
        raise NotImplementedError

    def intervals(self) -> dict[str, Interval]:
        """Return the 95 % intervals of figures, by their names; none of reports that have no intervals."""
        return {}

    def made_with(self) -> Iterator[tuple[str, Any]]:
        """Yield names and values of what decided the figures, beside configuration, plan and machine."""
        yield from ()

    def worse_by_more(self, before: Self, tolerance: float) -> Iterator[str]:
        """Yield the figures that are worse by more than a share, where the report says which way is worse."""
        yield from ()

    def worse_than(self, before: Self) -> Iterator[str]:
        """Yield reasons to look again, beside times that grew. before: a report of the same kind."""
        yield from ()


def number(value: float | None) -> float:
    """Return a figure, NaN for None."""
    return math.nan if value is None else float(value)


def middle(values: Sequence[float | None]) -> float:
    """Return the median of the known figures, NaN if there is none."""
    known = [value for value in values if value is not None]
    return median(known) if known else math.nan
