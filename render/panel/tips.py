"""Tooltips of the panel: the meaning of the setting that the pointer rests on."""

from imgui_bundle import imgui

from valuescape.render.panel.drawing import show_tip

_RESTS_S = 0.5
"""Seconds that the pointer rests on a row until its tip comes."""


class Tips:
    """Shows the tip of the row that the pointer rests on."""

    def __init__(self) -> None:
        self._resting_on, self._rested_s = "", 0.0
        self._pointed_at = ""

    def point_at(self, text: str) -> None:
        """Note that the pointer is on the row that was drawn last, which has this tip."""
        self._pointed_at = text

    def show(self) -> str:
        """Draw the tip of the row that was pointed at in this frame, if it is due; return its text."""
        text, self._pointed_at = self._pointed_at, ""
        if text != self._resting_on:
            self._resting_on, self._rested_s = text, 0.0
        self._rested_s += imgui.get_io().delta_time
        if not text or self._rested_s < _RESTS_S or imgui.is_any_item_active():
            return ""
        show_tip(text)
        return text
