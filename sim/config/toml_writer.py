"""Configurations as TOML text, plain or with a comment for each setting."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from valuescape.sim.config.model import Config, SettingField, settings_of

_BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that need no quotes."""


def config_toml(config: Config) -> str:
    """Return the settings that differ from their defaults, as TOML that `load_config` reads back."""
    lines = _lines(config)
    return "\n".join(lines).lstrip("\n") + "\n"


def commented_toml(config: Config, started: Config, entries: Mapping[str, str] = {}) -> str:
    """Return what `config_toml` does, with the meaning, unit and default of each setting above it.

    started: of a setting that was something else there, the comment says what. entries: comments on entries
    of tables, by their names as in `world.parameters.gravity`.
    """
    return "\n".join(_lines(config, started, entries)).lstrip("\n") + "\n"


def _lines(config: Config, started: Config | None = None, entries: Mapping[str, str] = {}) -> Iterator[str]:
    defaults = type(config)()
    declared = settings_of(type(config)).values()
    differing = [each for each in declared if each.value_in(config) != each.value_in(defaults)]
    for section, settings in groupby(differing, key=lambda each: each.section):
        plain, tables = [], []
        for setting in settings:
            value = setting.value_in(config)
            lines = [] if started is None else [_comment(setting, setting.value_in(started), value)]
            if isinstance(value, Mapping):
                tables += ["", f"[{section}.{_key(setting.key)}]", *lines, *_table(setting, value, entries)]
            else:
                plain += [*lines, _assigned(setting.key, value)]
        if plain:
            yield from ["", f"[{section}]", *plain]
        yield from tables  # after the plain keys, which would belong to them otherwise


def _table(setting: SettingField, value: Mapping[str, Any], entries: Mapping[str, str]) -> Iterator[str]:
    """Yield the entries of a table, each below its comment."""
    for key, each in value.items():
        if said := entries.get(f"{setting.name}.{key}"):
            yield f"# {' '.join(said.split())}"
        yield _assigned(key, each)


def _assigned(key: str, value: Any) -> str:
    return f"{_key(key)} = {toml_value(value)}"


def _comment(setting: SettingField, before: Any, value: Any) -> str:
    """Return the line above a setting: its meaning, its default, and its value before the run changed it."""
    said = f"{setting.meaning}; default: {toml_value(setting.default)}"
    if before not in (value, setting.default):
        said += f"; before: {toml_value(before)}"
    return "# " + " ".join(said.split())


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def toml_value(value: Any) -> str:
    """Return a value of a setting as TOML: text, a number, a switch, a list of them, or a table in a line."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(_assigned(key, each) for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(each) for each in value) + "]"
    return json.dumps(value)  # JSON's numbers and booleans are valid in TOML


def _text(text: str) -> str:
    """Return a basic string of TOML. JSON's escapes are valid in it but for its pairs of surrogates."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
