"""An analysis as data: its numbers for JSON, its fields as arrays."""

from dataclasses import asdict
from typing import Any

import numpy as np

from valuescape.analysis import robustness
from valuescape.analysis.analysis import Analysis
from valuescape.run.report import about
from valuescape.sim.config.files import Config
from valuescape.sim.insight.regions import Region


def summary_of(found: Analysis, source: str, seconds: float, config: Config | None = None) -> dict[str, Any]:
    """Return the numbers of an analysis, each with its 95 % interval, and how they were come by.

    config: its configuration; without one the summary names the world alone.
    """
    rules = found.maps.rules if found.maps else None
    return {
        **{name: asdict(estimate) for name, estimate in found.numbers.items()},
        "quantile_coverage": found.coverage.summary() if found.coverage else None,
        "return_against_parameter": [robustness.summary(each) for each in found.robustness],
        "checkpoint": source,
        "algorithm": found.checkpoint.algorithm,
        "world": found.world.name,
        "gamma": found.checkpoint.gamma,
        "entropy_coefficient": found.alpha,
        "episodes": len(found.episodes.returns),
        "steps": len(found.judged.episode),
        "left_out_steps": found.left_out,
        "bootstrapped_share": found.judged.bootstrapped,
        "cells": len(found.maps.value) if found.maps else 0,
        "rollouts_per_cell": int(found.maps.truth.rollouts.max()) if found.maps else 0,
        "rollout_steps": rules.max_steps if rules else 0,
        "cut_bound": found.maps.cut_bound if found.maps else 0.0,
        "significant_share": float(found.significant.mean()) if found.maps else None,
        "places": {name: [_place(each) for each in places] for name, places in regions_of(found).items()},
        "along_episodes": {
            name: [asdict(each) for each in getattr(found.places, name)]
            for name in ("cliffs", "stuck", "loops")
        },
        "complete": found.complete,
        "seconds": round(seconds, 3),
        "seed": found.plan.seed,
        "slice": found.maps.plane.label if found.maps else "",
        **about(config or {"world": {"name": found.world.name}}),
    }


def arrays_of(found: Analysis) -> dict[str, np.ndarray[Any, Any]]:
    """Return every field with its axes, and every step of the episodes that the critic is judged by."""
    steps = found.judged
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "returns": found.episodes.returns,
        "lengths": found.episodes.lengths,
        "terminated": found.episodes.terminated,
        **{f"parameter_{each.parameter.name}": each.values for each in found.robustness},
        "step_episode": steps.episode,
        "step_state": steps.state,
        "step_predicted": steps.predicted,
        "step_realised": steps.realised,
        "step_td_error": steps.td_error,
    }
    if found.maps is None:
        return arrays
    maps, truth = found.maps, found.maps.truth
    x, y = maps.centres(len(maps.value))
    arrays |= {"x": x, "y": y, "value": maps.value, "error": maps.error, "significant": found.significant}
    arrays |= {f"truth_{name}": getattr(truth, name) for name in ("value", "half_width", "total", "steps")}
    arrays |= {f"truth_{name}": getattr(truth, name) for name in ("terminated", "cut", "rollouts")}
    if maps.visits is not None:
        x, y = maps.centres(len(maps.visits.count))
        arrays |= {"visits_x": x, "visits_y": y}
        arrays |= {"visits": maps.visits.count, "visits_error": maps.visits.error}
        arrays |= {"visits_td_error": maps.visits.td_error}
    return arrays


def regions_of(found: Analysis) -> dict[str, list[Region]]:
    """Return the regions found on the maps, by their kind."""
    return {
        "overconfident": found.places.overconfident,
        "underconfident": found.places.underconfident,
        "unvisited_but_promised": found.places.unvisited,
    }


def _place(region: Region) -> dict[str, Any]:
    return {
        "centre": list(region.centre),
        "share": region.share,
        "mean": region.mean,
        "extreme": region.extreme,
        "extreme_at": list(region.extreme_at),
    }
