"""The whole configuration as one immutable value, and its settings by name.

A configuration is read from TOML, changed by `--set section.key=value`, and pickled to the workers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from valuescape.sim.config.insight_section import InsightConfig
from valuescape.sim.config.picture_sections import HeatmapConfig, LodConfig, RenderConfig, TrailsConfig
from valuescape.sim.config.sections import (
    AgentsConfig,
    FeaturesConfig,
    FlockConfig,
    HealthConfig,
    PluginsConfig,
    PolicyConfig,
    RunConfig,
    Section,
    SimConfig,
    StatsConfig,
    WorkersConfig,
    WorldConfig,
)
from valuescape.sim.config.setting import Setting, declaration


class Config(Section):
    """A whole configuration; `configs/*.toml` hold presets of it."""

    run: RunConfig = RunConfig()
    agents: AgentsConfig = AgentsConfig()
    workers: WorkersConfig = WorkersConfig()
    world: WorldConfig = WorldConfig()
    flock: FlockConfig = FlockConfig()
    policy: PolicyConfig = PolicyConfig()
    sim: SimConfig = SimConfig()
    trails: TrailsConfig = TrailsConfig()
    heatmap: HeatmapConfig = HeatmapConfig()
    insight: InsightConfig = InsightConfig()
    lod: LodConfig = LodConfig()
    render: RenderConfig = RenderConfig()
    health: HealthConfig = HealthConfig()
    stats: StatsConfig = StatsConfig()
    features: FeaturesConfig = FeaturesConfig()
    plugins: PluginsConfig = PluginsConfig()


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting of a configuration: its place, its pydantic field, and its declaration."""

    section: str
    key: str
    field: FieldInfo
    declared: Setting

    @property
    def name(self) -> str:
        """The setting as `--set` names it: `section.key`."""
        return f"{self.section}.{self.key}"

    @property
    def default(self) -> Any:
        """The value without a configuration file."""
        return self.field.default

    @property
    def meaning(self) -> str:
        """The description, with the unit if there is one: `width of the picture (px)`."""
        unit = f" ({self.declared.unit})" if self.declared.unit else ""
        return f"{self.field.description}{unit}"

    @property
    def words(self) -> tuple[str, ...]:
        """The texts that the setting may be, in the order they are declared; () if it may be any text."""
        return tuple(each for each in _literals(self.field.annotation) if isinstance(each, str))

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values to choose from, if the type names all of them; else ()."""
        return tuple(_literals(self.field.annotation)) if _is_choice(self.field.annotation) else ()

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole numbers."""
        return int in _types(self.field.annotation)

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the greatest number that the setting may be, or may only approach; None: no end."""
        found: dict[str, float] = {}
        for each in _constraints(self.field.metadata, self.field.annotation):
            for name in ("ge", "gt", "le", "lt"):
                found |= {name: getattr(each, name)} if hasattr(each, name) else {}
        return found.get("ge", found.get("gt")), found.get("le", found.get("lt"))

    def value_in(self, config: Config) -> Any:
        """Return the value of the setting in a configuration."""
        return getattr(getattr(config, self.section), self.key)


@cache
def settings_of(config: type[Config] = Config) -> dict[str, SettingField]:
    """Return all settings of a class of configurations by name, in the order of sections and fields."""
    found = {}
    for section in config.model_fields:
        for key, field in section_class(section, config).model_fields.items():
            each = SettingField(section, key, field, declaration(field))
            found[each.name] = each
    return found


def section_class(section: str, config: type[Config] = Config) -> type[Section]:
    """Return the class of a section by the section's name."""
    found = config.model_fields[section].annotation
    assert isinstance(found, type)
    assert issubclass(found, Section)
    return found


def _is_choice(annotation: Any) -> bool:
    """Return whether a type is made of `Literal`s alone."""
    if get_origin(annotation) is Literal:
        return True
    inner = get_args(annotation)
    return bool(inner) and all(_is_choice(each) for each in inner)


def _constraints(metadata: Iterable[Any], annotation: Any) -> Iterator[Any]:
    """Yield what bounds a number: of a field itself, or of one of the types that it may have."""
    for each in metadata:
        if isinstance(each, FieldInfo):
            yield from each.metadata
        else:
            yield each
    for each in get_args(annotation):
        yield from _constraints(getattr(each, "__metadata__", ()), each)


def _types(annotation: Any) -> list[Any]:
    """Return the plain types that a type is made of."""
    return [annotation, *(kind for each in get_args(annotation) for kind in _types(each))]


def _literals(annotation: Any) -> list[Any]:
    """Return the values of all `Literal`s in a type."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for each in get_args(annotation) for value in _literals(each)]


LIVE = frozenset(name for name, each in settings_of().items() if each.declared.live)
"""Names of the settings that can change during a run; a new value of another one needs a new run."""

TABLES = frozenset(name for name, each in settings_of().items() if isinstance(each.default, dict))
"""Names of the settings that are tables; `section.key.name` is a value in one."""
