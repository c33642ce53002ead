"""Headings that plug-ins describe, with their widgets."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from valuescape.render.panel import described
from valuescape.render.panel.described import Pick, Press, Said, Switch, Typed
from valuescape.render.panel.ends import Ends
from valuescape.render.panel.form import Form
from valuescape.render.panel.rows import Row, Section
from valuescape.render.panel.widgets import options_of
from valuescape.render.view.changes import Touch
from valuescape.sim.plugins.widgets import Button, Checkbox, Choice, Number, Plot, Slider, Text, Widget
from valuescape.sim.plugins.widgets import Section as Described


def plugin_section(section: Described) -> Section:
    """Return the heading of a plug-in with the rows that it describes at this moment."""
    owner = f"plug-in {section.name}"
    rows = (
        Row(
            _name(section.name, index, widget),
            partial(_widgets, section.name, index, widget),
            f"{owner} {section.title} {_text_of(widget)}".casefold(),
        )
        for index, widget in enumerate(section.widgets)
    )
    return Section(section.title, tuple(rows), owner=owner)


def _text_of(widget: Widget) -> str:
    return widget.text if isinstance(widget, Text) else widget.label


def _name(plugin: str, index: int, widget: Widget) -> str:
    """Return the name of a widget: a label is unique in its section, a text is not."""
    return f"plug-in {plugin}: {index if isinstance(widget, Text) else widget.label}"


def _widgets(plugin: str, index: int, widget: Widget, form: Form) -> tuple[described.Widget, ...]:
    """Return the widget of a plug-in; the plug-in is told what the user does with it."""

    def touch(value: Any) -> None:
        form.ask(Touch(plugin, _text_of(widget), value))

    return (_widget(widget, _name(plugin, index, widget), touch),)


def _widget(widget: Widget, name: str, touch: Callable[[Any], None]) -> described.Widget:
    match widget:
        case Text(text):
            return Said(name=name, label=text)
        case Number(label, value):
            return Typed(name=name, label=label, value=value, take=touch, let_go=True)
        case Slider(label, value, low, high, whole, logarithmic):
            ends = Ends(low, high, logarithmic, "%d" if whole else "%.4g")
            value = round(value) if whole else value
            return described.Slider(name=name, label=label, value=value, ends=ends, whole=whole, take=touch)
        case Checkbox(label, value):
            return Switch(name=name, label=label, value=value, take=touch)
        case Choice(label, value, words):
            return Pick(name=name, label=label, value=value, options=options_of(words), take=touch)
        case Button(label):
            return Press(name=name, label=label, take=touch)
        case Plot():
            return _plot(widget, name)


def _plot(widget: Plot, name: str) -> described.Plot:
    values = np.array(widget.values, np.float32)
    finite = values[np.isfinite(values)]
    low = float(finite.min()) if widget.low is None and len(finite) else widget.low or 0.0
    high = float(finite.max()) if widget.high is None and len(finite) else widget.high or 1.0
    said = f"{widget.label}: {values[-1]:.4g}" if len(values) else widget.label
    high = max(high, low + 1e-12)
    return described.Plot(name=name, label=widget.label, value=widget.values, low=low, high=high, said=said)
