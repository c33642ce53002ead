"""Pictures of fields over planes of states: figures of Matplotlib's object API, in the house style."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from valuescape.analysis.panels import FADED, Panel
from valuescape.analysis.pictures import figure_of
from valuescape.sim.arrays import BoolArray, Float64Array
from valuescape.sim.insight.plane import MapPlane

_WIDE = 46
"""Most letters in a line of a title."""

_REACH = 2.0
"""Colours of a belief reach beyond those of the truth by so many of the truth's ranges, as in reports."""


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a map in a picture.

    colors: a name of Matplotlib's. low, high: the ends; None for those of the values. centred: the middle is
    0. names: of the values 0, 1, 2 …, where each stands for a kind of thing. logarithmic: of counts, whose
    zeros stay blank. reference: the ends of other
    maps of the same quantity follow this one's: it is the truth.
    """

    colors: str = "viridis"
    low: float | None = None
    high: float | None = None
    centred: bool = False
    names: tuple[str, ...] = ()
    logarithmic: bool = False
    reference: bool = False


DIFFERENCE = Look("RdBu_r", centred=True)


class Drawn(Protocol):
    """A field with its words and colours."""

    @property
    def plane(self) -> MapPlane:
        """The plane."""

    @property
    def values(self) -> Float64Array:
        """[rows, columns], lowest row first."""

    @property
    def significant(self) -> BoolArray | None:
        """Where it is drawn in full colours; None for everywhere."""

    @property
    def title(self) -> str:
        """The title of the picture."""

    @property
    def bar_label(self) -> str:
        """The label of the colour bar."""

    @property
    def quantity(self) -> str:
        """Fields of the same share their colours; "" for one that shares none."""

    @property
    def look(self) -> Look:
        """The colours."""


def figure_of_fields(fields: Sequence[Drawn], columns: int) -> Any:
    """Return fields side by side as a figure, `columns` in a row."""
    return figure_of([(each, _panel(each, fields)) for each in fields], columns)


def _panel(shown: Drawn, among: Sequence[Drawn]) -> Panel:
    alike = [each for each in among if each is shown or (each.quantity and each.quantity == shown.quantity)]
    low, high = _ends(shown.look, alike)
    opacity = None if shown.significant is None else np.where(shown.significant, 1.0, FADED)
    title, label, values = textwrap.fill(shown.title or shown.bar_label, _WIDE), shown.bar_label, shown.values
    if shown.look.logarithmic:
        label, values = f"log₁₀ of {label}", np.log10(np.where(values > 0, values, np.nan))
        low, high = 0.0, max(math.log10(max(high, 1.0)), 1e-9)
    return Panel(title, label, values, shown.look.colors, low, high, opacity)


def _ends(look: Look, alike: Sequence[Drawn]) -> tuple[float, float]:
    """Return the ends of colours that alike fields share."""
    every = _of_all(alike)
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    if look.centred:
        high = (float(np.quantile(np.abs(every), 0.995)) if every.size else 0.0) or 1.0
        low = -high
    elif (truths := _of_all([each for each in alike if each.look.reference])).size:
        reach = _REACH * float(np.ptp(truths)) or np.inf
        low, high = max(low, float(truths.min()) - reach), min(high, float(truths.max()) + reach)
    return low if look.low is None else look.low, high if look.high is None else look.high


def _of_all(fields: Sequence[Drawn]) -> Float64Array:
    """Return the finite values of fields, one after another."""
    none = np.zeros(0, np.float64)
    return np.concatenate([none, *(each.values[np.isfinite(each.values)] for each in fields)])
