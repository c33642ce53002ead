"""The look of the picture: the settings that each frame reads anew, as they are now."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from valuescape.sim.config.checks import require_scale_ends
from valuescape.sim.config.files import changed_section
from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.config.model import Config, SettingField, settings_of
from valuescape.sim.config.picture_sections import HeatmapConfig, RenderConfig, TrailsConfig
from valuescape.sim.config.sections import AgentsConfig
from valuescape.sim.config.setting import Live


@dataclass(frozen=True, slots=True)
class Looks:
    """The current values of the settings declared as `Live.LOOKS`: opacities, sizes, colours, effects.

    A frame reads `looks.trails.width_px` as it would read it from a configuration. The other settings of
    these sections have their defaults here, whatever the configuration says: two looks are equal if the
    pictures are. agent_opacity: of all marks; no setting, since no configuration changes it.
    """

    agents: AgentsConfig = field(default_factory=AgentsConfig)
    heatmap: HeatmapConfig = field(default_factory=HeatmapConfig)
    insight: InsightConfig = field(default_factory=InsightConfig)
    trails: TrailsConfig = field(default_factory=TrailsConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    agent_opacity: float = 1.0

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return what a configuration asks for."""
        values: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
        for each in looks_settings(type(config)):
            values[each.section][each.key] = each.value_in(config)
        return cls(**{name: type(getattr(config, name))(**values[name]) for name in _SECTIONS})

    def having(self, name: str, value: Any) -> Self:
        """Return these looks with another value of the setting `section.key`.

        Raises UsageError if the value does not fit, or the ends of the colour scale would cross.
        """
        section, _, key = name.partition(".")
        after: Any = changed_section(section, getattr(self, section), key, value)
        if isinstance(after, HeatmapConfig):
            require_scale_ends(after)
        return replace(self, **{section: after})

    def value(self, name: str) -> Any:
        """Return the value of the setting `section.key`."""
        section, _, key = name.partition(".")
        return getattr(getattr(self, section), key)

    def differences(self, other: "Looks") -> dict[str, Any]:
        """Return what differs in `other`, by name, with its values there."""
        found = {each.name: other.value(each.name) for each in looks_settings()}
        found = {name: value for name, value in found.items() if value != self.value(name)}
        if self.agent_opacity != other.agent_opacity:
            found["agent_opacity"] = other.agent_opacity
        return found


_SECTIONS = [each.name for each in fields(Looks) if each.name in Config.model_fields]


def looks_settings(config: type[Config] = Config) -> list[SettingField]:
    """Return the settings that are looks."""
    return [each for each in settings_of(config).values() if each.declared.live is Live.LOOKS]
