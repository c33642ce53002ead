"""The results of stress tests as tables, sentences and HTML pages."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from valuescape.formatting import shown
from valuescape.studies.breaking_point import Search, Trial, verdict
from valuescape.studies.chaos import TICKS, ChaosResult
from valuescape.studies.html_report import Chapter, Page
from valuescape.studies.soak import COUNTS, Sample, SoakResult

Table = list[list[str]]


def trials_table(found: Search, unit: str) -> Table:
    """Return the trials in the order of their loads; the first row is the heading."""
    rows = [[unit, "FPS", "P95 (ms)", "ticks/s", "longest section", "broken"]]
    for each in _in_order(found):
        figures = (
            f"{each.load:,}",
            shown(each.fps, 1),
            shown(each.frame_ms_p95, 1),
            shown(each.ticks_per_s, 1),
        )
        rows.append([*figures, each.dominated, "; ".join(each.broken)])
    return rows


def search_page(found: Search, unit: str) -> Page:
    """Return the content of a search's report. unit: of its loads."""
    chapters = [
        Chapter(f"Frame time over {unit}", plot=lambda axes: _plot_trials(axes, _in_order(found), unit)),
        Chapter("Trials", "In the order of their load.", trials_table(found, unit)),
    ]
    return Page(f"Breaking load: {unit}", verdict(found, unit), chapters)


def soak_lines(result: SoakResult) -> list[str]:
    """Return a soak's results in sentences."""
    if not result.samples:
        return ["Interrupted before anything was looked at."]
    minutes, rate = result.samples[-1].at_s / 60, result.memory_mb_per_min
    memory = "too short to tell about memory" if math.isnan(rate) else f"memory {rate:+.2f} MB/min"
    head = f"{minutes:.1f} minutes, {len(result.samples)} looks: {memory}."
    return (
        [head, *(f"It grows: {each}." for each in result.grows)]
        if result.grows
        else [f"{head} Nothing grows."]
    )


def soak_table(result: SoakResult, rows: int = 9) -> Table:
    """Return up to `rows` samples, evenly spaced, the first and the last included; first the heading."""
    samples = result.samples
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(rows, len(samples))).astype(int))
    table = [["minute", "memory (MB)", "FPS", *COUNTS.values()]]
    for each in (samples[index] for index in chosen):
        counts = [f"{getattr(each, name):,}" for name in COUNTS]
        table.append([f"{each.at_s / 60:.1f}", f"{each.memory / 1e6:.1f}", shown(each.fps, 1), *counts])
    return table


def soak_page(result: SoakResult, title: str) -> Page:
    """Return the content of a soak's report. title: the run, in a few words."""
    samples = result.samples
    chapters = [
        Chapter(
            "Memory",
            "All processes; shared memory is counted once.",
            plot=lambda axes: _plot_memory(axes, samples),
        ),
        Chapter("Counts", plot=lambda axes: _plot_counts(axes, samples)),
        Chapter("Frames", plot=lambda axes: _plot_fps(axes, samples)),
        Chapter("Some of the samples", table=soak_table(result, rows=25)),
    ]
    return Page(f"Soak: {title}", soak_lines(result), chapters)


def chaos_lines(result: ChaosResult) -> list[str]:
    """Return the rounds' results in sentences."""
    done = (
        f"{result.rounds} rounds of {TICKS} ticks: {result.killed} workers killed, {result.stopped} stopped, "
        f"{result.restarts} replaced."
    )
    if not result.rounds:
        return ["No round was made to its end."]
    if result.differing:
        return [done, f"{len(result.differing)} ended in another state: rounds {result.differing}."]
    return [done, f"All {result.rounds} ended in the state of an undisturbed run, bit by bit."]


def chaos_page(result: ChaosResult, title: str) -> Page:
    """Return the content of the report of rounds with faults. title: the run, in a few words."""
    rows = [["round", "seed", "faults", "replaced", "state"]]
    rows += [
        [
            str(index),
            str(each.seed),
            "; ".join(each.faults),
            str(each.restarts),
            "same" if each.same else "OTHER",
        ]
        for index, each in enumerate(result.made)
    ]
    chapters = [
        Chapter("Workers replaced", plot=lambda axes: _plot_rounds(axes, result)),
        Chapter(
            "Rounds",
            "Each is compared with the same run in the main process, which has no workers to kill.",
            rows,
        ),
    ]
    return Page(f"Workers killed and stopped: {title}", chaos_lines(result), chapters)


def _in_order(found: Search) -> list[Trial]:
    return sorted(found.trials, key=lambda each: each.load)


def _plot_trials(axes: Any, trials: Sequence[Trial], unit: str) -> None:
    axes.plot([each.load for each in trials], [each.frame_ms_p95 for each in trials], color="0.6", zorder=0)
    for broken, color, label in ((False, "tab:green", "carried"), (True, "tab:red", "broken")):
        some = [each for each in trials if bool(each.broken) is broken]
        axes.scatter(
            [each.load for each in some], [each.frame_ms_p95 for each in some], color=color, label=label
        )
    axes.set(xscale="log", xlabel=unit, ylabel="frame time P95 (ms)", ylim=(0, None))
    axes.legend()


def _plot_memory(axes: Any, samples: Sequence[Sample]) -> None:
    axes.plot([each.at_s / 60 for each in samples], [each.memory / 1e6 for each in samples])
    axes.set(xlabel="minutes", ylabel="MB")


def _plot_counts(axes: Any, samples: Sequence[Sample]) -> None:
    for name, title in COUNTS.items():
        axes.plot(
            [each.at_s / 60 for each in samples], [getattr(each, name) for each in samples], label=title
        )
    axes.set(xlabel="minutes", ylim=(0, None))
    axes.legend()


def _plot_fps(axes: Any, samples: Sequence[Sample]) -> None:
    axes.plot([each.at_s / 60 for each in samples], [each.fps for each in samples], color="tab:green")
    axes.set(xlabel="minutes", ylabel="frames/s", ylim=(0, None))


def _plot_rounds(axes: Any, result: ChaosResult) -> None:
    axes.step(
        range(1, len(result.made) + 1), np.cumsum([each.restarts for each in result.made]), where="post"
    )
    axes.set(xlabel="round", ylabel="workers replaced so far", ylim=(0, None))
