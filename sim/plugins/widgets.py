"""The widgets of a plug-in's section in the panel, as values, independent of the library that draws them.

A plug-in describes its section anew each time (`Panel`). The next description contains what the user did with
a widget, by the widget's label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError

MOST_WIDGETS = 200
"""The greatest number of widgets in a section; more come from a mistake in a loop."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number to be typed."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Slider:
    """A number between two ends. whole: it has no fraction."""

    label: str
    value: float
    low: float
    high: float
    whole: bool = False
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Checkbox:
    """A switch."""

    label: str
    value: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One out of several words."""

    label: str
    value: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press."""

    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A curve of numbers. low, high: the ends of its axis; None follows the numbers."""

    label: str
    values: tuple[float, ...]
    low: float | None = None
    high: float | None = None


Widget = Text | Number | Slider | Checkbox | Choice | Button | Plot


@dataclass(frozen=True, slots=True)
class Section:
    """A plug-in's section of the panel. name: of the plug-in."""

    name: str
    title: str
    widgets: tuple[Widget, ...]


class Panel:
    """A section that is being described: each method adds a widget below those before.

    Methods with a value take its present one, and return the one that the user has given it since the last
    description. Labels are unique within a section. touched: those changes, by label; True for a button that
    was pressed.
    """

    def __init__(self, touched: Mapping[str, Any]) -> None:
        self.widgets: list[Widget] = []
        self._touched = touched
        self._labels: set[str] = set()

    def text(self, text: str) -> None:
        """Add a line of text."""
        self._add(Text(str(text)))

    def number(self, label: str, value: float) -> float:
        """Add a number that the user can type; return its present value."""
        value = float(self._now(label, value))
        self._add(Number(label, value))
        return value

    def slider(
        self,
        label: str,
        value: float,
        low: float,
        high: float,
        *,
        whole: bool = False,
        logarithmic: bool = False,
    ) -> float:
        """Add a slider between two ends; return its present value. Raises UsageError if low >= high."""
        if not low < high or (logarithmic and low <= 0):
            raise UsageError(
                f"slider {label!r} from {low} to {high}", "expected low < high; logarithmic from above 0"
            )
        value = min(max(float(self._now(label, value)), low), high)
        value = round(value) if whole else value
        self._add(Slider(label, value, float(low), float(high), whole, logarithmic))
        return value

    def checkbox(self, label: str, value: bool) -> bool:
        """Add a switch; return whether it is on now."""
        value = bool(self._now(label, value))
        self._add(Checkbox(label, value))
        return value

    def choice(self, label: str, value: str, words: Sequence[str]) -> str:
        """Add a list of words; return the one that is chosen now.

        Raises UsageError if `value` is none of them.
        """
        listed = tuple(words)
        value = self._now(label, value)
        if value not in listed:
            raise UsageError(f"choice {label!r}: {value!r} is none of {listed}", "expected one of its words")
        self._add(Choice(label, value, listed))
        return value

    def button(self, label: str) -> bool:
        """Add a button; return whether it was pressed."""
        self._add(Button(label))
        return bool(self._touched.get(label, False))

    def plot(
        self, label: str, values: Sequence[float], low: float | None = None, high: float | None = None
    ) -> None:
        """Add a curve of numbers, the newest last. low, high: ends of its axis; None follows the numbers."""
        numbers = np.asarray(values, np.float64).reshape(-1)
        self._add(Plot(label, tuple(numbers.tolist()), low, high))

    def _now(self, label: str, value: Any) -> Any:
        return self._touched.get(label, value)

    def _add(self, widget: Widget) -> None:
        if not isinstance(widget, Text):
            if widget.label in self._labels:
                raise UsageError(f"two widgets are called {widget.label!r}", "give each a label of its own")
            self._labels.add(widget.label)
        if len(self.widgets) >= MOST_WIDGETS:
            raise UsageError(f"more than {MOST_WIDGETS} widgets in one section", "leave some out")
        self.widgets.append(widget)
