"""`analyze`: the numbers, findings and maps of `valuescape analyze`, as values."""

import html
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

from valuescape.analysis import analysis as inner
from valuescape.analysis import output
from valuescape.analysis import several as inner_several
from valuescape.analysis.origin import plan_by
from valuescape.analysis.several_output import several_verdict, write_several
from valuescape.analysis.summary import arrays_of, summary_of
from valuescape.analysis.verdict import verdict
from valuescape.keywords import require_known
from valuescape.library.arguments import whole
from valuescape.library.grid import Estimated, Map
from valuescape.library.loading import ModelSource, load
from valuescape.library.model import Model
from valuescape.library.pictures import Look
from valuescape.library.planes import Axes, Slice, plane_of
from valuescape.sim.config.files import Config, changed
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.metrics import Estimate
from valuescape.sim.resources import usable_cores
from valuescape.sim.rollouts.choose import usual_cells


class AnalysisOptions(TypedDict, total=False):
    """Options of `analyze`; as those of the command."""

    episodes: int
    """Episodes to run; 512."""
    cells: int | None
    """Cells of the maps, each way; None: 256, in environments of Gymnasium 64."""
    rollouts: int
    """Rollouts from each cell, where they differ; 64."""
    seed: int
    """Of starts and draws; 0."""
    time_limit: bool
    """Whether rollouts end at the world's time limit; False."""
    entropy_coefficient: float | None
    """SAC's or TQC's; None takes the file's."""
    axes: Axes
    """The state variables along the maps; None: the world's own."""
    slice: Slice
    """Values of the others."""
    on_progress: Callable[[str, float], object]
    """Told what is being done and the share that is; if it returns False, what is there counts."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analysis:
    """What was found out about one model."""

    model: Model
    """The model."""
    found: inner.Analysis
    """All results, as the program has them."""
    config: Config
    """The configuration that the command would have had."""
    seconds: float
    """The time that it took."""

    @property
    def numbers(self) -> dict[str, Estimate]:
        """Numbers by name, each with its 95 % interval: `value`, `low`, `high`. docs/insight.md has all."""
        return dict(self.found.numbers)

    @property
    def findings(self) -> list[str]:
        """What the numbers and maps say, in sentences; the most important first."""
        return list(verdict(self.found))

    @property
    def maps(self) -> dict[str, Map]:
        """The maps "value", "truth" and "error"; empty where agents cannot be put into states."""
        maps = self.found.maps
        if maps is None:
            return {}
        source = self.model.source
        belief = Map(
            maps.value, maps.plane, "value", "V(s)", "belief: the critic's value", "", "return", source=source
        )
        truth = Map(
            maps.truth.value,
            maps.plane,
            "truth",
            "G(s)",
            "truth: the return that follows",
            "",
            "return",
            maps.truth.half_width if maps.random else None,
            look=Look(reference=True),
            estimated=Estimated(maps.truth, maps.random),
            source=source,
        )
        return {"value": belief, "truth": truth, "error": belief - truth}

    @property
    def summary(self) -> dict[str, Any]:
        """What the command writes to summary.json."""
        return summary_of(self.found, self.model.source, self.seconds, self.config)

    @property
    def arrays(self) -> dict[str, Any]:
        """What the command writes to arrays.npz: all fields, and every step of the episodes."""
        return arrays_of(self.found)

    @property
    def complete(self) -> bool:
        """Whether nothing was cut short."""
        return self.found.complete

    def write(self, folder: Any) -> list[Path]:
        """Write report.html, summary.json, arrays.npz and the maps into a folder, as the command does.

        Returns the files, the report first. Raises UsageError if that is impossible.
        """
        return output.write(self.found, Path(folder), self.model.source, self.seconds, self.config)

    def __repr__(self) -> str:
        lines = [f"<valuescape.Analysis of {self.model.source} in {self.model.world.name}>"]
        return "\n".join([*lines, *self.findings])

    def _repr_html_(self) -> str:
        """Return the findings and the numbers, as notebooks show them."""
        said = "".join(f"<li>{html.escape(each)}</li>" for each in self.findings)
        cells = (
            (html.escape(name), f"{each.value:.4g}", f"{each.low:.4g} to {each.high:.4g}")
            for name, each in self.numbers.items()
        )
        rows = "".join(f"<tr><td>{'</td><td>'.join(each)}</td></tr>" for each in cells)
        head = "<tr><th>number</th><th>value</th><th>95 % interval</th></tr>"
        return f"<ul>{said}</ul><table>{head}{rows}</table>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """What was found out about several models in the same starts, on the same cells."""

    analyses: list[Analysis]
    """One for each model, in their order."""
    several: inner_several.Several
    """All results, as the program has them."""
    config: Config
    """The configuration that the command would have had."""
    seconds: float
    """The time that it took."""

    @property
    def differences(self) -> list[dict[str, Estimate]]:
        """Numbers of each further model less those of the first; intervals are over pairs of episodes."""
        return [dict(each.numbers) for each in self.several.differences]

    @property
    def findings(self) -> list[str]:
        """What the comparison says, in sentences."""
        return list(several_verdict(self.several))

    @property
    def complete(self) -> bool:
        """Whether nothing was cut short."""
        return self.several.complete

    def write(self, folder: Any) -> list[Path]:
        """Write report, numbers, arrays and maps into a folder; return the files, the report first."""
        return write_several(self.several, Path(folder), self.seconds, self.config)

    def __repr__(self) -> str:
        return "\n".join([f"<valuescape.Comparison of {len(self.analyses)} models>", *self.findings])


@overload
def analyze(model: ModelSource, /, **options: Unpack[AnalysisOptions]) -> Analysis: ...
@overload
def analyze(
    model: ModelSource, other: ModelSource, /, *more: ModelSource, **options: Unpack[AnalysisOptions]
) -> Comparison: ...
def analyze(model: ModelSource, /, *others: ModelSource, **options: Unpack[AnalysisOptions]) -> Any:
    """Return where a critic is wrong: numbers with intervals, findings, and maps of belief, truth and error.

    With the same seed the numbers are those of `valuescape analyze`. Of several models, in one world, return
    a `Comparison`: all start in the same states. options: see `AnalysisOptions`. KeyboardInterrupt leaves
    nothing running. Raises UsageError if episodes cannot be run in the world, or if models are of several.
    """
    require_known(options, AnalysisOptions, "analyze")
    models = [load(each) for each in (model, *others)]
    config = _config(models[0], options)
    plan = plan_by(config, *_sizes(models[0], options), usable_cores())
    plane = plane_of(models[0], options.get("axes"), options.get("slice"))
    tell: Callable[[str, float], object] = options.get("on_progress") or (lambda *_: None)
    began = time.perf_counter()

    def go_on(what: str, share: float) -> bool:
        return tell(what, share) is not False

    if not others:
        found = inner_several.named_analysis(models[0].source, models[0].checkpoint, plane, plan, go_on)
        return Analysis(models[0], found, config, time.perf_counter() - began)
    compared = inner_several.analyze_several(_named(models), plane, plan, go_on)
    analyses = [
        Analysis(each, one.found, config, one.seconds)
        for each, one in zip(models, compared.models, strict=False)
    ]
    return Comparison(analyses, compared, config, time.perf_counter() - began)


def _sizes(model: Model, options: AnalysisOptions) -> tuple[int, int]:
    episodes = whole(options.get("episodes", 512), "episodes", 2, 100_000)
    cells = options.get("cells")
    return episodes, whole(cells or usual_cells(model.world.name), "cells", 8, 2048)


def _config(model: Model, options: AnalysisOptions) -> Config:
    alpha = options.get("entropy_coefficient")
    return changed(
        model.config,
        {
            "run.seed": whole(options.get("seed", 0), "seed", 0),
            "insight.rollouts": whole(options.get("rollouts", 64), "rollouts", 1),
            "insight.time_limit": options.get("time_limit", False),
            "policy.entropy_coefficient": "file" if alpha is None else alpha,
        },
    )


def _named(models: Sequence[Model]) -> list[inner_several.Model]:
    """Return the models as comparisons take them. Raises UsageError if their worlds differ."""
    first = models[0].world.name
    for each in models:
        if each.world.name != first:
            raise UsageError(
                f"{each.source} is in {each.world.name}, {models[0].source} in {first}",
                "compare in one world",
            )
    labels = _labels([each.source for each in models])
    return [
        inner_several.Model(label, each.source, each.checkpoint, each.config.policy.checkpoint)
        for label, each in zip(labels, models, strict=True)
    ]


def _labels(sources: Sequence[str]) -> list[str]:
    """Return a short name for each source; those that come again are numbered."""
    different = list(dict.fromkeys(sources))
    short = dict(zip(different, inner_several.labels_of(different), strict=True))
    counts = [sources[: at + 1].count(each) for at, each in enumerate(sources)]
    return [
        short[each] if count == 1 else f"{short[each]} ({count})"
        for each, count in zip(sources, counts, strict=True)
    ]
