"""Configurations from TOML files and from `--set section.key=value`.

Bad input becomes a `UsageError` that names file, key, value and what was expected.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from valuescape.sim.config.complaints import NAME_LENGTH, complaint, no_table
from valuescape.sim.config.model import TABLES, Config
from valuescape.sim.config.sections import Section
from valuescape.sim.config.toml_reader import NestedTooDeeplyError, parse_toml, read_toml
from valuescape.sim.errors import UsageError, cut

__all__ = ["Config", "changed", "changed_section", "config_of", "load_config", "overridden", "whole"]


def load_config(path: Path | None, overrides: Iterable[str] = ()) -> Config:
    """Return the configuration in `path` (or the defaults) with `section.key=value` overrides applied.

    Raises UsageError naming the file, key, value and expectation for anything that does not fit.
    """
    return config_of(read_toml(path) if path else {}, overrides, str(path or "configuration"))


def config_of(tables: dict[str, Any], overrides: Iterable[str], where: str) -> Config:
    """Return the configuration that the tables of a file describe, with overrides applied.

    tables: as `read_toml` returns them; changed. where: names the file in messages. Raises UsageError as
    `load_config` does.
    """
    origin: dict[tuple[str, ...], str] = {}
    given_values = [(override, *_split_override(override)) for override in overrides]
    worlds = [value for _, path, value in given_values if path == _WORLD]
    if worlds and worlds[-1] != _at(tables, _WORLD):
        _forget_parameters(tables)
    for override, path, value in given_values:
        table, given = tables, f"--set {cut(override, NAME_LENGTH)}"
        for depth, name in enumerate(path[:-1], 1):
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise no_table(where, ".".join(path[:depth]), table)
            if not table:
                origin[path[:depth]] = given
        table[path[-1]] = value
        origin[path] = given
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise complaint(error, origin, where) from None


def overridden(overrides: Iterable[str]) -> dict[str, str]:
    """Return the overrides by the name that each of them gives a value, as in `--set`. Raises UsageError."""
    return {".".join(_split_override(each)[0]): each for each in overrides}


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some settings (`section.key`: value) changed.

    `world.parameters.gravity` is one, too; another `world.name` forgets what is about the one before. Raises
    UsageError, as `load_config` does, for a value that does not fit.
    """
    tables = config.model_dump()
    if changes.get("world.name", config.world.name) != config.world.name:
        _forget_parameters(tables)
    for name, value in changes.items():
        *path, key = _path(name)
        table = tables
        for each in path:
            table = table.setdefault(each, {})
        table[key] = value
    try:
        return type(config).model_validate(tables)
    except ValidationError as error:
        raise complaint(error, {}, "configuration") from None


def whole(config: Config, name: str, value: Any) -> tuple[str, Any]:
    """Return the setting that `name` belongs to, and its value with that change.

    They are name and value themselves, but of `world.parameters.gravity`, which is an entry in a table.
    """
    section, key, *inner = _path(name)
    if not inner:
        return name, value
    return f"{section}.{key}", {**getattr(getattr(config, section), key), inner[0]: value}


def changed_section(name: str, section: Section, key: str, value: Any) -> Section:
    """Return the section `name` of a configuration with one of its settings changed.

    Raises UsageError, as `load_config` does, for a value that does not fit.
    """
    try:
        return type(section).model_validate(section.model_dump() | {key: value})
    except ValidationError as error:
        raise complaint(error, {}, "configuration", section=name) from None


_WORLD = ("world", "name")


def _forget_parameters(tables: dict[str, Any]) -> None:
    """Drop what is stated about a world that is about to be another one."""
    if isinstance(tables.get("world"), dict):
        for name in ("parameters", "env", "max_episode_steps", "vector"):
            tables["world"].pop(name, None)


def _at(tables: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at `path`; that of the defaults if the tables do not name it."""
    section = tables.get(path[0])
    default = getattr(getattr(Config(), path[0]), path[1])
    return section.get(path[1], default) if isinstance(section, dict) else default


def _path(name: str) -> tuple[str, ...]:
    """Return the parts of a setting's name: section and key, and below a table the name in it."""
    section, _, key = name.partition(".")
    table, dot, inner = key.partition(".")
    return (section, table, inner) if dot and f"{section}.{table}" in TABLES else (section, key)


def _split_override(override: str) -> tuple[tuple[str, ...], Any]:
    """Return the parts of the name (see `_path`) and the value of `section.key=value`."""
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
    return _path(name.strip()), _value(override, text)


def _value(override: str, text: str) -> Any:
    """Return `text` read as TOML; else it is a bare word, which is a string: --set world.name=pendulum."""
    try:
        tables = parse_toml(f"value = {text}")
    except NestedTooDeeplyError as error:
        raise UsageError(f"--set {override}: {error}", "for example --set agents.count=500") from None
    except ValueError:
        return text.strip()
    return tables["value"] if len(tables) == 1 else text.strip()
