"""Draws described widgets with Dear ImGui, into the window that is open."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from imgui_bundle import imgui

from valuescape.render.panel.described import (
    Field,
    Listing,
    Mark,
    Option,
    Pick,
    Plot,
    Press,
    Radio,
    Said,
    Slider,
    Span,
    Switch,
    Tone,
    Typed,
    Widget,
)
from valuescape.render.panel.widgets import as_written

_WIDE_EMS = 19
"""Width of tooltips."""

_MOST_INT = 2**31 - 1
"""The greatest whole number of ImGui's widgets."""

_PLOT_PX = 60
_COLORS: dict[Tone, tuple[float, float, float, float]] = {
    "good": (0.5, 0.85, 0.5, 1),
    "bad": (1, 0.55, 0.35, 1),
    "faint": (0.6, 0.6, 0.6, 1),
}
_CHANGED, _DRAFTED = (0.35, 0.75, 1.0, 1.0), (1.0, 0.75, 0.3, 1.0)
"""Colours of marks: changed since the run started; waits for a restart."""

_BAR_EMS = 0.22
_SIGN = "↺"


class Drawing:
    """Draws widgets, and gives what a person does with them to their `take`."""

    def __init__(self) -> None:
        self._held: dict[str, Any] = {}

    def draw(self, widgets: Iterable[Widget]) -> None:
        """Draw the widgets of a row."""
        for widget in widgets:
            if widget.beside:
                imgui.same_line()
            imgui.begin_disabled(not widget.on)
            self._draw_one(widget)
            imgui.end_disabled()
            if widget.tip and imgui.is_item_hovered(imgui.HoveredFlags_.for_tooltip):
                imgui.set_tooltip(widget.tip)

    def _draw_one(self, widget: Widget) -> None:
        """Draw a widget; one that counts once it is let go shows its own value while it is held."""
        now = getattr(widget, "value", None)
        changed, value = _touched(widget, self._held.get(widget.name, now))
        if not widget.let_go:
            if changed:
                widget.take(value)
            return
        if changed:
            self._held[widget.name] = value
        if widget.name in self._held and not imgui.is_item_active():
            wanted = self._held.pop(widget.name)
            if wanted != now:
                widget.take(wanted)


def _touched(widget: Widget, now: Any) -> tuple[bool, Any]:
    """Draw a widget with a value; return whether that was changed, and the value."""
    label = f"##{widget.label}" if widget.hidden else widget.label
    match widget:
        case Press():
            return imgui.button(label), True
        case Switch():
            return imgui.checkbox(label, now)
        case Radio():
            return _radio(widget.options, now)
        case Listing():
            return _listing(widget.options, now)
        case Pick():
            return _pick(widget, label, now)
        case Slider():
            return _slider(widget, label, now)
        case Span():
            return _span(widget, label, now)
        case Typed():
            return _typed(widget, label, now)
        case Field():
            return imgui.input_text(label, now, imgui.InputTextFlags_.enter_returns_true)
        case Said():
            _say(widget)
        case Plot():
            _plot(widget)
    return False, None


def _radio(options: Sequence[Option], now: Any) -> tuple[bool, Any]:
    """Draw buttons side by side of which one is on."""
    chosen = now
    for index, option in enumerate(options):
        if index:
            imgui.same_line()
        if imgui.radio_button(option.text, now == option.value):
            chosen = option.value
    return chosen != now, chosen


def _listing(options: Sequence[Option], now: Any) -> tuple[bool, Any]:
    """Draw lines of which one may be chosen."""
    for option in options:
        if imgui.selectable(f"{option.text}##{option.value}", option.value == now)[0]:
            return True, option.value
    return False, now


def _pick(widget: Pick, label: str, now: Any) -> tuple[bool, Any]:
    """Draw a list to choose from."""
    values = [each.value for each in widget.options]
    if now in values and all(each.open and not each.tip for each in widget.options):
        changed, index = imgui.combo(label, values.index(now), [each.text for each in widget.options])
        return changed, values[index]
    return _pick_with_tips(widget, label, now)


def _pick_with_tips(widget: Pick, label: str, now: Any) -> tuple[bool, Any]:
    """Draw a list of options with tooltips; those that cannot be chosen are grey."""
    chosen = now
    shown = next((each.text for each in widget.options if each.value == now), widget.shown)
    if imgui.begin_combo(label, shown):
        for option in widget.options:
            imgui.begin_disabled(not option.open)
            if imgui.selectable(option.text, option.value == now)[0]:
                chosen = option.value
            imgui.end_disabled()
            if option.tip and imgui.is_item_hovered(imgui.HoveredFlags_.allow_when_disabled):
                show_tip(option.tip)
        imgui.end_combo()
    return chosen != now, chosen


def _slider(widget: Slider, label: str, now: float) -> tuple[bool, float]:
    """Draw a slider; a number typed into it (Ctrl and click) stays within its ends, too."""
    ends, low, high = widget.ends, min(widget.low, now), max(widget.high, now)
    if widget.full:
        imgui.set_next_item_width(-1)
    flags = imgui.SliderFlags_.always_clamp | (imgui.SliderFlags_.logarithmic if ends.logarithmic else 0)
    if widget.texts:
        text = widget.texts[int(now - low)]
        return imgui.slider_int(
            label, int(now), round(low), round(high), text, flags | imgui.SliderFlags_.no_input
        )
    if widget.whole:
        return imgui.slider_int(label, int(now), round(low), round(high), ends.form, flags)
    changed, moved = imgui.slider_float(label, now, low, high, ends.form, flags)
    return changed, as_written(moved) if changed else now


def _span(widget: Span, label: str, now: tuple[float, float]) -> tuple[bool, tuple[float, ...]]:
    """Draw a slider with two grabs."""
    ends = widget.ends
    flags = imgui.SliderFlags_.always_clamp | (imgui.SliderFlags_.logarithmic if ends.logarithmic else 0)
    changed, moved = imgui.slider_float2(label, imgui.ImVec2(*now), ends.low, ends.high, ends.form, flags)
    return changed, tuple(sorted((as_written(moved.x), as_written(moved.y)))) if changed else now


def _typed(widget: Typed, label: str, now: float) -> tuple[bool, float]:
    """Draw a number that is typed; it stays within the widget's bounds."""
    changed, value = _number_field(widget, label, now)
    return changed, widget.within(value)


def _number_field(widget: Typed, label: str, now: float) -> tuple[bool, float]:
    if widget.whole:
        return _whole_number(widget, label, int(now))
    if not widget.dragged:
        return imgui.input_double(label, now, format=widget.form)
    changed, value = imgui.drag_float(label, now, 0.5, format=widget.form)
    return changed, as_written(value) if changed else now


def _whole_number(widget: Typed, label: str, now: int) -> tuple[bool, int]:
    """Draw a whole number with buttons for less and more; as text if it is too great for them."""
    if abs(now) <= _MOST_INT:
        return imgui.input_int(label, now, *widget.steps)
    changed, text = imgui.input_text(label, str(now), imgui.InputTextFlags_.chars_decimal)
    digits = text.lstrip("-")
    return changed and digits.isdecimal(), int(text) if digits.isdecimal() else now


def _say(widget: Said) -> None:
    imgui.push_text_wrap_pos(0.0)
    if widget.tone == "plain":
        imgui.text_unformatted(widget.label)
    else:
        imgui.text_colored(_COLORS[widget.tone], widget.label)
    imgui.pop_text_wrap_pos()


def _plot(widget: Plot) -> None:
    values = np.array(widget.value, np.float32)
    size = imgui.get_content_region_avail().x, _PLOT_PX
    imgui.plot_lines(f"##{widget.label}", values, 0, widget.said, widget.low, widget.high, size)


def show_tip(text: str) -> None:
    """Draw a tooltip at the pointer, wrapped."""
    if imgui.begin_tooltip():
        imgui.push_text_wrap_pos(_WIDE_EMS * imgui.get_font_size())
        imgui.text_unformatted(text)
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def draw_mark(mark: Mark, top: float) -> None:
    """Draw a bar at the left of a row, and a button at its right. top: of the row, pixels of the display."""
    _draw_bar(top, _DRAFTED if mark.drafted else _CHANGED)
    width = imgui.calc_text_size(_SIGN).x + 2 * imgui.get_style().frame_padding.x
    imgui.same_line()
    imgui.same_line(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
    if imgui.small_button(f"{_SIGN}##reset {mark.name}"):
        mark.reset()
    if imgui.is_item_hovered():
        imgui.set_tooltip(mark.tip)


def _draw_bar(top: float, color: tuple[float, float, float, float]) -> None:
    """Draw a bar along the left edge of the window, from `top` to the end of the item drawn last."""
    left, width = imgui.get_window_pos().x, _BAR_EMS * imgui.get_font_size()
    bottom = imgui.get_item_rect_max().y
    packed = imgui.get_color_u32(imgui.ImVec4(*color))
    imgui.get_window_draw_list().add_rect_filled((left, top), (left + width, bottom), packed)
