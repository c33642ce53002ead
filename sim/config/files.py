"""A whole configuration, from where it is written to who needs it.

A configuration is a frozen value that is read from TOML, changed by `--set section.key=value`, handed to
everyone who needs it and pickled to the workers. Bad input becomes a `UsageError` that names file and key.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from valuescape.sim.config.sections import (
    AgentsConfig,
    FeaturesConfig,
    FlockConfig,
    HealthConfig,
    HeatmapConfig,
    LodConfig,
    PolicyConfig,
    RenderConfig,
    RunConfig,
    Section,
    SimConfig,
    StatsConfig,
    TrailsConfig,
    WorkersConfig,
    WorldConfig,
)
from valuescape.sim.config.toml_reader import NestedTooDeeplyError, parse_toml, read_toml
from valuescape.sim.errors import UsageError, cut, shown

_NAME_LENGTH = 80
"""Characters of a name or an override that a message repeats at most."""


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
    lod: LodConfig = LodConfig()
    render: RenderConfig = RenderConfig()
    health: HealthConfig = HealthConfig()
    stats: StatsConfig = StatsConfig()
    features: FeaturesConfig = FeaturesConfig()


LIVE = frozenset(
    {
        "agents.size_px",
        *(f"heatmap.{key}" for key in ("colormap", "density_colormap", "low", "high", "opacity", "contours")),
        *("heatmap.layer", "heatmap.slice", "lod.segment_budget", "sim.ticks_per_s"),
        *(f"trails.{key}" for key in ("color_by", "width_px", "opacity", "end_marks")),
        *(f"render.{key}" for key in ("view", "glow", "tone_mapping", "turn_deg_per_s", "select", "follow")),
    }
)
"""Settings that a key or the panel changes while a run goes on; for the others it begins anew."""


def load_config(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """Return the configuration in `path` (or the defaults) with `section.key=value` overrides applied.

    Raises UsageError naming the file, key, value and expectation for anything that does not fit.
    """
    tables = read_toml(path) if path else {}
    origin: dict[tuple[str, ...], str] = {}
    for override in overrides:
        section, key, value = _split_override(override)
        table = tables.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"{path}: {section} = {shown(table)}, expected a table: [{section}]")
        where = f"--set {cut(override, _NAME_LENGTH)}"
        if not table:
            origin[(section,)] = where
        table[key] = value
        origin[section, key] = where
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise _explain(error, origin, str(path or "configuration")) from None


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some settings (`section.key`: value) changed.

    Raises UsageError, as `load_config` does, for what does not fit.
    """
    tables = config.model_dump()
    for name, value in changes.items():
        section, _, key = name.partition(".")
        tables[section][key] = value
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise _explain(error, {}, "configuration") from None


def _split_override(override: str) -> tuple[str, str, Any]:
    try:
        override.encode()
    except UnicodeEncodeError:
        raise UsageError(f"--set {override}: has bytes that are no text in UTF-8") from None
    name, equals, text = override.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise UsageError(
            f"--set {override}: expected section.key=value", "for example --set agents.count=500"
        )
    return section, key, _value(override, text)


def _value(override: str, text: str) -> Any:
    """Return what `text` is as TOML; else it is a bare word, which is a string: --set world.name=pendulum."""
    try:
        tables = parse_toml(f"value = {text}")
    except NestedTooDeeplyError as error:
        raise UsageError(f"--set {override}: {error}", "for example --set agents.count=500") from None
    except ValueError:
        return text.strip()
    return tables["value"] if len(tables) == 1 else text.strip()


def _explain(error: ValidationError, origin: dict[tuple[str, ...], str], default: str) -> UsageError:
    """Turn pydantic's first complaint into one sentence that names where, what, and what was expected."""
    first = error.errors()[0]
    location = tuple(str(part) for part in first["loc"][:2])
    where = origin.get(location, default)
    if first["type"] == "extra_forbidden":
        return _unknown_key(where, location)
    if len(location) == 1:
        return UsageError(
            f"{where}: {location[0]} = {shown(first['input'])}, expected a table: [{location[0]}]"
        )
    section, key = location
    field = _section(section).model_fields[key]
    schema = _section(section).model_json_schema()["properties"][key]
    name = f"{section}.{key}"
    expected = _expectation(schema)
    if first["type"] == "string_too_long":
        expected += f" of at most {first['ctx']['max_length']:,} characters"
    return UsageError(
        f"{where}: {name} = {shown(first['input'])}, expected {expected}",
        f"{name}: {field.description}",
    )


def expectation(section: str, key: str) -> str:
    """Return in words what a setting may be: `a whole number from 0 to 256`."""
    return _expectation(_section(section).model_json_schema()["properties"][key])


def _expectation(schema: dict[str, Any]) -> str:
    """Say in words what a key's JSON schema admits: `'auto' or a whole number from 0 to 256`."""
    if "anyOf" in schema:
        return " or ".join(_expectation(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(repr(each) for each in schema.get("enum", [schema.get("const")]))
    kind = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "string": "text"}
    return f"{kind[schema['type']]}{_bounds(schema)}"


def _bounds(schema: dict[str, Any]) -> str:
    bound = {key: _number(schema[key]) for key in _BOUNDS if key in schema}
    if bound.keys() == {"minimum", "maximum"}:
        return f" from {bound['minimum']} to {bound['maximum']}"
    return ", " + " and ".join(f"{_BOUNDS[key]} {value}" for key, value in bound.items()) if bound else ""


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) >= 1e24 else f"{value:,}".removesuffix(".0")


_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _section(name: str) -> type[Section]:
    section = Config.model_fields[name].annotation
    assert isinstance(section, type)
    assert issubclass(section, Section)
    return section


def _unknown_key(where: str, location: tuple[str, ...]) -> UsageError:
    known = list(Config.model_fields if len(location) == 1 else _section(location[0]).model_fields)
    near = difflib.get_close_matches(location[-1][:_NAME_LENGTH], known, n=1)
    name = cut(".".join(location), _NAME_LENGTH)
    if near:
        return UsageError(f"{where}: {name} is unknown; did you mean {near[0]}?")
    return UsageError(f"{where}: {name} is unknown", f"known here: {', '.join(known)}")
