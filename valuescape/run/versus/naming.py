"""The names of the two sides of an A/B run: the settings in which they differ, in a few words."""

from pathlib import Path
from typing import Any

from valuescape.run_state import RunState
from valuescape.sim.config.model import settings_of

SIDES = "A", "B"
SAME = "the same configuration"

_LISTED = 3

_UNNAMED = frozenset({"workers.count"})
"""Settings that make no other run."""


def names(first: RunState, second: RunState) -> tuple[str, str]:
    """Return what each side has that the other has not: `exploration 0`, `exploration 0.3`."""
    one, other = _values(first), _values(second)
    differing = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    if not differing:
        return SAME, SAME
    return _named(one, differing), _named(other, differing)


def _values(side: RunState) -> dict[str, Any]:
    """Return all settings by name, those of a table one by one, with the world's own parameters."""
    found: dict[str, Any] = {f"world.parameters.{each.name}": each.default for each in side.world.parameters}
    for name, each in settings_of(type(side.config)).items():
        value = each.value_in(side.config)
        found |= (
            {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        )
    return {name: value for name, value in found.items() if name not in _UNNAMED}


def _named(values: dict[str, Any], differing: list[str]) -> str:
    said = [_words(name, values.get(name)) for name in differing[:_LISTED]]
    more = len(differing) - _LISTED
    return ", ".join([*said, *([f"{more} more"] if more > 0 else [])])


def _words(name: str, value: Any) -> str:
    text = _text(value)
    match name:
        case "world.name":
            return text
        case "agents.count":
            return f"{text} agents"
        case "policy.steps":
            return f"{text} steps of training"
        case "policy.checkpoint" if value == "auto":
            return "the world's own policy"
        case "policy.checkpoint" if value == "random":
            return "random actions"
        case "policy.checkpoint":
            return Path(value).name
    return f"{name.rpartition('.')[2].replace('_', ' ')} {text}"


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}".replace("-", "−")
    return str(value).replace("_", " ")
