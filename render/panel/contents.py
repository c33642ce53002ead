"""The contents of the panel: a toolbar, and below it headings with the rows of all settings."""

from imgui_bundle import imgui

from valuescape.render.panel.drawing import Drawing, draw_mark
from valuescape.render.panel.form import Form
from valuescape.render.panel.headings import Headings
from valuescape.render.panel.rows import Row, Section
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.texts import matches
from valuescape.render.panel.tips import Tips
from valuescape.render.panel.toolbar import Toolbar
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer

_LABELS = 0.42
"""Share of the width that labels have."""

_LONG = 0.5
"""The share in a section of the configuration, where labels are long."""


class Contents:
    """Draws the panel's widgets, and keeps the settings that wait for a restart.

    tip: the text about the row under the pointer.
    """

    def __init__(self) -> None:
        self.form, self._drawing = Form(), Drawing()
        self.toolbar = Toolbar(self._drawing)
        self._headings = Headings()
        self._tips = Tips()
        self.tip = ""

    def draw(self, viewer: Viewer, standing: Standing) -> list[Change]:
        """Draw all widgets into the window that is open; return the changes that a person made.

        What is no setting of a configuration (help, frame costs, opacity of agents) is changed in the viewer.
        """
        self.form.begin(viewer, standing, holding=bool(imgui.internal.get_active_id()))
        self.toolbar.draw(self.form)
        imgui.begin_child("settings")
        for section in self._headings.of(standing):
            self._draw_section(section)
        imgui.end_child()
        self.tip = self._tips.show()
        return self.form.changes

    def _draw_section(self, section: Section) -> None:
        """Draw a heading and the rows under it; while something is searched for, those that are found."""
        query, standing = self.toolbar.query, self.form.standing
        rows = [row for row in section.rows if matches(row.words, query) and row.seen(standing)]
        if not rows:
            return
        imgui.push_id(section.owner + section.title)  # equal labels may be under two headings
        imgui.push_item_width(-(_LONG if section.long else _LABELS) * imgui.get_window_width())
        if self._is_open(section):
            for row in rows:
                self._draw_row(row)
        imgui.pop_item_width()
        imgui.pop_id()

    def _is_open(self, section: Section) -> bool:
        """Draw a heading; return whether its rows are to be seen."""
        if self.toolbar.query:
            imgui.separator_text(section.title)
            return True
        flags = imgui.TreeNodeFlags_.default_open if section.open else 0
        seen = imgui.collapsing_header(section.title, flags)
        if section.tip and imgui.is_item_hovered():
            self._tips.point_at(section.tip)
        return seen

    def _draw_row(self, row: Row) -> None:
        top = imgui.get_cursor_screen_pos().y
        imgui.begin_group()
        self._drawing.draw(row.widgets(self.form))
        imgui.end_group()
        if row.tip and imgui.is_item_hovered(imgui.HoveredFlags_.allow_when_disabled):
            self._tips.point_at(row.tip)
        if mark := row.mark(self.form):
            draw_mark(mark, top)
