"""The contents of the panel: a toolbar, and below it headings with the rows of all settings."""

from imgui_bundle import imgui

from valuescape.render.panel.form import Form
from valuescape.render.panel.marks import draw_mark
from valuescape.render.panel.rows import Row, Section, sections_of
from valuescape.render.panel.search import matches
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.tips import Tips, tip
from valuescape.render.panel.toolbar import Toolbar
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.model import Config
from valuescape.sim.config.setting import Group

_LABELS = 0.42
"""Share of the width that labels have."""


class Contents:
    """Draws the panel's widgets, and keeps the settings that wait for a restart.

    tip: the text about the row under the pointer.
    """

    def __init__(self) -> None:
        self.form, self.toolbar = Form(), Toolbar()
        self._sections: list[Section] = []
        self._config: type[Config] | None = None
        self._tips = Tips()
        self.tip = ""

    def draw(self, viewer: Viewer, standing: Standing) -> list[Change]:
        """Draw all widgets into the window that is open; return the changes that a person made.

        What is no setting of a configuration (help, frame costs, opacity of agents) is changed in the viewer.
        """
        self.form.begin(viewer, standing)
        if self._config is not type(standing.config):
            self._config = type(standing.config)
            self._sections = sections_of(self._config)
        self.toolbar.draw(self.form)
        imgui.begin_child("settings")
        imgui.push_item_width(-_LABELS * imgui.get_window_width())
        for section in self._sections:
            self._draw_section(section)
        imgui.pop_item_width()
        imgui.end_child()
        self.tip = self._tips.show()
        return self.form.changes

    def _draw_section(self, section: Section) -> None:
        """Draw a heading and the rows under it; while something is searched for, those that are found."""
        if section.title == Group.SLICE and len(self.form.standing.plane.world.state) <= 2:
            return
        query = self.toolbar.query
        rows = [row for row in section.rows if matches(row.words, query)]
        if not rows:
            return
        imgui.push_id(section.title)  # so that equal labels under two headings are different widgets
        if self._is_open(section):
            for row in rows:
                self._draw_row(row)
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
        row.draw(self.form)
        imgui.end_group()
        if row.setting is None:
            return
        if imgui.is_item_hovered(imgui.HoveredFlags_.allow_when_disabled):
            self._tips.point_at(tip(row.setting))
        draw_mark(row.setting, self.form, top)
