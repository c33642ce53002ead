"""The widgets of the panel as values, whatever draws them: what each shows, and what a person's value does.

`drawing.py` draws them with Dear ImGui, `page_panel.py` describes them for a page.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from valuescape.render.panel.ends import Ends
from valuescape.sim.errors import UsageError

Take = Callable[[Any], None]
Tone = Literal["plain", "faint", "good", "bad"]

_ROUNDED = 1e-3
"""The share of a slider's length by which a rounded number may pass its end."""


def _nothing(_: Any) -> None:
    """Take a value of a widget that nobody can touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """A widget of a row.

    name: no other widget of a panel has it; that of a setting where the widget gives the whole of its value.
    label: the text beside it; hidden: it is not drawn, and only read out. take: is given the value that a
    person chose. on: whether it can be touched. beside: whether it is in the line of the widget before.
    let_go: whether a value counts once the widget is let go. tip: a tooltip of its own.
    """

    kind: ClassVar[str]

    name: str
    label: str
    take: Take = _nothing
    hidden: bool = False
    on: bool = True
    beside: bool = False
    let_go: bool = False
    tip: str = ""

    def accepted(self, value: Any) -> Any:
        """Return a value from elsewhere as `take` is to have it. Raises UsageError if it does not fit."""
        raise UsageError(f"{self.label} has no value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Press(Widget):
    """A button; its value is True."""

    kind: ClassVar[str] = "button"

    def accepted(self, value: Any) -> Any:
        """Return True, whatever the value is."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Widget):
    """A check box."""

    kind: ClassVar[str] = "switch"

    value: bool

    def accepted(self, value: Any) -> Any:
        """Return a truth value."""
        if not isinstance(value, bool):
            raise UsageError(f"{self.label}: expected true or false")
        return value


@dataclass(frozen=True, slots=True)
class Option:
    """An entry of a list: the value it stands for, its text, its tooltip. open: whether it can be chosen."""

    value: Any
    text: str
    tip: str = ""
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick(Widget):
    """One out of several. shown: the text while none of the options is chosen."""

    kind: ClassVar[str] = "pick"

    value: Any
    options: Sequence[Option]
    shown: str = ""

    def accepted(self, value: Any) -> Any:
        """Return the value of an option that is open."""
        for each in self.options:
            if each.value == value and type(each.value) is type(value):
                if each.open:
                    return value
                raise UsageError(f"{each.text} cannot be chosen here", each.tip)
        named = ", ".join(str(each.value) for each in self.options if each.open)
        raise UsageError(f"{self.label}: {value!r} is none of {named}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio(Pick):
    """One out of a few, which are buttons side by side."""

    kind: ClassVar[str] = "radio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Pick):
    """One out of several lines, all of which are in view; value: None for none."""

    kind: ClassVar[str] = "list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slider(Widget):
    """A number between two ends, which are moved outwards if it is beyond them.

    texts: one for each value of a slider over whole numbers, instead of the number. full: it takes the whole
    width.
    """

    kind: ClassVar[str] = "slider"

    value: float
    ends: Ends
    whole: bool = False
    texts: Sequence[str] = ()
    full: bool = False

    @property
    def low(self) -> float:
        """The left end."""
        return min(self.ends.low, self.value)

    @property
    def high(self) -> float:
        """The right end."""
        return max(self.ends.high, self.value)

    def accepted(self, value: Any) -> Any:
        """Return a number between the ends, which rounding may have taken beyond them."""
        number = _number(self.label, value)
        within = min(max(number, self.low), self.high)
        if abs(number - within) > _ROUNDED * (self.high - self.low):
            raise UsageError(f"{self.label}: expected {_bounds(self.low, self.high)}")
        return round(within) if self.whole else float(within)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span(Widget):
    """Two numbers between two ends: a range."""

    kind: ClassVar[str] = "span"

    value: tuple[float, float]
    ends: Ends

    def accepted(self, value: Any) -> Any:
        """Return two numbers, moved between the ends, the lower one first."""
        if not (isinstance(value, list | tuple) and len(value) == 2):
            raise UsageError(f"{self.label}: expected two numbers")
        low, high = self.ends.low, self.ends.high
        return tuple(sorted(min(max(_number(self.label, each), low), high) for each in value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed(Widget):
    """A number that is typed. low, high: its bounds; None for none. steps: of its buttons, and with Ctrl.

    form: as of C's printf; dragged: the number follows a drag over the field, too.
    """

    kind: ClassVar[str] = "number"

    value: float
    whole: bool = False
    low: float | None = None
    high: float | None = None
    steps: tuple[int, int] = (1, 100)
    form: str = "%.6g"
    dragged: bool = False

    def within(self, value: float) -> float:
        """Return a number, moved into the bounds."""
        least = value if self.low is None else max(value, type(value)(self.low))
        return least if self.high is None else min(least, type(value)(self.high))

    def accepted(self, value: Any) -> Any:
        """Return a number within the bounds."""
        number = _number(self.label, value)
        if self.whole:
            if number != round(number):
                raise UsageError(f"{self.label}: expected a whole number")
            number = round(number)
        if self.within(number) != number:
            raise UsageError(f"{self.label}: expected {_bounds(self.low, self.high)}")
        return number if self.whole else float(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Widget):
    """A text that is typed; it counts once it is complete."""

    kind: ClassVar[str] = "text"

    value: str

    def accepted(self, value: Any) -> Any:
        """Return a text."""
        if not isinstance(value, str):
            raise UsageError(f"{self.label}: expected a text")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Widget):
    """A line of text, which is its label."""

    kind: ClassVar[str] = "said"

    tone: Tone = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot(Widget):
    """A line through numbers, the newest last, on an axis from low to high. said: the newest, in words."""

    kind: ClassVar[str] = "plot"

    value: Sequence[float]
    low: float
    high: float
    said: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a row that differs from the run's start, with a button that resets it.

    name: of what is reset. first: the value that it gets back, in words. drafted: it waits for a restart.
    """

    name: str
    first: str
    reset: Callable[[], None]
    drafted: bool = False

    @property
    def tip(self) -> str:
        """The tooltip of the button."""
        return f"reset {self.name} to {self.first}"


def _number(label: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{label}: expected a number")
    return value


def _bounds(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at least {low:g}" if low is not None else f"at most {high:g}"
    return f"a number from {low:g} to {high:g}"
