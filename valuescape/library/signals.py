"""`signal_map`: every map that the window can show, by the name that `heatmap.layer` gives it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from valuescape.analysis.episodes import run_episodes
from valuescape.analysis.maps import Visits, visits_of
from valuescape.gpu.layers.density import DENSITY
from valuescape.gpu.layers.flow import FLOW
from valuescape.gpu.layers.layer import Legend, MapLayer
from valuescape.gpu.layers.realised_error import REALISED_ERROR
from valuescape.gpu.layers.registry import MAPS
from valuescape.gpu.layers.td_error import TD_ERROR
from valuescape.gpu.layers.truth import OF_ROLLOUTS
from valuescape.gpu.layers.value import VALUE
from valuescape.keywords import require_known
from valuescape.library.arguments import whole
from valuescape.library.grid import Map
from valuescape.library.loading import ModelSource, load
from valuescape.library.maps import MOST_CELLS, TruthOptions, truth_map, value_map
from valuescape.library.model import Model
from valuescape.library.origin import origin_of
from valuescape.library.pictures import Look
from valuescape.library.planes import Axes, Slice, plane_of
from valuescape.render.scene.colormaps import layer_map
from valuescape.sim.arrays import Float64Array
from valuescape.sim.config.files import changed
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.actions import require_actions
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.sampling import Sampling, reward_alpha, sampling_of

_OF_EPISODES = (DENSITY, TD_ERROR, REALISED_ERROR)


class SignalOptions(TruthOptions, total=False):
    """Further options of `signal_map`; each counts for the maps that depend on it."""

    rollouts: int
    """From each cell, of maps of rollouts; 64."""
    seed: int
    """Of rollouts and episodes; 0."""
    episodes: int
    """Of maps of what episodes came by: "density", "td_error", "realised_error", "marginal_value"; 512."""
    action: str
    """The action of "advantage", or the part of it that "policy" shows; as `insight.action`."""
    over: str
    """The action that "advantage" is over; as `insight.over`."""


def signal_names(model: ModelSource, other: ModelSource | None = None) -> tuple[str, ...]:
    """Return the names of the maps that `signal_map` can make of a model. other: as for `signal_map`."""
    found = load(model)
    subject = _subject(found, other, {})
    return tuple(each.name for each in MAPS.layers if _is_offered(each) and not each.lacks(subject))


def signal_map(
    model: ModelSource,
    name: str,
    cells: int = 64,
    *,
    axes: Axes = None,
    slice: Slice = None,  # noqa: A002 (the name of the setting)
    other: ModelSource | None = None,
    **options: Unpack[SignalOptions],
) -> Map:
    """Return a map of the kind that `heatmap.layer` names: "policy", "advantage", "uphill", "steps" …

    docs/insight.md explains each; `signal_names` lists those that there can be. cells, axes, slice: as of
    `value_map`. other: a second model of the world, for "other_value" and "difference". options: see
    `SignalOptions`. Maps of agents are made of episodes of the policy as it acts in training. Raises
    UsageError if there is no such map, or not of this model; it says why.
    """
    require_known(options, SignalOptions, "signal_map")
    found, layer = load(model), MAPS.find(name, "signal_map")
    if not isinstance(layer, MapLayer):
        both = " and ".join(each.name for each in layer.parts)
        raise UsageError(f"signal_map: {name!r} is two maps in one picture", f"ask for {both}")
    subject = _subject(found, other, options)
    if lack := layer.lacks(subject):
        raise UsageError(f"signal_map: {name!r}, but {lack}")
    if not _is_offered(layer):
        raise UsageError(f"signal_map: {name!r} is made by a shader", "Session(…).picture() shows it")
    if layer is VALUE:
        return value_map(found, cells, axes=axes, slice=slice)
    if layer in OF_ROLLOUTS:
        return _of_rollouts(found, name, cells, (axes, slice), options)
    plane, edge = plane_of(found, axes, slice), whole(cells, "cells", 2, MOST_CELLS)
    made = _made(found, layer, subject, plane, _values(found, layer, subject, plane, edge, options))
    insight = {f"insight.{key}": getattr(subject.config.insight, key) for key in _INSIGHT}
    return replace(
        made,
        origin=origin_of(
            found,
            name,
            plane,
            edge,
            episodes=options.get("episodes", 512),
            other=subject.other,
            settings={"run.seed": options.get("seed", 0), **insight},
        ),
    )


_INSIGHT = ("action", "over", "compare_with")


def _values(
    model: Model, layer: MapLayer, subject: Subject, plane: MapPlane, edge: int, options: SignalOptions
) -> Float64Array:
    """Return the values of a map that episodes or a function of the states make."""
    if layer in _OF_EPISODES:
        return _of_episodes(model, layer, plane, edge, options)
    states = _states(model, options) if layer.of_agents else None
    assert layer.compute is not None
    with np.errstate(all="ignore"):
        found = layer.compute(MapRequest(subject, subject.config.insight, plane, edge, states))
    return found.astype(np.float64)


def _is_offered(layer: MapLayer) -> bool:
    return layer.compute is not None or layer is VALUE or layer in (*OF_ROLLOUTS, *_OF_EPISODES)


def _subject(model: Model, other: ModelSource | None, options: SignalOptions) -> Subject:
    chosen: dict[str, Any] = {f"insight.{key}": options[key] for key in ("action", "over") if key in options}
    second = None if other is None else load(other, model.world.name)
    if second is not None:
        chosen["insight.compare_with"] = second.config.policy.checkpoint
    config = changed(model.config, chosen)
    require_actions(config.insight, model.world)
    return Subject(config, model.world, model.checkpoint, second.checkpoint if second else None)


def _of_rollouts(
    model: Model, name: str, cells: int, place: tuple[Axes, Slice], options: SignalOptions
) -> Map:
    """Return a map of rollouts: "truth", "error", "outcome", "steps", "total"."""
    given: TruthOptions = {key: options[key] for key in TruthOptions.__annotations__ if key in options}  # type: ignore[literal-required,assignment]
    axes, at = place
    numbers = options.get("rollouts", 64), options.get("seed", 0)
    truth = truth_map(model, cells, *numbers, axes=axes, slice=at, **given)
    if name == "truth":
        return truth
    if name == "error":
        return value_map(model, cells, axes=axes, slice=at) - truth
    assert truth.estimated is not None
    estimates = truth.estimated.truth
    values = {"outcome": estimates.terminated, "steps": estimates.steps, "total": estimates.total}[name]
    layer = MAPS.find(name)
    assert isinstance(layer, MapLayer)
    made = _made(model, layer, _subject(model, None, {}), truth.plane, values)
    return replace(made, origin=truth.origin and replace(truth.origin, name=name))


def _of_episodes(
    model: Model, layer: MapLayer, plane: MapPlane, edge: int, options: SignalOptions
) -> Float64Array:
    visits = visits_of(plane, _episodes(model, options), edge)
    return _FIELDS[layer.name](visits)


_FIELDS: dict[str, Callable[[Visits], Float64Array]] = {
    DENSITY.name: lambda visits: visits.count.astype(np.float64),
    TD_ERROR.name: lambda visits: visits.td_error,
    REALISED_ERROR.name: lambda visits: visits.error,
}


def _episodes(model: Model, options: SignalOptions) -> Any:
    stochastic = sampling_of(model.checkpoint) is not Sampling.NONE
    count = whole(options.get("episodes", 512), "episodes", 1, 100_000)
    alpha = (reward_alpha(model.checkpoint) or 0.0) if stochastic else None
    return run_episodes(
        model.checkpoint, model.world, count, whole(options.get("seed", 0), "seed", 0), alpha=alpha
    )


def _states(model: Model, options: SignalOptions) -> Any:
    return np.ascontiguousarray(_episodes(model, options).state.T)


def _made(model: Model, layer: MapLayer, subject: Subject, plane: MapPlane, values: Float64Array) -> Map:
    legend: Legend = layer.legend(subject, subject.config.insight)
    ends = legend.ends
    on_paper = {FLOW.name: "gray_r", DENSITY.name: "Greys"}  # dark on white
    colors = on_paper.get(layer.name) or layer_map(layer.colormap, centred=ends.centred)
    look = Look(colors, ends.low, ends.high, ends.centred, legend.names, layer is DENSITY)
    return Map(
        values,
        plane,
        layer.name,
        legend.title,
        f"{layer.name.replace('_', ' ')}: {legend.meaning}" if legend.meaning else layer.name,
        legend.unit,
        "" if layer.quantity in ("", "error") else layer.quantity,
        look=look,
        source=model.source,
    )
