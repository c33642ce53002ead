"""Widgets of Dear ImGui for values: each draws itself and returns the value, and whether it was changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from imgui_bundle import imgui

from valuescape.sim.config.model import SettingField
from valuescape.sim.config.setting import Panel

_WIDE_EMS = 19
"""Width of tooltips."""


def setting_widget(setting: SettingField, now: Any, words: Sequence[str] = ()) -> tuple[bool, Any]:
    """Draw the widget that suits a setting's type, with its declared label, ends and format.

    A switch is a check box, a word out of several a list, other text a field, a number a slider. One that
    needs a new run is typed, and one that may be "auto" has a check box that holds it. words: to choose from
    instead of the declared ones.
    Returns whether it was changed, and the value.
    """
    panel = setting.declared.panel
    assert panel
    label, words = panel.labels[0], words or setting.words
    if isinstance(setting.default, bool):
        return imgui.checkbox(label, now)
    if len(words) > 1:
        return pick(label, now, words)
    if isinstance(setting.default, str) and "auto" not in words:
        return imgui.input_text(label, now, imgui.InputTextFlags_.enter_returns_true)
    if setting.declared.live is None:
        return imgui.input_int(label, now)
    if "auto" in words:
        return held(label, now, panel.form)
    if isinstance(setting.default, int):
        flags = imgui.SliderFlags_.always_clamp
        return imgui.slider_int(label, now, round(panel.low), round(panel.high), panel.form, flags)
    return _slider_of(panel, label, now)


def _slider_of(panel: Panel, label: str, now: float) -> tuple[bool, float]:
    flags = imgui.SliderFlags_.logarithmic if panel.logarithmic else 0
    return slider(label, now, panel.low, panel.high, panel.form, flags)


def slider(
    label: str, now: float, low: float, high: float, form: str = "%.2f", flags: int = 0
) -> tuple[bool, float]:
    """Draw a slider between two ends; a number typed into it (Ctrl and click) stays within them, too."""
    clamped = flags | imgui.SliderFlags_.always_clamp
    changed, moved = imgui.slider_float(label, now, low, high, form, clamped)
    return changed, moved if changed else now  # ImGui's numbers are shorter


def pick(label: str, now: str, words: Sequence[str]) -> tuple[bool, str]:
    """Draw a list to choose a word from."""
    changed, index = imgui.combo(label, list(words).index(now), list(words))
    return changed, words[index]


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


def held(label: str, now: float | str, form: str) -> tuple[bool, float | str]:
    """Draw a number that is "auto" unless its check box holds it where it is."""
    _, kept = imgui.checkbox(f"##keep {label}", now != "auto")
    imgui.same_line()
    imgui.begin_disabled(not kept)
    before = 0.0 if isinstance(now, str) else now
    changed, number = imgui.drag_float(label, before, 0.5, format=form)
    imgui.end_disabled()
    if not kept:
        return now != "auto", "auto"
    return changed or now == "auto", number if changed else before


def radio(choices: dict[str, str], now: str) -> tuple[bool, str]:
    """Draw buttons side by side of which one is on. choices: label by value."""
    chosen = now
    for value, label in choices.items():
        if imgui.radio_button(label, now == value):
            chosen = value
        imgui.same_line()
    imgui.new_line()
    return chosen != now, chosen
