"""Marks of settings that are not as the run started, and the button that resets one."""

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
    """Mark the rows of a setting, from `top` down, if it is changed or drafted, and draw its reset button.

    A live setting gets the value that the run started with; the draft of another one is dropped, or drafted
    back.
    """
    started = setting.value_in(form.standing.past.started)
    drafted = setting.name in form.drafts
    if not drafted and not _is_changed(setting, form, started):
        return
    _draw_bar(top, _DRAFTED if drafted else _CHANGED)
    width = imgui.calc_text_size(_SIGN).x + 2 * imgui.get_style().frame_padding.x
    imgui.same_line(imgui.get_cursor_pos_x() + imgui.get_content_region_avail().x - width)
    if imgui.small_button(f"{_SIGN}##reset {setting.name}"):
        _reset(setting, form, started)
    if imgui.is_item_hovered():
        imgui.set_tooltip(f"reset {setting.name} to {toml_value(started)}")


def _is_changed(setting: SettingField, form: Form, started: Any) -> bool:
    if setting.name == "workers.count" and started == "auto" and not setting.declared.live:
        return bool(setting.value_in(form.standing.config) != "auto")
    return bool(form.now(setting) != started)


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
