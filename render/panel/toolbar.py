"""Draws the top of the panel, which stays while the rest scrolls: search, undo, reset, presets, drafts."""

from imgui_bundle import imgui

from valuescape.render.panel.bar import (
    FIRST_NAME,
    SAVE_TIP,
    SEARCH_HINT,
    draft_buttons,
    past_buttons,
    saving_fields,
)
from valuescape.render.panel.drawing import Drawing
from valuescape.render.panel.form import Form


class Toolbar:
    """Draws the top of the panel. query: the words that are searched for."""

    def __init__(self, drawing: Drawing) -> None:
        self.query = ""
        self._drawing = drawing
        self._saving = False
        self._name = FIRST_NAME
        self._folder = 0

    def draw(self, form: Form) -> None:
        """Draw it into the window that is open."""
        imgui.push_id("toolbar")
        self._draw_search()
        self._draw_buttons(form)
        if self._saving:
            self._draw_saving(form)
        self._drawing.draw(draft_buttons(form))
        imgui.pop_id()

    def _draw_search(self) -> None:
        clear = imgui.get_frame_height() + imgui.get_style().item_spacing.x if self.query else 0.0
        imgui.set_next_item_width(imgui.get_content_region_avail().x - clear)
        self.query = imgui.input_text_with_hint("##search", SEARCH_HINT, self.query)[1]
        if clear:
            imgui.same_line()
            if imgui.button("×", (imgui.get_frame_height(), 0)):
                self.query = ""

    def _draw_buttons(self, form: Form) -> None:
        self._drawing.draw(past_buttons(form))
        imgui.same_line()
        if imgui.button("save…"):
            self._saving = not self._saving
        if imgui.is_item_hovered(imgui.HoveredFlags_.for_tooltip):
            imgui.set_tooltip(SAVE_TIP)

    def _draw_saving(self, form: Form) -> None:
        """Draw the name of the preset, the button that saves it, and its folder."""
        fields = saving_fields(form)
        imgui.set_next_item_width(-0.35 * imgui.get_window_width())
        entered, self._name = imgui.input_text("##name", self._name, imgui.InputTextFlags_.enter_returns_true)
        imgui.same_line()
        if imgui.button("save") or entered:
            fields[self._folder].take(self._name)
            self._saving = False
        for index, field in enumerate(fields):
            if imgui.radio_button(field.label, self._folder == index):
                self._folder = index
            imgui.same_line()
        imgui.new_line()
