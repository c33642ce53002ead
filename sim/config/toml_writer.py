"""Configurations as TOML text."""

import json
from typing import Any

from valuescape.sim.config.model import Config


def config_toml(config: Config) -> str:
    """Return the settings that differ from their defaults, as TOML that `load_config` reads back."""
    defaults = Config()
    lines: list[str] = []
    for name in Config.model_fields:
        section, plain = getattr(config, name), getattr(defaults, name)
        keys = [key for key in type(section).model_fields if getattr(section, key) != getattr(plain, key)]
        if keys:
            lines += ["", f"[{name}]", *(f"{key} = {_toml(getattr(section, key))}" for key in keys)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: Any) -> str:
    """Return a value of a setting as TOML: JSON's numbers, strings and booleans are valid in it."""
    return json.dumps(value)
