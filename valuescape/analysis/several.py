"""The analysis of several checkpoints in one world: the same starts, the same plane, the same cells."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from valuescape.analysis.analysis import Analysis, Plan, Progress, analyze
from valuescape.analysis.differences import MapDifference, map_difference, paired_differences
from valuescape.analysis.making import Makers
from valuescape.sim.cluster.asking import ClusterGoneError
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.policy.formats.known import FORMATS
from valuescape.sim.policy.network import Checkpoint


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint, the file it is from as it was named, and its label in tables and pictures."""

    label: str
    source: str
    checkpoint: Checkpoint
    setting: str
    """The value of `policy.checkpoint` that stands for it."""


@dataclass(frozen=True, slots=True)
class Analysed:
    """A model's analysis, and the seconds that it took."""

    model: Model
    found: Analysis
    seconds: float

    @property
    def label(self) -> str:
        """The model's label."""
        return self.model.label


@dataclass(frozen=True, slots=True)
class Difference:
    """A checkpoint less the first one."""

    label: str
    numbers: dict[str, Estimate]
    """By the names of the numbers; the interval is of the difference over pairs of episodes."""
    maps: MapDifference | None
    """None where one of the two has no maps."""


@dataclass(frozen=True, slots=True)
class Several:
    """Analyses of several checkpoints, and the differences of all others from the first."""

    models: list[Analysed]
    differences: list[Difference]
    complete: bool
    """Whether nothing was cut short."""


def labels_of(sources: Sequence[str]) -> list[str]:
    """Return a short name for each file: its own without the suffix, with folders where names are the same.

    Raises UsageError if a file is named twice.
    """
    paths = [Path(source).absolute() for source in sources]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            raise UsageError(f"{sources[index]}: is named twice", "name each checkpoint once")
    left_out = (*FORMATS.suffixes(), ".toml")
    bare = [path.with_suffix("") if path.suffix.lower() in left_out else path for path in paths]
    for names in (bare, paths):
        for parts in range(1, max(len(path.parts) for path in names) + 1):
            labels = ["/".join(path.parts[-parts:]).lstrip("/") for path in names]
            if len(set(labels)) == len(labels):
                return labels
    return list(sources)


def analyze_several(
    models: Sequence[Model],
    plane: MapPlane,
    plan: Plan,
    on_progress: Progress = lambda *_: True,
    made_by: Makers | None = None,
) -> Several:
    """Return the analyses of checkpoints over a plane of their world, and how they differ from the first.

    on_progress: if it says no, what is there so far is compared. made_by, and errors: as of `analyze`.
    """
    made: list[Analysed] = []
    going = True
    for index, model in enumerate(models):
        began = time.perf_counter()
        tell = in_turn(on_progress, model.label, index, len(models))
        found = named_analysis(model.source, model.checkpoint, plane, plan, tell, made_by)
        if found.whole_episodes or not made:
            made.append(Analysed(model, found, time.perf_counter() - began))
        going = found.complete
        if not going:
            break
    return Several(made, [_difference(each, made[0]) for each in made[1:]], going)


def named_analysis(
    source: str,
    checkpoint: Checkpoint,
    plane: MapPlane,
    plan: Plan,
    on_progress: Progress,
    made_by: Makers | None = None,
) -> Analysis:
    """Return the analysis of the checkpoint in file `source`; a UsageError begins with the file's name."""
    try:
        return analyze(checkpoint, plane, plan, on_progress, made_by)
    except ClusterGoneError:
        raise  # of no file
    except UsageError as error:
        raise UsageError(f"{source}: {error.args[0]}", error.hint) from None


def in_turn(on_progress: Progress, label: str, index: int, count: int) -> Progress:
    """Return what tells the progress of model `index` of `count` as a share of the whole."""
    name = f"{label} ({index + 1} of {count})"
    return lambda what, share: on_progress(f"{name}: {what}", (index + share) / count)


def _difference(one: Analysed, first: Analysed) -> Difference:
    maps = one.found.maps, first.found.maps
    return Difference(
        one.label,
        paired_differences(one.found, first.found, first.found.plan.seed),
        map_difference(maps[0], maps[1]) if maps[0] and maps[1] else None,
    )
