"""Marks of settings that differ from the run's start, and the button that resets one."""

from typing import Any

from imgui_bundle import imgui

from valuescape.render.panel.form import Form
from valuescape.sim.config.model import SettingField
from valuescape.sim.config.toml_writer import toml_value

_CHANGED, _DRAFTED = (0.35, 0.75, 1.0, 1.0), (1.0, 0.75, 0.3, 1.0)
"""Colours: changed since the run started; waits for a restart."""

_BAR_EMS = 0.22
_SIGN = "↺"


def draw_mark(setting: SettingField, form: Form, top: float) -> None:
    """Mark the row of a setting, from `top` down, if it is changed or drafted, and draw its reset button.

    A live setting gets the value that the run started with; the draft of another one is dropped, or drafted
    back.
    """
    started = setting.value_in(form.standing.past.started)
    drafted = setting.name in form.drafts
    if not drafted and form.now(setting) == started:
        return
    if draw_reset(setting.name, top, toml_value(started), drafted=drafted):
        _reset(setting, form, started)


def draw_reset(name: str, top: float, first: str, *, drafted: bool = False) -> bool:
    """Draw a bar at the left of a row, and a button at its right; return whether that was pressed.

    top: of the row, pixels of the display. first: the value that the button gives back, in words. drafted:
    the row waits for a restart.
    """
    _draw_bar(top, _DRAFTED if drafted else _CHANGED)
    width = imgui.calc_text_size(_SIGN).x + 2 * imgui.get_style().frame_padding.x
    imgui.same_line()
    imgui.same_line(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
    pressed = imgui.small_button(f"{_SIGN}##reset {name}")
    if imgui.is_item_hovered():
        imgui.set_tooltip(f"reset {name} to {first}")
    return pressed


def _reset(setting: SettingField, form: Form, started: Any) -> None:
    if setting.declared.live:
        form.set(setting, started)
    elif setting.name in form.drafts:
        del form.drafts[setting.name]
    else:
        form.drafts[setting.name] = started


def _draw_bar(top: float, color: tuple[float, float, float, float]) -> None:
    """Draw a bar along the left edge of the window, from `top` to the end of the item drawn last."""
    left, width = imgui.get_window_pos().x, _BAR_EMS * imgui.get_font_size()
    bottom = imgui.get_item_rect_max().y
    packed = imgui.get_color_u32(imgui.ImVec4(*color))
    imgui.get_window_draw_list().add_rect_filled((left, top), (left + width, bottom), packed)
