"""Other settings for a run that goes on: live ones change at once, the rest take one restart.

Whoever asks for many settings at once (a saved file, a preset, undo) gets the changes here, checked together
before the first of them is made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from valuescape.render.view.changes import Change, Restart, Set
from valuescape.render.view.viewer import Viewer
from valuescape.run.live_settings import RUN_SETTINGS, current_values
from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.run.validate import require_agent, validate
from valuescape.sim.config.files import Config, changed
from valuescape.sim.config.model import LIVE, TABLES, settings_of
from valuescape.sim.config.setting import Live
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.policy.formats.given import STATED
from valuescape.training_run import with_steps

_STATED = tuple(f"policy.{each}" for each in STATED)

_BELONG_TO = {
    "world.name": (
        *("heatmap.axes", "heatmap.slice", "policy.checkpoint", "policy.steps", "policy.torchscript_critic"),
        *_STATED,
        *("insight.action", "insight.over", "insight.compare_with", "world.parameters"),
    ),
    "heatmap.axes": ("heatmap.slice",),
    "policy.checkpoint": ("policy.steps", *_STATED),
}
"""Settings that mean something else, or nothing, when the one before them changes."""

_ENDS = "heatmap.low", "heatmap.high"


class Changing(Protocol):
    """The parts of a run that its present settings are read from."""

    @property
    def stage(self) -> Stage:
        """What runs."""

    @property
    def viewer(self) -> Viewer:
        """The view."""

    @property
    def pace(self) -> Pace:
        """The rate of ticks."""


class Tuned(Protocol):
    """A run whose settings are changed."""

    viewer: Viewer

    @property
    def tuned(self) -> Changing:
        """The run itself; of an A/B run the side that is chosen."""


def live_values(stage: Stage, pace: Pace, viewer: Viewer) -> dict[str, Any]:
    """Return the value of every live setting as it is now, by name, in the order of the configuration."""
    held = current_values(stage, pace)
    names = [name for name in settings_of() if name in LIVE]
    return {name: held[name] if name in held else viewer.value(name) for name in names}


def config_now(run: Changing) -> Config:
    """Return the configuration of a run with all live settings as they are now.

    A slice outside of the window, where a selected agent may have taken it, is left as the configuration had
    it.
    """
    stage = run.stage
    config = changed(stage.config, live_values(stage, run.pace, run.viewer))
    try:
        map_plane(config, stage.engine.world)
    except UsageError:
        config = changed(config, {"heatmap.slice": stage.config.heatmap.slice})
    return config


def differences(before: Config, after: Config) -> dict[str, Any]:
    """Return the settings that differ between two configurations, with their values in the second."""
    found = {name: each.value_in(after) for name, each in settings_of().items()}
    return {name: value for name, value in found.items() if value != settings_of()[name].value_in(before)}


def steps_along(before: Config, after: Config, now: Config) -> dict[str, Any]:
    """Return the settings that differ between two configurations, as a run has them that was tuned meanwhile.

    now: its configuration. Of a setting that is a table, as `world.parameters`, only the entries change that
    differ, unless the world does.
    """
    found = differences(before, after)
    for name in TABLES & found.keys() if "world.name" not in found else ():
        tables = [settings_of()[name].value_in(config) for config in (before, after, now)]
        found[name] = _merged(*tables)
    return found


def _merged(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return `now` with the entries that differ between two tables as they are in the second."""
    kept = {name: value for name, value in now.items() if before.get(name) == after.get(name)}
    return kept | {name: value for name, value in after.items() if before.get(name) != value}


def changes_to(run: Changing, wanted: Mapping[str, Any], fallback: Config) -> list[Change]:
    """Return the changes that give a run other settings: a Restart if it takes one, then `Set`s.

    wanted: values by name. What they do not name stays as it is now, also through a restart. Settings that
    only the start of the program reads (`Setting.once`) are left out. fallback: has the values of settings
    that belong to another world, and so cannot stay.

    Raises UsageError, as `validate` does, if the run cannot have all of these settings together.

    Performance: a `validate`, which reads the checkpoint: 15 ms in the demo.
    """
    declared = settings_of()
    wanted = {name: wanted[name] for name in declared if name in wanted and not declared[name].declared.once}
    sets = {name: value for name, value in wanted.items() if name in LIVE}
    now = config_now(run)
    if len(sets) < len(wanted):
        return _with_restart(run, now, wanted, fallback)
    target = changed(now, sets)
    if "policy.steps" in sets:
        target = with_steps(target)
        sets["policy.steps"] = target.policy.steps
    _require(target, wanted)
    return [*_in_order(now, sets)]


def restart_as_now(run: Changing, restart: Restart) -> Restart:
    """Return a restart that keeps the settings it does not name as they are in a run, also those tuned.

    Settings that belong to what it replaces get their defaults. What was tuned is left out where the world,
    which may be another by now, does not have it any more.

    Performance: a `validate`, as of `changes_to`.
    """
    declared, bound = settings_of(), _bound(restart.changes)
    fresh = {name: declared[name].default for name in sorted(bound)}
    tuned = {name: each for name, each in _tuned(run, config_now(run)).items() if name not in bound}
    try:
        validate(changed(run.stage.config, fresh | tuned | dict(restart.changes)))
    except UsageError:
        tuned = {}
    return replace(restart, changes=fresh | tuned | dict(restart.changes))


def _tuned(run: Changing, now: Config) -> dict[str, Any]:
    """Return the settings that were tuned and that a restart takes from its configuration."""
    return {name: value for name, value in differences(run.stage.config, now).items() if name in RUN_SETTINGS}


def _with_restart(run: Changing, now: Config, wanted: dict[str, Any], fallback: Config) -> list[Change]:
    """Return a Restart with all of `wanted` and what was tuned, and then the part that the view holds."""
    foreign = {name: settings_of()[name].value_in(fallback) for name in sorted(_bound(wanted))}
    settings = _tuned(run, now) | foreign | wanted
    looks = {name: value for name, value in differences(run.stage.config, now).items() if _is_look(name)}
    target = changed(run.stage.config, looks | settings)
    if not {"policy.checkpoint", "policy.steps"}.isdisjoint(settings):
        target = with_steps(target)
        settings["policy.steps"] = target.policy.steps
    _require(target, wanted)
    kept = {name: value for name, value in wanted.items() if name in LIVE and name not in _HELD_BY_STAGE}
    return [Restart(settings), *_in_order(now, kept)]


def _bound(wanted: Iterable[str]) -> set[str]:
    """Return the settings that belong to those that are wanted."""
    return {each for name in wanted for each in _BELONG_TO.get(name, ())}


_HELD_BY_STAGE = RUN_SETTINGS.keys() - {"sim.ticks_per_s"}
"""Live settings that a restart takes from its configuration; it keeps rate and view."""


def _is_look(name: str) -> bool:
    return settings_of()[name].declared.live is Live.LOOKS


def _require(config: Config, wanted: Mapping[str, Any]) -> None:
    """Raise UsageError unless a run can have this configuration. wanted: what is new in it."""
    validate(config)
    if "render.select" in wanted:
        require_agent(config)


def _in_order(now: Config, sets: Mapping[str, Any]) -> list[Set]:
    """Return the changes in an order in which the ends of the colour scale never cross."""
    found = [Set(name, value) for name, value in sets.items()]
    if all(name in sets for name in _ENDS):
        high_first = now.heatmap.low != "auto" and sets["heatmap.high"] != "auto"
        if high_first and sets["heatmap.high"] > now.heatmap.low:
            found.sort(key=lambda each: each.name == "heatmap.low")
    return found
