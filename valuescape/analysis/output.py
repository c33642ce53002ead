"""Writes an analysis into a folder: report, summary, maps as pictures, all fields as arrays."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis import robustness
from valuescape.analysis.analysis import Analysis
from valuescape.analysis.origin import map_origin
from valuescape.analysis.panels import Panel, panels
from valuescape.analysis.pictures import as_png, calibration_plot, figure, returns_plot, save
from valuescape.analysis.policy_panels import policy_panels
from valuescape.analysis.summary import arrays_of, regions_of, summary_of
from valuescape.analysis.verdict import verdict
from valuescape.formatting import finite
from valuescape.run.report import about
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import calibration_bins
from valuescape.sim.insight.regions import Region
from valuescape.sim.rollouts.rules import RolloutEnd
from valuescape.studies.html_report import Chapter, Page, write_html

LEADING = ("value", "truth", "error")
_SEEN = ("visits", "realised_error", "td_error")
_SUPPORTED = ("value_supported", "error_supported")
_SHOWN_REGIONS = 5


def write(
    found: Analysis, folder: Path, source: str, seconds: float, config: Config | None = None
) -> list[Path]:
    """Write everything into `folder` and return the files, the report first.

    source: the checkpoint's file, as it was named. config: of the world; with it the maps say how they were
    made. Raises UsageError if the folder cannot be written.
    """
    data = write_data(folder, summary_of(found, source, seconds, config), arrays_of(found))
    pictures = write_pictures(found, folder, config)
    report = folder / "report.html"
    write_report(found, report, source, seconds)
    return [report, *data, *pictures]


def make_folder(folder: Path) -> None:
    """Make a folder, if it is not there, and try to write in it. Raises UsageError if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None


def write_data(
    folder: Path, summary: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> tuple[Path, Path]:
    """Write summary.json and arrays.npz; make the folder. Raises UsageError if that is impossible."""
    make_folder(folder)
    try:
        paths = folder / "summary.json", folder / "arrays.npz"
        text = json.dumps(finite(dict(summary)), indent=2, allow_nan=False)
        paths[0].write_text(text + "\n", encoding="utf-8")
        np.savez_compressed(paths[1], **dict[str, Any](arrays))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from None
    return paths


def write_pictures(found: Analysis, folder: Path, config: Config | None) -> list[Path]:
    """Write the maps into `folder`, which is there; return their files. config: as for `write`."""
    paths = []
    for name, shown in _maps_of(found).items():
        made = figure(found.maps, shown) if found.maps else None
        for kind in ("png", "pdf") if name != "maps" else ("png",):
            paths.append(folder / f"{name}.{kind}")
            save(made, paths[-1], map_origin(found, config, paths[-1].name) if config else None)
    return paths


def map_of(found: Analysis, name: str) -> Any:
    """Return the figure of a map by its name; `maps` are belief, truth and error. KeyError for another."""
    shown = _maps_of(found)[name]
    assert found.maps is not None
    return figure(found.maps, shown)


def _maps_of(found: Analysis) -> dict[str, dict[str, Panel]]:
    """Return the panels of each picture by its name; none without maps."""
    if found.maps is None:
        return {}
    shown = panels_of(found)
    every = shown | policy_panels(found.checkpoint, found.maps, found.plan.action)
    leading = {name: shown[name] for name in LEADING}
    return {"maps": leading} | {name: {name: panel} for name, panel in every.items()}


def write_report(found: Analysis, path: Path, source: str, seconds: float) -> None:
    """Write the page alone; source and seconds as for `write`."""
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
        *_robustness_chapters(found),
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
    shown = panels_of(found)
    text = f"The plane {found.maps.plane.label}. " if found.maps.plane.label else ""
    text += "Errors are pale where they may be chance."
    chapters = [Chapter("Belief, truth, error", text, picture=_row(found, LEADING))]
    rest = [name for name in shown if name not in (*LEADING, *_SEEN, *_SUPPORTED)]
    chapters.append(Chapter("How rollouts end", "From the state of each cell.", picture=_row(found, rest)))
    if found.maps.visits is not None:
        chapters.append(Chapter("What the episodes show", _SEEN_TEXT, picture=_row(found, _SEEN)))
        text = _SUPPORTED_TEXT.format(f"{found.plan.min_visits:g}")
        chapters.append(Chapter("With the episodes' support", text, picture=_row(found, _SUPPORTED)))
    of_policy = policy_panels(found.checkpoint, found.maps, found.plan.action)
    if of_policy:
        picture = as_png(figure(found.maps, of_policy))
        chapters.append(Chapter("What the policy does", _POLICY_TEXT, picture=picture))
    for name, places in regions_of(found).items():
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


def _robustness_chapters(found: Analysis) -> list[Chapter]:
    text = "Of the deterministic policy; each episode has its own value of the parameter, which is spread."
    return [
        Chapter(
            f"Return against {each.parameter.name}", text, robustness.table(each), plot=robustness.plot(each)
        )
        for each in found.robustness
    ]


def _quantile_chapters(found: Analysis) -> list[Chapter]:
    if found.coverage is None:
        return []
    text = "A calibrated critic's quantile of level τ has a share τ of the returns at or below it."
    return [Chapter("Quantiles", text, found.coverage.table())]


def panels_of(found: Analysis) -> dict[str, Panel]:
    """Return the panels of an analysis that has maps, in colours of its own."""
    assert found.maps is not None
    return panels(found.maps, found.significant, min_visits=found.plan.min_visits)


def _row(found: Analysis, names: Sequence[str]) -> bytes:
    """Return maps side by side, as a PNG."""
    assert found.maps is not None
    shown = panels_of(found)
    return as_png(figure(found.maps, {name: shown[name] for name in names}))


_SEEN_TEXT = (
    "Grey cells have no visit: what the critic says of them is extrapolated. The TD error is the reward and "
    "the discounted next value less the value. It says whether the critic agrees with itself, and only "
    "weakly how far it is from the truth (Fujimoto et al., 2022): compare it with the error beside it."
)
_POLICY_TEXT = (
    "Of the deterministic policy: its action; the way that one step leads, as comets that fly with it; and "
    "the cosine between that way and the critic's gradient, 1 where the policy goes where the critic says "
    "it is better. Formulas and limits are in docs/insight.md, More maps."
)
_SUPPORTED_TEXT = (
    "Belief and error fade where fewer than {} steps of the episodes began in a cell (insight.min_visits): "
    "there the critic extrapolates, and nothing that it learned from says that it should be right."
)
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
    rollouts = int(maps.truth.rollouts.max())
    number = "one rollout" if rollouts == 1 else f"{rollouts} rollouts"
    return (
        f"{said} {len(maps.value)}² cells, {number} each, of at most "
        f"{maps.rules.max_steps:,} steps ({limit}); what is cut off is about {maps.cut_bound:.3g} at most."
    )
