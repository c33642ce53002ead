"""The contents of the panel: a toolbar, and below it headings with the rows of all settings."""

from dataclasses import replace

from imgui_bundle import imgui

from valuescape.render.panel.form import Form
from valuescape.render.panel.parameters import parameter_rows
from valuescape.render.panel.plugin_sections import plugin_section
from valuescape.render.panel.rows import Row, Section, sections_of
from valuescape.render.panel.search import matches
from valuescape.render.panel.standing import Standing
from valuescape.render.panel.tips import Tips
from valuescape.render.panel.toolbar import Toolbar
from valuescape.render.view.changes import Change
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.model import Config
from valuescape.sim.config.setting import Group
from valuescape.sim.worlds.parameters import Parameter

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
        self._parameters: tuple[Parameter, ...] = ()
        self._tips = Tips()
        self.tip = ""

    def draw(self, viewer: Viewer, standing: Standing) -> list[Change]:
        """Draw all widgets into the window that is open; return the changes that a person made.

        What is no setting of a configuration (help, frame costs, opacity of agents) is changed in the viewer.
        """
        self.form.begin(viewer, standing)
        self._take_rows(type(standing.config), standing.plane.world.parameters)
        self.toolbar.draw(self.form)
        imgui.begin_child("settings")
        imgui.push_item_width(-_LABELS * imgui.get_window_width())
        own = [each for each in self._sections if each.open]
        closed = [each for each in self._sections if not each.open]
        for section in (*own, *map(plugin_section, standing.sections), *closed):
            self._draw_section(section)
        imgui.pop_item_width()
        imgui.end_child()
        self.tip = self._tips.show()
        return self.form.changes

    def _take_rows(self, config: type[Config], parameters: tuple[Parameter, ...]) -> None:
        """Take the rows of a configuration and of a world; they stay until there are others."""
        if (config, parameters) == (self._config, self._parameters):
            return
        self._config, self._parameters = config, parameters
        self._sections = [
            replace(each, rows=(*each.rows, *parameter_rows(parameters)))
            if each.title == Group.WORLD
            else each
            for each in sections_of(config)
        ]

    def _draw_section(self, section: Section) -> None:
        """Draw a heading and the rows under it; while something is searched for, those that are found."""
        query, standing = self.toolbar.query, self.form.standing
        rows = [row for row in section.rows if matches(row.words, query) and row.seen(standing)]
        if not rows:
            return
        imgui.push_id(section.owner + section.title)  # equal labels may be under two headings
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
        if row.tip and imgui.is_item_hovered(imgui.HoveredFlags_.allow_when_disabled):
            self._tips.point_at(row.tip)
        if row.mark:
            row.mark(self.form, top)
