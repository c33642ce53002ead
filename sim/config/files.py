"""Configurations from TOML files and from `--set section.key=value`.

Bad input becomes a `UsageError` that names file, key, value and what was expected.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from valuescape.sim.config.complaints import NAME_LENGTH, complaint, no_table
from valuescape.sim.config.model import Config
from valuescape.sim.config.sections import Section
from valuescape.sim.config.toml_reader import NestedTooDeeplyError, parse_toml, read_toml
from valuescape.sim.errors import UsageError, cut

__all__ = ["Config", "changed", "changed_section", "config_of", "load_config", "overridden"]


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
    for override in overrides:
        section, key, value = _split_override(override)
        table = tables.setdefault(section, {})
        if not isinstance(table, dict):
            raise no_table(where, section, table)
        given = f"--set {cut(override, NAME_LENGTH)}"
        if not table:
            origin[(section,)] = given
        table[key] = value
        origin[section, key] = given
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        raise complaint(error, origin, where) from None


def overridden(overrides: Iterable[str]) -> dict[str, str]:
    """Return the overrides by the setting (`section.key`) that each of them gives. Raises UsageError."""
    return {".".join(_split_override(each)[:2]): each for each in overrides}


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some settings (`section.key`: value) changed.

    Raises UsageError, as `load_config` does, for a value that does not fit.
    """
    tables = config.model_dump()
    for name, value in changes.items():
        section, _, key = name.partition(".")
        tables[section][key] = value
    try:
        return type(config).model_validate(tables)
    except ValidationError as error:
        raise complaint(error, {}, "configuration") from None


def changed_section(name: str, section: Section, key: str, value: Any) -> Section:
    """Return the section `name` of a configuration with one of its settings changed.

    Raises UsageError, as `load_config` does, for a value that does not fit.
    """
    try:
        return type(section).model_validate(section.model_dump() | {key: value})
    except ValidationError as error:
        raise complaint(error, {}, "configuration", section=name) from None


def _split_override(override: str) -> tuple[str, str, Any]:
    """Return section, key and value of `section.key=value`."""
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
    """Return `text` read as TOML; else it is a bare word, which is a string: --set world.name=pendulum."""
    try:
        tables = parse_toml(f"value = {text}")
    except NestedTooDeeplyError as error:
        raise UsageError(f"--set {override}: {error}", "for example --set agents.count=500") from None
    except ValueError:
        return text.strip()
    return tables["value"] if len(tables) == 1 else text.strip()
