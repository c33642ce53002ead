"""All headings of the panel, in their order."""

from dataclasses import replace

from valuescape.render.panel.parameters import parameter_rows
from valuescape.render.panel.plugin_sections import plugin_section
from valuescape.render.panel.rows import Section, sections_of
from valuescape.render.panel.standing import Standing
from valuescape.sim.config.model import Config
from valuescape.sim.config.setting import Group
from valuescape.sim.worlds.parameters import Parameter


class Headings:
    """Keeps the headings of a configuration and of a world; they are stale when there are others."""

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._config: type[Config] | None = None
        self._parameters: tuple[Parameter, ...] = ()

    def of(self, standing: Standing) -> list[Section]:
        """Return the headings: those of the picture, those of plug-ins, those that are closed at first."""
        self._take(type(standing.config), standing.plane.world.parameters)
        own = [each for each in self._sections if each.open]
        closed = [each for each in self._sections if not each.open]
        return [*own, *map(plugin_section, standing.sections), *closed]

    def _take(self, config: type[Config], parameters: tuple[Parameter, ...]) -> None:
        if (config, parameters) == (self._config, self._parameters):
            return
        self._config, self._parameters = config, parameters
        self._sections = [
            replace(each, rows=(*each.rows, *parameter_rows(parameters)))
            if each.title == Group.WORLD
            else each
            for each in sections_of(config)
        ]
