"""Live settings that the run itself holds (`Live.RUN`): current values, and how a new one is applied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from valuescape.run.pace import Pace
from valuescape.run.stage import Stage
from valuescape.sim.config.files import changed, changed_section
from valuescape.sim.config.model import settings_of
from valuescape.sim.config.sections import FlockConfig
from valuescape.sim.insight.actions import require_actions
from valuescape.sim.insight.plane import MapPlane, map_plane


@dataclass(frozen=True, slots=True)
class RunSetting:
    """Reads and writes one setting of a run. apply: takes a value that fits the setting's type and bounds."""

    value: Callable[[Stage, Pace], Any]
    apply: Callable[[Stage, Pace, Any], None]


def current_values(stage: Stage, pace: Pace) -> dict[str, Any]:
    """Return the value of each setting in `RUN_SETTINGS` as it is now, by name."""
    return {name: each.value(stage, pace) for name, each in RUN_SETTINGS.items()}


def _budget(stage: Stage, _: Pace) -> int | str:
    budget = stage.scene.trails.budget
    return "auto" if budget.follows else budget.segments


def _slice_text(plane: MapPlane) -> str:
    """Return the plane's place as `heatmap.slice` says it."""
    named = zip(plane.world.state, plane.values, strict=True)
    held = [(each.name, value) for index, (each, value) in enumerate(named) if index not in plane.axes]
    return ", ".join(f"{name}={value!r}" for name, value in held)


def _move_slice(stage: Stage, _: Pace, text: str) -> None:
    """Raises UsageError if the text names no place in the world."""
    config = changed(stage.config, {"heatmap.slice": text})
    stage.move_slice(map_plane(config, stage.engine.world).values)


def _of_engine(name: str) -> RunSetting:
    """Return a setting that the engine takes over while it runs; its value is the one asked for last."""

    def value(stage: Stage, _: Pace) -> Any:
        config = stage.wishes.config
        return settings_of(type(config))[name].value_in(config)

    return RunSetting(value, lambda stage, _, value: stage.wishes.wish(name, value))


def _insight(key: str) -> RunSetting:
    """Return a setting of `insight`: maps that depend on it are made again."""

    def apply(stage: Stage, _: Pace, value: Any) -> None:
        insight: Any = changed_section("insight", stage.maps.insight, key, value)
        require_actions(insight, stage.engine.world)
        stage.maps.insight = insight

    return RunSetting(lambda stage, _: getattr(stage.maps.insight, key), apply)


OF_ENGINE = frozenset(
    {
        *("agents.count", "workers.count", "policy.exploration", "policy.steps", "world.parameters"),
        *(f"flock.{key}" for key in FlockConfig.model_fields),
    }
)
"""Live settings that the engine takes over from a tick boundary on; `stage.config` has those in force."""

RUN_SETTINGS = {
    "sim.ticks_per_s": RunSetting(
        lambda _, pace: pace.ticks_per_s, lambda _, pace, value: pace.set_ticks_per_s(value)
    ),
    **{name: _of_engine(name) for name in sorted(OF_ENGINE)},
    "lod.segment_budget": RunSetting(_budget, lambda stage, _, value: stage.scene.trails.set_budget(value)),
    **{f"insight.{key}": _insight(key) for key in ("rollouts", "time_limit", "action", "over", "marginal")},
    "heatmap.slice": RunSetting(lambda stage, _: _slice_text(stage.scene.plane), _move_slice),
}
