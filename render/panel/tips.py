"""Tooltips of the panel: the meaning of the setting that the widget under the pointer changes."""

from collections.abc import Mapping

from imgui_bundle import imgui

from valuescape.render.panel.widgets import show_tip
from valuescape.sim.config.model import SettingField

_RESTS_S = 0.5
"""Seconds that the pointer rests on a widget until its tip comes."""


def tip(setting: SettingField) -> str:
    """Return what is said of a setting: its name, its meaning and its unit."""
    return f"{setting.name}: {setting.meaning}"


class Tips:
    """Shows the tip of the widget that the pointer rests on."""

    def __init__(self) -> None:
        self._resting_on, self._rested_s = 0, 0.0

    def show(self, settings: Mapping[str, SettingField]) -> str:
        """Draw a tip if it is time for one; the window of the widgets must be open. Returns its text."""
        hovered = imgui.internal.get_hovered_id()
        if hovered != self._resting_on:
            self._resting_on, self._rested_s = hovered, 0.0
        self._rested_s += imgui.get_io().delta_time
        if not hovered or self._rested_s < _RESTS_S:
            return ""
        text = _texts(settings).get(hovered, "")
        if text:
            show_tip(text)
        return text


def _texts(settings: Mapping[str, SettingField]) -> dict[int, str]:
    """Return the tip of each widget by its ID in the window that is open."""
    texts = {}
    for setting in settings.values():
        if not (panel := setting.declared.panel):
            continue
        imgui.push_id(panel.group.value)
        for label in panel.labels:
            texts[imgui.get_id(label)] = tip(setting)
            imgui.push_id(label)  # the buttons of a number are in a group of its own
            texts[imgui.get_id("")] = tip(setting)
            imgui.pop_id()
        imgui.pop_id()
    return texts
