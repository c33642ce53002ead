"""Writes an analysis into a folder: report, summary, maps as pictures, all fields as arrays."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.analyze.analysis import Analysis
from valuescape.analyze.origin import map_origin
from valuescape.analyze.pictures import as_png, calibration_plot, figure, panels, returns_plot, save
from valuescape.analyze.regions import Region
from valuescape.formatting import finite
from valuescape.run.report import about
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate, calibration_bins
from valuescape.sim.policy.sampling import Sampling, sampling_of
from valuescape.sim.rollouts.choose import why_no_rollouts
from valuescape.sim.rollouts.judging import TOLERANCE
from valuescape.sim.rollouts.rules import RolloutEnd
from valuescape.studies.html_report import Chapter, Page, write_html

_LEADING = ("value", "truth", "error")
_SEEN = ("visits", "realised_error")
_SHOWN_REGIONS = 5


def write(
    found: Analysis, folder: Path, source: str, seconds: float, config: Config | None = None
) -> list[Path]:
    """Write everything into `folder` and return the files, the report first.

    source: the checkpoint's file, as it was named. config: of the world; with it the maps say how they were
    made. Raises UsageError if the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        summary = folder / "summary.json"
        text = json.dumps(finite(summary_of(found, source, seconds)), indent=2, allow_nan=False)
        summary.write_text(text + "\n", encoding="utf-8")
        arrays = folder / "arrays.npz"
        fields: dict[str, Any] = dict(arrays_of(found))
        np.savez_compressed(arrays, **fields)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    pictures = write_pictures(found, folder, config)
    report = folder / "report.html"
    _write_report(found, report, source, seconds)
    return [report, summary, arrays, *pictures]


def summary_of(found: Analysis, source: str, seconds: float) -> dict[str, Any]:
    """Return the numbers of an analysis, each with its 95 % interval, and how they were come by."""
    rules = found.maps.rules if found.maps else None
    return {
        **{name: asdict(estimate) for name, estimate in found.numbers.items()},
        "quantile_coverage": found.coverage.summary() if found.coverage else None,
        "checkpoint": source,
        "algorithm": found.checkpoint.algorithm,
        "world": found.world.name,
        "gamma": found.checkpoint.gamma,
        "entropy_coefficient": found.alpha,
        "episodes": len(found.episodes.returns),
        "steps": len(found.judged.episode),
        "bootstrapped_share": found.judged.bootstrapped,
        "cells": len(found.maps.value) if found.maps else 0,
        "rollouts_per_cell": int(found.maps.truth.rollouts.max()) if found.maps else 0,
        "rollout_steps": rules.max_steps if rules else 0,
        "cut_bound": found.maps.cut_bound if found.maps else 0.0,
        "significant_share": float(found.significant.mean()) if found.maps else None,
        "places": {name: [_place(each) for each in places] for name, places in _lists(found).items()},
        "along_episodes": {
            name: [asdict(each) for each in getattr(found.places, name)]
            for name in ("cliffs", "stuck", "loops")
        },
        "complete": found.complete,
        "seconds": round(seconds, 3),
        "seed": found.plan.seed,
        **about({"world": found.world.name, "slice": found.maps.plane.label if found.maps else ""}),
    }


def arrays_of(found: Analysis) -> dict[str, np.ndarray[Any, Any]]:
    """Return every field with its axes, and every step of the episodes that the critic is judged by."""
    steps = found.judged
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "returns": found.episodes.returns,
        "lengths": found.episodes.lengths,
        "terminated": found.episodes.terminated,
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
    return arrays


def verdict(found: Analysis) -> list[str]:
    """Return what a reader should take away, in sentences."""
    numbers = found.numbers
    said = [_about_returns(numbers), _about_starts(numbers), _about_fit(numbers)]
    if found.checkpoint.soft:
        said.append(_about_entropy(found))
    if found.judged.bootstrapped > 0:
        said.append(
            f"Of {found.judged.bootstrapped:.0%} of the steps the return ends with the critic's own value, "
            "for the environment was cut off there."
        )
    if reason := why_no_rollouts(found.world):
        name = found.world.name
        said.append(f"No truth field: agents of {name} cannot be put into a state of one's choice: {reason}.")
    elif found.maps is not None:
        said.append(_about_maps(found))
    if not found.complete:
        said.append("Interrupted: what is here was done by then.")
    return said


def _about_returns(numbers: dict[str, Estimate]) -> str:
    return (
        f"The deterministic policy returns {_told(numbers['mean_return'])} an episode; "
        f"{numbers['share_terminated'].value:.0%} of the episodes terminate."
    )


def _about_starts(numbers: dict[str, Estimate]) -> str:
    predicted, realised = numbers["start_value_predicted"], numbers["start_value_realised"]
    return f"At the start the critic promises {_told(predicted)}; what follows is {_told(realised)}."


def _about_fit(numbers: dict[str, Estimate]) -> str:
    bias = numbers["q_bias"]
    way = "shows no bias"
    if bias.low > 0 or bias.high < 0:
        way = "promises too much" if bias.low > 0 else "promises too little"
    return (
        f"Over all steps it {way}: bias {_told(bias)}; "
        f"it explains {numbers['explained_variance'].value:.1%} of the variance of returns."
    )


def _about_entropy(found: Analysis) -> str:
    name = found.checkpoint.algorithm.upper()
    if sampling_of(found.checkpoint) is Sampling.NONE:
        return (
            f"A critic of {name}'s predicts soft returns of drawn actions, but the file does not say what "
            "they are drawn with: actions here are deterministic, returns plain, which is not what it means."
        )
    if found.alpha is None:
        return (
            f"A critic of {name}'s predicts soft returns, but the file does not say its entropy coefficient: "
            "returns here are plain, and not what it means. Say it with --entropy-coefficient."
        )
    return (
        f"Returns are soft, as a critic of {name}'s predicts them: -{found.alpha:.4g} log π is part of each."
    )


def _about_maps(found: Analysis) -> str:
    assert found.maps is not None
    share = found.significant.mean()
    if found.maps.random:
        beyond = "beyond chance (false discovery rate 5 %)"
    else:
        beyond = f"more than {TOLERANCE:.0%} of the truth's range"
    return f"In {share:.0%} of the map's cells the error is {beyond}."


def _told(estimate: Estimate) -> str:
    return f"{estimate.value:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"


def _lists(found: Analysis) -> dict[str, list[Region]]:
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


def write_pictures(found: Analysis, folder: Path, config: Config | None) -> list[Path]:
    """Write the maps into `folder`, which is there; return their files. config: as for `write`."""
    if found.maps is None:
        return []

    def keep(made: Any, path: Path) -> None:
        save(made, path, map_origin(found, config, path.name) if config else None)

    shown, paths = panels(found.maps, found.significant), []
    overview = folder / "maps.png"
    keep(figure(found.maps, {name: shown[name] for name in _LEADING}), overview)
    for name, panel in shown.items():
        made = figure(found.maps, {name: panel})
        for kind in ("png", "pdf"):
            paths.append(folder / f"{name}.{kind}")
            keep(made, paths[-1])
    return [overview, *paths]


def _write_report(found: Analysis, path: Path, source: str, seconds: float) -> None:
    rows = [["number", "value", "95 % interval"]]
    rows += [
        [name, f"{each.value:.5g}", f"{each.low:.5g} to {each.high:.5g}"]
        for name, each in found.numbers.items()
    ]
    judged = found.judged
    known = np.isfinite(judged.predicted) & np.isfinite(judged.realised)
    predicted, realised = judged.predicted[known], judged.realised[known]
    calibration = calibration_plot(predicted, realised, calibration_bins(predicted))
    chapters = [
        *_map_chapters(found),
        *_episode_chapters(found),
        Chapter("Numbers", "Formulas and sources are in docs/insight.md.", rows),
        *_quantile_chapters(found),
        Chapter("Calibration", "Twenty bins of equally many steps, by predicted value.", plot=calibration),
        Chapter(
            "Returns", "Of the deterministic policy's episodes.", plot=returns_plot(found.episodes.returns)
        ),
        Chapter("How it was made", _how(found, source, seconds)),
    ]
    page = Page(f"{Path(source).name} in {found.world.name}", verdict(found), chapters)
    write_html(path, page, about({"world": found.world.name}))


def _map_chapters(found: Analysis) -> list[Chapter]:
    if found.maps is None:
        return []
    shown = panels(found.maps, found.significant)
    text = f"The plane {found.maps.plane.label}. " if found.maps.plane.label else ""
    text += "Errors are pale where they may be chance."
    chapters = [Chapter("Belief, truth, error", text, picture=_row(found, _LEADING))]
    rest = [name for name in shown if name not in (*_LEADING, *_SEEN)]
    chapters.append(Chapter("How rollouts end", "From the state of each cell.", picture=_row(found, rest)))
    if found.maps.visits is not None:
        text = "Grey cells have no visit: what the critic says of them is extrapolated."
        chapters.append(Chapter("What the episodes show", text, picture=_row(found, _SEEN)))
    for name, places in _lists(found).items():
        if places:
            chapters.append(Chapter(_TITLES[name], _TEXTS[name], _place_rows(found, places)))
    return chapters


def _episode_chapters(found: Analysis) -> list[Chapter]:
    """Return a table of each thing found along episodes, but for those of which there is none."""
    places = found.places
    rows = {
        "Falls in value without a reward": [["episode", "tick", "value before", "after", "reward"]]
        + [
            [str(each.agent), str(each.tick), f"{each.before:.4g}", f"{each.after:.4g}", f"{each.reward:.4g}"]
            for each in places.cliffs[:_SHOWN_REGIONS]
        ],
        "Agents without progress in value": [["episode", "from tick", "to tick", "best value"]]
        + [
            [str(each.agent), str(each.first), str(each.last), f"{each.best:.4g}"]
            for each in places.stuck[:_SHOWN_REGIONS]
        ],
        "Agents in a loop": [["episode", "period, ticks", "centre", "radius"]]
        + [
            [
                str(each.agent),
                str(each.period),
                f"{each.centre[0]:.3g}, {each.centre[1]:.3g}",
                f"{each.radius:.3g}",
            ]
            for each in places.loops[:_SHOWN_REGIONS]
        ],
    }
    return [Chapter(title, "", table) for title, table in rows.items() if len(table) > 1]


def _quantile_chapters(found: Analysis) -> list[Chapter]:
    if found.coverage is None:
        return []
    text = "A calibrated critic's quantile of level τ has a share τ of the returns at or below it."
    return [Chapter("Quantiles", text, found.coverage.table())]


def _row(found: Analysis, names: Sequence[str]) -> bytes:
    """Return maps side by side, as a PNG."""
    assert found.maps is not None
    shown = panels(found.maps, found.significant)
    return as_png(figure(found.maps, {name: shown[name] for name in names}))


_TITLES = {
    "overconfident": "Where it promises too much",
    "underconfident": "Where it promises too little",
    "unvisited_but_promised": "Promised, never visited",
}
_TEXTS = {
    "overconfident": "Connected cells whose error V − G is positive, by their sum of it.",
    "underconfident": "Connected cells whose error V − G is negative, by their sum of it.",
    "unvisited_but_promised": "Cells among the tenth of the highest values that no episode entered.",
}


def _place_rows(found: Analysis, places: list[Region]) -> list[list[str]]:
    assert found.maps is not None
    x, y = found.maps.plane.variables
    rows = [[f"centre ({x.name}, {y.name})", "share of the map", "mean", "extreme", "extreme at"]]
    for each in places[:_SHOWN_REGIONS]:
        centre, at = (f"{point[0]:.3g}, {point[1]:.3g}" for point in (each.centre, each.extreme_at))
        rows.append([centre, f"{each.share:.2%}", f"{each.mean:.4g}", f"{each.extreme:.4g}", at])
    return rows


def _how(found: Analysis, source: str, seconds: float) -> str:
    checkpoint, maps = found.checkpoint, found.maps
    said = (
        f"{source}: {checkpoint.algorithm.upper()}, gamma {checkpoint.gamma:g}. "
        f"{len(found.episodes.returns):,} episodes, seed {found.plan.seed}, {seconds:.1f} s."
    )
    if maps is None:
        return said
    limit = "the world's time limit" if maps.rules.limit_end is RolloutEnd.TIME_LIMIT else "gamma's horizon"
    return (
        f"{said} {len(maps.value)}² cells, {int(maps.truth.rollouts.max())} rollouts each, of at most "
        f"{maps.rules.max_steps:,} steps ({limit}); what is cut off is at most {maps.cut_bound:.3g}."
    )
