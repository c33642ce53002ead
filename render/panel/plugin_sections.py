"""Headings that plug-ins describe, with their widgets."""

from functools import partial
from typing import Any

import numpy as np
from imgui_bundle import imgui

from valuescape.render.panel.form import Form
from valuescape.render.panel.rows import Row, Section
from valuescape.render.panel.widgets import pick, slider
from valuescape.render.view.changes import Touch
from valuescape.sim.plugins.widgets import (
    Button,
    Checkbox,
    Choice,
    Number,
    Plot,
    Slider,
    Text,
    Widget,
)
from valuescape.sim.plugins.widgets import Section as Described

_PLOT_PX = 60


def plugin_section(section: Described) -> Section:
    """Return the heading of a plug-in with the rows that it describes at this moment."""
    owner = f"plug-in {section.name}"
    rows = (
        Row(partial(_draw, section.name, widget), f"{owner} {section.title} {_text_of(widget)}".casefold())
        for widget in section.widgets
    )
    return Section(section.title, tuple(rows), owner=owner)


def _text_of(widget: Widget) -> str:
    return widget.text if isinstance(widget, Text) else widget.label


def _draw(plugin: str, widget: Widget, form: Form) -> None:
    """Draw one widget of a plug-in; the plug-in is told what the user does with it."""
    touched, value = _widget(widget)
    if touched:
        form.ask(Touch(plugin, _text_of(widget), value))


def _widget(widget: Widget) -> tuple[bool, Any]:
    """Draw one widget; return whether it was changed, and its value."""
    match widget:
        case Text(text):
            imgui.push_text_wrap_pos(0.0)
            imgui.text_unformatted(text)
            imgui.pop_text_wrap_pos()
        case Number(label, value):
            return imgui.input_double(
                label, value, 0.0, 0.0, "%.6g", imgui.InputTextFlags_.enter_returns_true
            )
        case Slider():
            return _slider(widget)
        case Checkbox(label, value):
            return imgui.checkbox(label, value)
        case Choice(label, value, words):
            return pick(label, value, words)
        case Button(label):
            return imgui.button(label), True
        case Plot():
            _plot(widget)
    return False, None


def _slider(widget: Slider) -> tuple[bool, float]:
    flags = imgui.SliderFlags_.logarithmic if widget.logarithmic else 0
    if widget.whole:
        ends = round(widget.low), round(widget.high)
        changed, whole = imgui.slider_int(
            widget.label, round(widget.value), *ends, "%d", flags | imgui.SliderFlags_.always_clamp
        )
        return changed, whole
    return slider(widget.label, widget.value, widget.low, widget.high, "%.4g", flags)


def _plot(widget: Plot) -> None:
    values = np.array(widget.values, np.float32)
    finite = values[np.isfinite(values)]
    low = float(finite.min()) if widget.low is None and len(finite) else widget.low or 0.0
    high = float(finite.max()) if widget.high is None and len(finite) else widget.high or 1.0
    said = f"{widget.label}: {values[-1]:.4g}" if len(values) else widget.label
    size = imgui.get_content_region_avail().x, _PLOT_PX
    imgui.plot_lines(f"##{widget.label}", values, 0, said, low, max(high, low + 1e-12), size)
