"""Writes the analysis of several checkpoints: one report with one table, common colours, difference maps."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis.differences import beyond_zero
from valuescape.analysis.origin import map_origin
from valuescape.analysis.output import LEADING, write, write_data
from valuescape.analysis.panels import Domain, Panel, difference_panels, labelled, leading_panels, most_of
from valuescape.analysis.pictures import as_png, figure, save
from valuescape.analysis.several import Analysed, Several
from valuescape.analysis.summary import arrays_of, summary_of
from valuescape.analysis.verdict import about_entropy, told
from valuescape.run.report import about
from valuescape.sim.config.files import Config, changed
from valuescape.sim.insight.metrics import Estimate
from valuescape.studies.html_report import Chapter, Page, write_html

MARK = "*"
"""Follows a number that differs from the first checkpoint's."""


def write_several(several: Several, folder: Path, seconds: float, config: Config) -> list[Path]:
    """Write report, summary, arrays and pictures into `folder`; return the files, the report first.

    The folder of each checkpoint in it, by its label, has what `output.write` writes. Raises UsageError if
    one cannot be written.
    """
    for each in several.models:
        own = changed(config, {"policy.checkpoint": each.model.setting, "insight.compare_with": ""})
        write(each.found, folder / each.label, each.model.source, each.seconds, own)
    data = write_data(folder, several_summary(several, seconds, config), several_arrays(several))
    figures, pictures = figures_of(several), list[Path]()
    for name, made in figures.items():
        for kind in ("png", "pdf"):
            pictures.append(folder / f"{name}.{kind}")
            first = several.models[0].found
            save(made, pictures[-1], map_origin(first, config, pictures[-1].name, several.models))
    report = folder / "report.html"
    chapters = [
        Chapter("Numbers", TABLE_TEXT.format(several.models[0].label), several_table(several)),
        *(Chapter(*_TEXTS[name], picture=as_png(made)) for name, made in figures.items()),
        Chapter("How it was made", _how(several, seconds)),
    ]
    title = f"{len(several.models)} checkpoints in {several.models[0].found.world.name}"
    write_html(report, Page(title, several_verdict(several), chapters), about(config))
    return [report, *data, *pictures]


def several_summary(several: Several, seconds: float, config: Config) -> dict[str, Any]:
    """Return the summaries of all checkpoints, and the differences of the others from the first."""
    first = several.models[0]
    return {
        "checkpoints": [{"label": each.label, **_own_summary(each)} for each in several.models],
        "differences": [
            {
                "label": each.label,
                "from": first.label,
                **{name: {**asdict(of), "differs": beyond_zero(of)} for name, of in each.numbers.items()},
            }
            for each in several.differences
        ],
        "complete": several.complete,
        "seconds": round(seconds, 3),
        **about(config),
    }


def _own_summary(each: Analysed) -> dict[str, Any]:
    """Return a checkpoint's summary without what is the same for all."""
    summary = summary_of(each.found, each.model.source, each.seconds)
    return {name: value for name, value in summary.items() if name not in about({})}


def several_arrays(several: Several) -> dict[str, NDArray[Any]]:
    """Return the fields of all checkpoints, stacked [n, …] as `labels` [n] says, and the difference maps.

    Axes are as in a single analysis. Each step of the episodes is in the checkpoint's own folder only.
    """
    with_maps = [each for each in several.models if each.found.maps] or several.models
    own = [arrays_of(each.found) for each in with_maps]
    axes = [name for name in ("x", "y", "visits_x", "visits_y") if name in own[0]]
    arrays = {
        name: np.stack([each[name] for each in own])
        for name in own[0]
        if name not in axes and not name.startswith("step_")
    }
    arrays |= {name: own[0][name] for name in axes}
    arrays["labels"] = np.array([each.label for each in with_maps])
    maps = [(each.label, each.maps) for each in several.differences if each.maps]
    if maps:
        arrays["difference_labels"] = np.array([label for label, _ in maps])
        for name in ("value", "truth", "significant"):
            arrays[f"difference_{name}"] = np.stack([getattr(each, name) for _, each in maps])
    return arrays


TABLE_TEXT = (
    "With 95 % intervals. The starts of the episodes are the same for all, so a resample draws pairs of "
    f"them; {MARK} marks a number whose difference from {{}} has an interval without zero. Of twenty numbers "
    "that are the same, about one is marked by chance."
)
_TEXTS = {
    "maps": (
        "Belief, truth, error",
        "All checkpoints on the same colours. Errors are pale where they may be chance.",
    ),
    "differences": (
        "Differences from the first",
        "Red where the checkpoint's value is higher, blue where it is lower. Differences in truth are pale "
        "where they may be chance.",
    ),
}


def several_table(several: Several) -> list[list[str]]:
    """Return the numbers as rows, a column for each checkpoint; the first row is the heading."""
    marked = {
        (each.label, name)
        for each in several.differences
        for name, of in each.numbers.items()
        if beyond_zero(of)
    }
    rows = [["number", *(each.label for each in several.models)]]
    for name in dict.fromkeys(name for each in several.models for name in each.found.numbers):
        known = [(each.label, each.found.numbers.get(name)) for each in several.models]
        cells = [
            (told(of) if of else "–") + (f" {MARK}" if (label, name) in marked else "") for label, of in known
        ]
        rows.append([name, *cells])
    return rows


def several_verdict(several: Several) -> list[str]:
    """Return what a reader should take away, in sentences."""
    said = _about_units(several.models)
    said += [
        f"{each.label}: {about_entropy(each.found)}" for each in several.models if each.found.checkpoint.soft
    ]
    said += [
        _about_difference(each.label, several.models[0].label, each.numbers) for each in several.differences
    ]
    if not several.complete:
        said.append("Interrupted: what is here was done by then.")
    return said


_SAID = ("mean_return", "q_bias", "explained_variance", "calibration_error")
"""Numbers that are put in words where they differ."""


def _about_difference(label: str, first: str, numbers: dict[str, Estimate]) -> str:
    differing = [name for name in _SAID if beyond_zero(numbers[name])]
    if not differing:
        return f"{label} and {first} do not differ beyond chance in {', '.join(_SAID)}."
    parts = [f"{name} {_signed(numbers[name])}" for name in differing]
    return f"{label} less {first}: {'; '.join(parts)}."


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.4g} [{estimate.low:+.4g}, {estimate.high:+.4g}]"


def _about_units(models: Sequence[Analysed]) -> list[str]:
    """Return why values cannot be compared: other discounts, or soft returns beside plain ones."""
    said, first = [], models[0]
    for each in models[1:]:
        gammas = first.found.checkpoint.gamma, each.found.checkpoint.gamma
        if gammas[0] != gammas[1]:
            said.append(
                f"{each.label} has gamma {gammas[1]:g}, {first.label} {gammas[0]:g}: their values are of "
                "different returns. Compare mean_return, and each critic with its own truth."
            )
        alphas = [of.found.alpha or 0.0 for of in (first, each)]
        if alphas[0] != alphas[1]:
            said.append(
                f"Returns of {each.label} have the entropy coefficient {alphas[1]:.4g}, those of "
                f"{first.label} {alphas[0]:.4g}: a part of the difference in V and G is entropy."
            )
    return said


def figures_of(several: Several) -> dict[str, Any]:
    """Return the maps of all checkpoints, a row each, and the difference maps; none without maps."""
    plane = next((each.found.maps for each in several.models if each.found.maps), None)
    if plane is None:
        return {}
    found = {"maps": figure(plane, common_panels(several.models), columns=len(LEADING))}
    differences = [(each.label, each.maps) for each in several.differences if each.maps]
    if differences:
        most = most_of([field for _, each in differences for field in (each.value, each.truth)])
        shown = {
            f"{label} {name}": panel
            for label, each in differences
            for name, panel in difference_panels(each, label, several.models[0].label, most).items()
        }
        found["differences"] = figure(plane, shown, columns=2)
    return found


def common_panels(models: Sequence[Analysed]) -> dict[str, Panel]:
    """Return belief, truth and error of each model that has maps, all on the same colours."""
    maps = [(each, each.found.maps) for each in models if each.found.maps]
    domain = Domain.of([each.value for _, each in maps], [each.truth.value for _, each in maps])
    shown = dict[str, Panel]()
    for model, each in maps:
        leading = leading_panels(each.value, each.truth.value, model.found.significant, domain)
        shown |= labelled(leading, model.label)
    return shown


def _how(several: Several, seconds: float) -> str:
    plan = several.models[0].found.plan
    files = "; ".join(
        f"{each.label} is {each.model.source} ({each.found.checkpoint.algorithm.upper()}, gamma "
        f"{each.found.checkpoint.gamma:g})"
        for each in several.models
    )
    return (
        f"{files}. {plan.episodes:,} episodes each, seed {plan.seed}, {seconds:.1f} s. "
        "The folder of each checkpoint has a report of its own."
    )
