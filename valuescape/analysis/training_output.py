"""Writes the analysis of a training run: numbers over training steps, and the maps as a film."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from valuescape.analysis.film import domain_of, write_film
from valuescape.analysis.maps import centres_of
from valuescape.analysis.output import LEADING, write_data
from valuescape.analysis.panels import Panel, labelled, leading_panels
from valuescape.analysis.pictures import as_png, figure, save
from valuescape.analysis.training import TrainingRun
from valuescape.analysis.verdict import as_share, told
from valuescape.run.report import about
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate
from valuescape.studies.html_report import Chapter, Page, write_html

_LOWEST_EXPLAINED = -1.0
"""Where the axis of explained variance ends: an untrained critic may have minus a thousand."""

_ROWS = 4
"""Checkpoints whose maps the report has at most."""

_TABLED = (
    *("mean_return", "share_terminated", "q_bias", "explained_variance"),
    *("start_value_predicted", "start_value_realised"),
)
"""Numbers that the report's table has; numbers.csv has all."""


def write_training(run: TrainingRun, folder: Path, seconds: float, config: Config) -> list[Path]:
    """Write report, summary, table, arrays, plots and film into `folder`; return the files, the report first.

    Raises UsageError if the folder cannot be written.
    """
    data = write_data(folder, training_summary(run, seconds, config), training_arrays(run))
    table = folder / "numbers.csv"
    _write_csv(run, table)
    plots, pictures = training_plots(run), list[Path]()
    figures = {"training": _together(plots), **_stages(run)}
    for name, made in figures.items():
        for kind in ("png", "pdf"):
            pictures.append(folder / f"{name}.{kind}")
            save(made, pictures[-1])
    films = _write_film(run, folder / "maps.mp4")
    report = folder / "report.html"
    chapters = [
        *(Chapter(title, _TEXTS[title], plot=plot) for title, plot in plots.items()),
        *(
            Chapter("Maps", _MAPS_TEXT, picture=as_png(made))
            for name, made in figures.items()
            if name == "maps"
        ),
        Chapter("Numbers", "With 95 % intervals; numbers.csv has all.", training_table(run)),
        Chapter("How it was made", _how(run, seconds, films)),
    ]
    write_html(report, Page(f"{run.folder} in {run.world}", training_verdict(run), chapters), about(config))
    return [report, *data, table, *pictures, *films]


def training_summary(run: TrainingRun, seconds: float, config: Config) -> dict[str, Any]:
    """Return the summary of each checkpoint with its training steps, by steps, and the files left out."""
    same = about({})
    return {
        "folder": str(run.folder),
        "checkpoints": [
            {"steps_trained": each.saved.steps}
            | {name: value for name, value in each.summary.items() if name not in same and name != "seconds"}
            for each in run.points
        ],
        "left_out": run.left_out,
        "complete": run.complete,
        "seconds": round(seconds, 3),
        **about(config),
    }


def training_arrays(run: TrainingRun) -> dict[str, NDArray[Any]]:
    """Return the numbers [n] over the training steps [n], and the maps [n, edge, edge] with their axes."""
    names = run.points[0].numbers
    arrays: dict[str, NDArray[Any]] = {"steps": np.array([each.saved.steps for each in run.points])}
    for name in names:
        for end in ("value", "low", "high"):
            suffix = "" if end == "value" else f"_{end}"
            arrays[name + suffix] = np.array([getattr(each.numbers[name], end) for each in run.points])
    shown = [(each.saved.steps, each.frame) for each in run.points if each.frame]
    if shown:
        frames = [frame for _, frame in shown]
        arrays["x"], arrays["y"] = centres_of(frames[0].plane, len(frames[0].value))
        arrays["maps_steps"] = np.array([steps for steps, _ in shown])
        for name, of in (("value", "value"), ("truth_value", "truth"), ("significant", "significant")):
            arrays[name] = np.stack([getattr(frame, of) for frame in frames])
    return arrays


def training_table(run: TrainingRun) -> list[list[str]]:
    """Return some numbers of each checkpoint as rows; the first row is the heading."""
    rows = [["steps", "file", *_TABLED]]
    rows += [
        [f"{each.saved.steps:,}", each.saved.path.name, *(told(each.numbers[name]) for name in _TABLED)]
        for each in run.points
    ]
    return rows


def training_verdict(run: TrainingRun) -> list[str]:
    """Return what a reader should take away, in sentences."""
    first, last = run.points[0], run.points[-1]
    best = max(run.points, key=lambda each: np.nan_to_num(each.numbers["mean_return"].value, nan=-np.inf))
    said = [
        f"{len(run.points)} checkpoints, of {first.saved.steps:,} to {last.saved.steps:,} steps.",
        f"The mean return goes from {told(first.numbers['mean_return'])} to "
        f"{told(last.numbers['mean_return'])}; it is highest after {best.saved.steps:,} steps, with "
        f"{told(best.numbers['mean_return'])}.",
        f"The critic's bias goes from {told(first.numbers['q_bias'])} to {told(last.numbers['q_bias'])}, "
        f"its explained variance from {as_share(first.numbers['explained_variance'].value)} to "
        f"{as_share(last.numbers['explained_variance'].value)}.",
    ]
    said += [f"{each}." for each in last.remarks]
    said += [f"Left out: {each}." for each in run.left_out]
    if not run.complete:
        said.append("Interrupted: what is here was done by then.")
    return said


_TEXTS = {
    "Return": "Mean undiscounted return of the deterministic policy's episodes.",
    "Start value": "What the critic promises at the start of episodes, and the return that follows.",
    "Bias": "Mean of V − G over all steps: above 0 the critic promises too much.",
    "Explained variance": f"1 − Var(G − V) / Var(G); values below {_LOWEST_EXPLAINED:g} are not shown.",
}


_MAPS_TEXT = (
    "The first, the last, and checkpoints between, on the colours of maps.mp4, which has all of them."
)


def training_plots(run: TrainingRun) -> dict[str, Callable[[Any], None]]:
    """Return what draws each plot over training steps on the axes that it is given, by its title."""

    def bias(axes: Any) -> None:
        _curve(axes, run, "q_bias", "mean V − G")
        axes.axhline(0, color="0.6", linewidth=1)

    def explained(axes: Any) -> None:
        _curve(axes, run, "explained_variance", "explained variance")
        axes.set_ylim(max(axes.get_ylim()[0], _LOWEST_EXPLAINED), 1.05)

    def starts(axes: Any) -> None:
        _curve(axes, run, "start_value_predicted", "discounted return", label="promised")
        _curve(axes, run, "start_value_realised", "discounted return", label="what follows")
        axes.legend()

    return {
        "Return": lambda axes: _curve(axes, run, "mean_return", "return of an episode"),
        "Start value": starts,
        "Bias": bias,
        "Explained variance": explained,
    }


def _curve(axes: Any, run: TrainingRun, name: str, says: str, label: str = "") -> None:
    """Draw a number over the steps with its 95 % interval as a band."""
    steps = [each.saved.steps for each in run.points]
    found: list[Estimate] = [each.numbers[name] for each in run.points]
    (line,) = axes.plot(steps, [each.value for each in found], "o-", markersize=3, label=label or None)
    low, high = [each.low for each in found], [each.high for each in found]
    axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    axes.set(xlabel="training steps", ylabel=says)
    axes.xaxis.set_major_formatter(EngFormatter())


def _together(plots: dict[str, Callable[[Any], None]]) -> Any:
    made = Figure(figsize=(7.2, 5.0), layout="constrained")
    for axes, (title, plot) in zip(made.subplots(2, 2).ravel(), plots.items(), strict=True):
        plot(axes)
        axes.set_title(title)
        axes.grid(alpha=0.25)
    return made


def _stages(run: TrainingRun) -> dict[str, Any]:
    """Return the maps of the first, the last and some between, a row each; nothing without maps."""
    shown = [(each.saved.steps, each.frame) for each in run.points if each.frame]
    if not shown:
        return {}
    frames = [frame for _, frame in shown]
    domain, panels = domain_of(frames), dict[str, Panel]()
    for at in dict.fromkeys(np.linspace(0, len(shown) - 1, _ROWS).round().astype(int)):
        each = frames[at]
        leading = leading_panels(each.value, each.truth, each.significant, domain)
        panels |= labelled(leading, f"{shown[at][0]:,} steps")
    return {"maps": figure(frames[0], panels, columns=len(LEADING))}


def _write_csv(run: TrainingRun, path: Path) -> None:
    names = list(run.points[0].numbers)
    ends = [f"{name}{end}" for name in names for end in ("", "_low", "_high")]
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["steps", "file", *ends])
            for each in run.points:
                found = (each.numbers[name] for name in names)
                values = [value for of in found for value in (of.value, of.low, of.high)]
                rows.writerow([each.saved.steps, each.saved.path.name, *values])
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


def _write_film(run: TrainingRun, path: Path) -> list[Path]:
    shown = [each for each in run.points if each.frame]
    if not shown:
        return []
    frames = [each.frame for each in shown if each.frame]
    write_film(path, frames, [f"{run.world}, after {each.saved.steps:,} steps" for each in shown])
    return [path]


def _how(run: TrainingRun, seconds: float, films: list[Path]) -> str:
    film = " maps.mp4 shows belief, truth and error of each, on the same colours." if films else ""
    return (
        f"{run.plan.episodes:,} episodes of each checkpoint, which start in the same states, seed "
        f"{run.plan.seed}; {run.plan.cells if films else 0}² cells; {seconds:.1f} s.{film}"
    )
