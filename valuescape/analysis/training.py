"""The analysis of a training run: the same numbers and maps for each of its checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.analysis.analysis import Analysis, Plan, Progress
from valuescape.analysis.making import Makers
from valuescape.analysis.several import in_turn, named_analysis
from valuescape.analysis.summary import summary_of
from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.cluster.asking import ClusterGoneError
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.paths import reading
from valuescape.sim.policy.loading import load_with_statistics
from valuescape.sim.policy.training_files import Saved, TrainingFiles, first_line


@dataclass(frozen=True, slots=True)
class Frame:
    """The maps of one checkpoint, [edge, edge], as a film needs them: a tenth of what `Maps` holds."""

    plane: MapPlane
    value: Float32Array
    truth: Float32Array
    significant: BoolArray


@dataclass(frozen=True, slots=True)
class Point:
    """One checkpoint of the run."""

    saved: Saved
    numbers: dict[str, Estimate]
    summary: dict[str, Any]
    """As `summary_of` gives it."""
    frame: Frame | None
    """None without maps, and where they were interrupted."""
    remarks: tuple[str, ...]
    """The checkpoint's, such as where its statistics are from."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The checkpoints that were analysed, by their steps."""

    folder: Path
    world: str
    plan: Plan
    points: list[Point]
    left_out: list[str]
    """Sentences about files that were not, each with the file's name."""
    complete: bool


def analyze_training(
    files: TrainingFiles,
    plane: MapPlane,
    plan: Plan,
    on_progress: Progress = lambda *_: True,
    on_left_out: Callable[[str], None] = lambda _: None,
    made_by: Makers | None = None,
) -> TrainingRun:
    """Return the analysis of every checkpoint of a training run, with the same starts, plane and cells.

    on_progress: if it says no, what is there so far is kept. on_left_out: told about a checkpoint that cannot
    be analysed, which is left out. made_by: as of `analyze`. Raises UsageError if none can.
    """
    points, left_out, going = list[Point](), [*files.left_out], True
    for index, each in enumerate(files.saved):
        tell = in_turn(on_progress, f"{each.steps:,} steps", index, len(files.saved))
        try:
            with reading(each.path, "a checkpoint"):
                checkpoint = load_with_statistics(each.path, plane.world, files.given)
            found = named_analysis(str(each.path), checkpoint, plane, plan, tell, made_by)
        except ClusterGoneError:
            raise  # no other checkpoint can be analysed either
        except UsageError as error:
            left_out.append(first_line(error, each.path))
            on_left_out(left_out[-1])
            continue
        if found.whole_episodes or not points:
            points.append(_point(each, found))
        going = found.complete
        if not going:
            break
    if not points:
        raise UsageError(f"{files.folder}: none of its checkpoints can be analysed; {left_out[-1]}")
    return TrainingRun(files.folder, plane.world.name, plan, points, left_out, going)


def _point(saved: Saved, found: Analysis) -> Point:
    frame = None
    if found.maps and found.complete:
        value, truth = (each.astype(np.float32) for each in (found.maps.value, found.maps.truth.value))
        frame = Frame(found.maps.plane, value, truth, found.significant)
    return Point(
        saved, found.numbers, summary_of(found, str(saved.path), 0.0), frame, found.checkpoint.remarks
    )
