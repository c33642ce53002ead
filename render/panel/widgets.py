"""Widgets of Dear ImGui for values: each draws itself and returns the value, and whether it was changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from imgui_bundle import imgui

from valuescape.render.panel.ends import Ends, ends_of
from valuescape.sim.config.model import SettingField

_WIDE_EMS = 19
"""Width of tooltips."""

_MOST_INT = 2**31 - 1
"""The greatest whole number of ImGui's widgets."""


def setting_widget(
    setting: SettingField, label: str, now: Any, words: Sequence[str] = (), *, typed: bool = False
) -> tuple[bool, Any]:
    """Draw the widget that suits a setting's type.

    A switch is a check box, a value out of several a list, other text a field, a number a slider. A setting
    that is a word or a number has a check box for the number. words: to choose from instead of the declared
    ones. typed: numbers are typed, in fields.
    Returns whether it was changed, and the value.
    """
    if isinstance(setting.default, bool):
        return imgui.checkbox(label, now)
    if words or setting.choices:
        return pick(label, now, words or setting.choices)
    if setting.words:
        return held(setting, label, now, typed=typed)
    if isinstance(setting.default, str):
        return imgui.input_text(label, now, imgui.InputTextFlags_.enter_returns_true)
    if isinstance(setting.default, int | float):
        return number(setting, label, now, typed=typed)
    imgui.text_disabled(f"{label}: {now}")  # a list or a table, which a file has
    return False, now


def number(setting: SettingField, label: str, now: float, *, typed: bool) -> tuple[bool, float]:
    """Draw a number: a slider, or a field that is typed into. The value stays within the setting's bounds."""
    if not typed and setting.bounds[0] is not None:
        return ranged(label, now, ends_of(setting), whole=setting.whole)
    changed, value = (
        whole_number(label, int(now)) if setting.whole else imgui.input_double(label, now, format="%.6g")
    )
    return changed, _within(setting, value)


def ranged(label: str, now: float, ends: Ends, *, whole: bool = False) -> tuple[bool, float]:
    """Draw a slider between two ends, which are moved outwards if the number is beyond them."""
    flags = imgui.SliderFlags_.logarithmic if ends.logarithmic else 0
    low, high = min(ends.low, now), max(ends.high, now)
    if not whole:
        return slider(label, now, low, high, ends.form, flags)
    clamped = flags | imgui.SliderFlags_.always_clamp
    return imgui.slider_int(label, int(now), round(low), round(high), ends.form, clamped)


def whole_number(label: str, now: int) -> tuple[bool, int]:
    """Draw a whole number with buttons for one less and one more; as text if it is too great for them."""
    if abs(now) <= _MOST_INT:
        return imgui.input_int(label, now)
    changed, text = imgui.input_text(label, str(now), imgui.InputTextFlags_.chars_decimal)
    digits = text.lstrip("-")
    return changed and digits.isdecimal(), int(text) if digits.isdecimal() else now


def _within(setting: SettingField, value: float) -> float:
    """Return a number, moved into the bounds of a setting."""
    low, high = setting.bounds
    least = value if low is None else max(value, type(value)(low))
    return least if high is None else min(least, type(value)(high))


def slider(
    label: str, now: float, low: float, high: float, form: str = "%.2f", flags: int = 0
) -> tuple[bool, float]:
    """Draw a slider between two ends; a number typed into it (Ctrl and click) stays within them, too."""
    clamped = flags | imgui.SliderFlags_.always_clamp
    changed, moved = imgui.slider_float(label, now, low, high, form, clamped)
    return changed, as_shown(moved) if changed else now


def as_shown(moved: float) -> float:
    """Return a number of ImGui's, which has single precision, as a person would write it: 0.2, not 0.20…3."""
    return float(str(np.float32(moved)))


def pick(label: str, now: Any, values: Sequence[Any]) -> tuple[bool, Any]:
    """Draw a list to choose a value from."""
    changed, index = imgui.combo(label, list(values).index(now), [str(each) for each in values])
    return changed, values[index]


@dataclass(frozen=True, slots=True)
class Option:
    """An entry of a list: the value it stands for, its text, its tooltip. open: whether it can be chosen."""

    value: str
    text: str
    tip: str = ""
    open: bool = True


def pick_option(label: str, now: str, options: Sequence[Option]) -> tuple[bool, str]:
    """Draw a list of options with tooltips; those that cannot be chosen are grey."""
    chosen = now
    shown = next((each.text for each in options if each.value == now), now)
    if imgui.begin_combo(label, shown):
        for option in options:
            imgui.begin_disabled(not option.open)
            if imgui.selectable(option.text, option.value == now)[0]:
                chosen = option.value
            imgui.end_disabled()
            if option.tip and imgui.is_item_hovered(imgui.HoveredFlags_.allow_when_disabled):
                show_tip(option.tip)
        imgui.end_combo()
    return chosen != now, chosen


def show_tip(text: str) -> None:
    """Draw a tooltip at the pointer, wrapped."""
    if imgui.begin_tooltip():
        imgui.push_text_wrap_pos(_WIDE_EMS * imgui.get_font_size())
        imgui.text_unformatted(text)
        imgui.pop_text_wrap_pos()
        imgui.end_tooltip()


def held(setting: SettingField, label: str, now: Any, *, typed: bool) -> tuple[bool, Any]:
    """Draw a number that is a word, such as "auto", unless its check box holds it where it is."""
    word = setting.words[0]
    _, kept = imgui.checkbox(f"##keep {label}", now != word)
    imgui.same_line()
    imgui.begin_disabled(not kept)
    before: Any = max(setting.bounds[0] or 0, 0) if isinstance(now, str) else now
    if not kept:
        changed, value = imgui.input_text(label, word)[0], before
    elif setting.whole:
        changed, value = whole_number(label, before)
    elif typed:
        changed, value = imgui.input_double(label, before, format="%.6g")
    else:
        changed, value = _dragged(setting, label, before)
    imgui.end_disabled()
    if not kept:
        return now != word, word
    return changed or now == word, _within(setting, value)


def _dragged(setting: SettingField, label: str, before: float) -> tuple[bool, float]:
    panel = setting.declared.panel
    changed, value = imgui.drag_float(label, before, 0.5, format=panel.form if panel else "%.4g")
    return changed, as_shown(value) if changed else before


def radio(choices: dict[str, str], now: str) -> tuple[bool, str]:
    """Draw buttons side by side of which one is on. choices: label by value."""
    chosen = now
    for value, label in choices.items():
        if imgui.radio_button(label, now == value):
            chosen = value
        imgui.same_line()
    imgui.new_line()
    return chosen != now, chosen
