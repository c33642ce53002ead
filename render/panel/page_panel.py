"""The panel as a page shows it: messages with what changed since the last one, and values given by name.

A message is `{"type": "panel", "whole": bool, "sections": […], "rows": {…}}`. Sections, from top to bottom:
`{"name", "title", "tip", "open", "rows": [names of those that are seen]}`; they are left out while they are
the same. Rows by name: `{"words", "tip", "widgets": […], "mark": {…} or null}`; of one that is known already,
only what changed. A widget has `name`, `kind`, `label`, what differs from a plain one (`hidden`, `on`,
`beside`, `let_go`, `tip`), and what its kind has. The rows `bar`, `drafts` and `saving` are the panel's top.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from valuescape.render.panel.bar import SAVE_TIP, draft_buttons, past_buttons, saving_fields
from valuescape.render.panel.described import (
    Field,
    Mark,
    Option,
    Pick,
    Plot,
    Press,
    Said,
    Slider,
    Span,
    Switch,
    Typed,
    Widget,
)
from valuescape.render.panel.ends import Ends
from valuescape.render.panel.form import Form
from valuescape.render.panel.headings import Headings
from valuescape.render.panel.rows import Row, Section
from valuescape.render.panel.standing import Standing
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.sim.errors import UsageError

_RESET = "reset "
"""The beginning of the name of a button that resets a row, before the row's name."""

_UNUSUAL: Mapping[str, Any] = {"hidden": False, "on": True, "beside": False, "let_go": False, "tip": ""}

_MOST_POINTS = 120
"""Points of a plot that are sent; of more, the newest."""


class PagePanel:
    """The panel for pages: one for a session, whoever looks. Pure data: no OpenGL, no Dear ImGui."""

    def __init__(self) -> None:
        self.form = Form()
        self._headings = Headings()
        self._holding = ""
        self._sections: list[dict[str, Any]] = []
        self._rows: dict[str, dict[str, Any]] = {}

    def tell(self, viewer: Viewer, standing: Standing) -> dict[str, Any] | None:
        """Return a message with what changed since the last call; None if nothing did.

        Performance: 2 ms of a core for 140 rows (`tests/bench/browser.py --only panel`).
        """
        sections, rows = self._describe(viewer, standing)
        changed = {name: new for name, row in rows.items() if (new := _differing(self._rows.get(name), row))}
        moved = sections != self._sections
        self._sections, self._rows = sections, rows
        if not (changed or moved):
            return None
        more = {"sections": sections} if moved else {}
        return {"type": "panel", "whole": False, "rows": changed} | more

    def whole(self) -> dict[str, Any]:
        """Return a message with all that `tell` told so far, for a page that knows nothing of it."""
        return {"type": "panel", "whole": True, "rows": self._rows, "sections": self._sections}

    def take(
        self, name: str, value: Any, viewer: Viewer, standing: Standing, *, held: bool = False
    ) -> list[Change]:
        """Return the changes that a person asks for by giving a widget a value.

        held: whether the widget is held, so that later values belong to the same gesture. Raises UsageError
        if there is no such widget, or the value does not fit.
        """
        form = self.form
        form.begin(viewer, standing, holding=self._holding == name)
        self._holding = name if held else ""
        if name.startswith(_RESET):
            self._mark(name.removeprefix(_RESET)).reset()
        else:
            widget = self._widget(name)
            widget.take(widget.accepted(value))
        if form.refused:
            raise UsageError(form.refused)
        return form.changes

    def _widget(self, name: str) -> Widget:
        form = self.form
        own_first = sorted(self._seen(), key=lambda row: row.name != name)  # most widgets are their row's
        rows = (row.widgets(form) for row in own_first)
        top = (past_buttons(form), draft_buttons(form), saving_fields(form))
        for widgets in chain(top, rows):
            for widget in widgets:
                if widget.name == name:
                    if not widget.on:
                        raise UsageError(f"{widget.label} cannot be changed now")
                    return widget
        raise UsageError(f"the panel has no {name!r} now")

    def _mark(self, name: str) -> Mark:
        for row in self._seen():
            if row.name == name and (mark := row.mark(self.form)):
                return mark
        raise UsageError(f"{name} is as it was at the start")

    def _seen(self) -> list[Row]:
        standing = self.form.standing
        sections = self._headings.of(standing)
        return [row for section in sections for row in section.rows if row.seen(standing)]

    def _describe(
        self, viewer: Viewer, standing: Standing
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
        """Return the sections and the rows as they are now."""
        form = self.form
        form.begin(viewer, standing, holding=bool(self._holding))
        sections = []
        rows: dict[str, dict[str, Any]] = {
            "bar": {"widgets": _widgets(past_buttons(form))},
            "drafts": {"widgets": _widgets(draft_buttons(form))},
            "saving": {"widgets": _widgets(saving_fields(form)), "tip": SAVE_TIP},
        }
        for section in self._headings.of(standing):
            seen = [row for row in section.rows if row.seen(standing)]
            if seen:
                sections.append(_section(section, seen))
                rows |= {row.name: _row(row, form) for row in seen}
        return sections, rows


def _section(section: Section, seen: Sequence[Row]) -> dict[str, Any]:
    return {
        "name": section.owner + section.title,
        "title": section.title,
        "tip": section.tip,
        "open": section.open,
        "rows": [row.name for row in seen],
    }


def _row(row: Row, form: Form) -> dict[str, Any]:
    mark = row.mark(form)
    told = mark and {"name": f"{_RESET}{row.name}", "tip": mark.tip, "drafted": mark.drafted}
    return {"words": row.words, "tip": row.tip, "widgets": _widgets(row.widgets(form)), "mark": told}


def _widgets(widgets: Sequence[Widget]) -> list[dict[str, Any]]:
    return [_told(each) for each in widgets]


def _told(widget: Widget) -> dict[str, Any]:
    """Return a widget as a message has it."""
    said: dict[str, Any] = {"kind": widget.kind, "name": widget.name, "label": widget.label}
    for name, usual in _UNUSUAL.items():
        if (value := getattr(widget, name)) != usual:
            said[name] = value
    return said | _of_kind(widget)


def _of_kind(widget: Widget) -> dict[str, Any]:
    """Return what a kind of widgets has beside what all have."""
    match widget:
        case Press():
            return {}
        case Said(tone=tone):
            return {"tone": tone}
        case Pick(value=value, options=options, shown=shown):
            return {"value": value, "options": [_option(each) for each in options], "shown": shown}
        case Slider(value=value, whole=whole, texts=texts):
            ends = Ends(widget.low, widget.high, widget.ends.logarithmic, widget.ends.form)
            return {"value": value, "whole": whole, "texts": list(texts)} | _ends(ends)
        case Span(value=value, ends=ends):
            return {"value": list(value)} | _ends(ends)
        case Typed(value=value, whole=whole, low=low, high=high, form=form):
            return {"value": value, "whole": whole, "low": low, "high": high, "form": form}
        case Plot(value=value, low=low, high=high, said=text):
            points = [_point(each) for each in value[-_MOST_POINTS:]]
            return {"value": points, "low": _point(low), "high": _point(high), "said": text}
        case Switch(value=value) | Field(value=value):
            return {"value": value}
    raise TypeError(f"{type(widget).__name__} is no widget of a page")


def _option(option: Option) -> dict[str, Any]:
    return {"value": option.value, "text": option.text, "tip": option.tip, "open": option.open}


def _ends(ends: Ends) -> dict[str, Any]:
    return {"low": ends.low, "high": ends.high, "logarithmic": ends.logarithmic, "form": ends.form}


def _point(value: float) -> float | None:
    """Return a number of a plot with four digits; None if it is none, which JSON cannot say."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _differing(before: Mapping[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that are not as before."""
    return (
        now if before is None else {name: value for name, value in now.items() if before.get(name) != value}
    )
