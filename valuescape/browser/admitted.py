"""The changes that a browser may ask for: what the panel offers, but files and code of its own choice."""

from collections.abc import Mapping
from typing import Any

from valuescape.presets import presets
from valuescape.render.view.changes import Change, Preset, Restart, Set
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.errors import shown
from valuescape.sim.worlds.registry import world_names

_NAMING: Mapping[str, tuple[str, ...]] = {
    "policy.checkpoint": (
        "auto",
        "random",
    ),
    "policy.obs_normalization": ("",),
    "policy.names": ("",),
    "policy.torchscript_critic": ("",),
    "insight.compare_with": ("",),
    "world.env": (),
    "plugins.modules": (),
    "plugins.installed": (),
    "workers.cluster": ("",),
}
"""Settings that name files, code or machines, each with the values that name none."""


def refused(change: Change, config: Config) -> str:
    """Return why a browser may not ask for a change; "" if it may. config: as it is now.

    Files, code and machines are named on the command line alone: those who control a run in a browser may be
    others than those who started it.
    """
    match change:
        case Set(name, value):
            return _refused_setting(name, value, config)
        case Restart(changes):
            return next(filter(None, (_refused_setting(*each, config) for each in changes.items())), "")
        case Preset(name) if name not in presets():
            return f"{shown(name)}: in a browser, presets that come with the program can be chosen"
    return ""


def _refused_setting(name: str, value: Any, config: Config) -> str:
    setting = ".".join(name.split(".")[:2])  # of an entry of a table, the table
    none = world_names() if setting == "world.name" else _NAMING.get(setting)
    if none is None or value in none:
        return ""
    declared = settings_of(type(config)).get(name)
    if declared is not None and declared.value_in(config) == value:
        return ""
    return f"{name}: files, code and machines are named on the command line alone"
