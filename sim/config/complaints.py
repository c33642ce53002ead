"""Sentences about settings that do not fit: where it stands, what it is, and what was expected."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from valuescape.sim.config.model import TABLES, Config, SettingField, section_class, settings_of
from valuescape.sim.errors import UsageError, cut, shown

NAME_LENGTH = 80
"""Most characters of a name or an override that a message repeats."""


def complaint(
    error: ValidationError,
    origin: Mapping[tuple[str, ...], str],
    default: str,
    *,
    section: str = "",
) -> UsageError:
    """Return pydantic's first complaint as one sentence, with the setting's meaning as a hint.

    origin: where a (section,) or a (section, key) was given, if not in `default`, which names the file.
    section: the section that was validated by itself, if it was not a whole configuration.
    """
    first = error.errors()[0]
    within = (section,) if section else ()
    whole = (*within, *(str(part) for part in first["loc"]))
    location = whole[:2]
    where = origin.get(whole[:3], origin.get(location, default))
    if first["type"] == "extra_forbidden":
        return _unknown(where, location)
    if len(location) == 1:
        return no_table(where, location[0], first["input"])
    setting = settings_of()[".".join(location)]
    expected = expectation(setting, within=len(whole) > 2)
    if first["type"] == "string_too_long":
        expected += f" of at most {first['ctx']['max_length']:,} characters"
    name = ".".join(whole[:3]) if setting.name in TABLES else setting.name
    return UsageError(
        f"{where}: {cut(name, NAME_LENGTH)} = {shown(first['input'])}, expected {expected}",
        f"{setting.name}: {setting.meaning}",
    )


def no_table(where: str, section: str, value: Any) -> UsageError:
    """Return the complaint about a section that is a plain value."""
    return UsageError(f"{where}: {section} = {shown(value)}, expected a table: [{section}]")


def expectation(setting: SettingField, *, within: bool = False) -> str:
    """Return in words what a setting may be: `'auto' or a whole number from 0 to 256`.

    within: what the values of a setting may be that is a table.
    """
    schema = section_class(setting.section).model_json_schema()["properties"][setting.key]
    return _expectation(schema["additionalProperties"] if within and setting.name in TABLES else schema)


def _expectation(schema: dict[str, Any]) -> str:
    """Return in words what a JSON schema of a plain value admits."""
    if "anyOf" in schema:
        return " or ".join(_expectation(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(repr(each) for each in schema.get("enum", [schema.get("const")]))
    if "type" not in schema:
        return "any number, text, switch, list or table"
    if schema["type"] == "object":
        return f"a table, each value {_expectation(schema['additionalProperties'])}"
    if schema["type"] == "array":
        return f"a list: each {_expectation(schema['items'])}"
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


def _unknown(where: str, location: tuple[str, ...]) -> UsageError:
    known = list(Config.model_fields if len(location) == 1 else section_class(location[0]).model_fields)
    near = difflib.get_close_matches(location[-1][:NAME_LENGTH], known, n=1)
    name = cut(".".join(location), NAME_LENGTH)
    if near:
        return UsageError(f"{where}: {name} is unknown; did you mean {near[0]}?")
    return UsageError(f"{where}: {name} is unknown", f"known here: {', '.join(known)}")
