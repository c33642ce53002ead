"""The top of the panel, which stays while the rest scrolls: search, undo, reset, presets, drafts."""

from imgui_bundle import imgui

from valuescape.render.panel.form import Form
from valuescape.render.view.changes import Request, SavePreset

_HINT = "search settings"


class Toolbar:
    """Draws the top of the panel. query: the words that are searched for."""

    def __init__(self) -> None:
        self.query = ""
        self._saving = False
        self._name = "mine"
        self._here = False

    def draw(self, form: Form) -> None:
        """Draw it into the window that is open."""
        imgui.push_id("toolbar")
        self._draw_search()
        self._draw_buttons(form)
        if self._saving:
            self._draw_saving(form)
        _draw_drafts(form)
        imgui.pop_id()

    def _draw_search(self) -> None:
        clear = imgui.get_frame_height() + imgui.get_style().item_spacing.x if self.query else 0.0
        imgui.set_next_item_width(imgui.get_content_region_avail().x - clear)
        self.query = imgui.input_text_with_hint("##search", _HINT, self.query)[1]
        if clear:
            imgui.same_line()
            if imgui.button("×", (imgui.get_frame_height(), 0)):
                self.query = ""

    def _draw_buttons(self, form: Form) -> None:
        past = form.standing.past
        _request_button(form, Request.UNDO, past.undo, f"undo: {past.undo} (Ctrl Z)")
        _request_button(form, Request.REDO, past.redo, f"do again: {past.redo} (Ctrl Y)")
        _request_button(form, Request.RESET, past.changed, f"reset to their first values: {past.changed}")
        if imgui.button("save…"):
            self._saving = not self._saving
        _tip("save the settings as a preset: a file that `valuescape run` starts")

    def _draw_saving(self, form: Form) -> None:
        """Draw the name of the preset, its folder, and the button that saves it."""
        imgui.set_next_item_width(-0.35 * imgui.get_window_width())
        entered, self._name = imgui.input_text("##name", self._name, imgui.InputTextFlags_.enter_returns_true)
        imgui.same_line()
        if imgui.button("save") or entered:
            form.ask(SavePreset(self._name, self._here))
            self._saving = False
        for text, here in (("run's folder", False), ("current folder", True)):
            if imgui.radio_button(text, self._here == here):
                self._here = here
            imgui.same_line()
        imgui.new_line()


def _request_button(form: Form, request: Request, can: str, tip: str) -> None:
    """Draw a button for a request, grey if there is nothing to do. can: what would be done, in words."""
    imgui.begin_disabled(not can)
    if imgui.button(request.value):
        form.ask(request)
    imgui.end_disabled()
    if can:
        _tip(tip)
    imgui.same_line()


def _draw_drafts(form: Form) -> None:
    """Draw the buttons that restart the run with the drafts, or drop them.

    Without drafts they are grey rather than absent, so that nothing moves under the pointer.
    """
    imgui.begin_disabled(not form.drafts)
    if imgui.button("restart with these"):
        form.restart()
    if form.drafts:
        _tip("restart with: " + ", ".join(form.drafts))
    imgui.same_line()
    if imgui.button("drop"):
        form.drafts.clear()
    imgui.end_disabled()


def _tip(text: str) -> None:
    if imgui.is_item_hovered(imgui.HoveredFlags_.for_tooltip):
        imgui.set_tooltip(text)
