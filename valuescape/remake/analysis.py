"""Makes a map of an analysis again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.origin import plan_again
from valuescape.analysis.output import map_of
from valuescape.analysis.pictures import save
from valuescape.analysis.several import Model, analyze_several
from valuescape.analysis.several_output import figures_of
from valuescape.provenance.contents import AnalysisMade
from valuescape.provenance.origin import picture_versions
from valuescape.recordings.means import same_checkpoint, with_means
from valuescape.remake.means import Original
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane, map_plane
from valuescape.sim.resources import usable_cores
from valuescape.sim.worlds import make_world


def remake_map(original: Original, made: AnalysisMade, out: Path) -> None:
    """Analyse the checkpoints again and save the map. Raises UsageError if the analysis makes no such map."""
    config, means = original.config, original.means
    plan = plan_again(made, config, means.workers or usable_cores())
    plane = map_plane(config, make_world(config.world.name, config))

    def tell(what: str, share: float) -> bool:
        means.interrupts.check()
        means.on_progress(share, what)
        return True

    again = _several if made.compared else _one
    try:
        figure = again(original, made, plane, plan, tell)
    except KeyError:
        raise UsageError(f"{original.path}: the analysis makes no map {made.name}") from None
    save(figure, out, original.origin.model_copy(update={"versions": picture_versions()}))


def _one(
    original: Original, made: AnalysisMade, plane: MapPlane, plan: Plan, tell: Callable[[str, float], bool]
) -> Any:
    if original.checkpoint is None:
        raise UsageError(f"{original.path}: its metadata are damaged (no checkpoint was analysed)")
    return map_of(analyze(original.checkpoint, plane, plan, tell), Path(made.name).stem)


def _several(
    original: Original, made: AnalysisMade, plane: MapPlane, plan: Plan, tell: Callable[[str, float], bool]
) -> Any:
    models = []
    for index, each in enumerate(made.compared):
        name = each.checkpoint.name
        named = with_means(original.config, None, Path(name)) if index else original.config
        found = same_checkpoint(original.path, "picture", each.checkpoint, named)
        assert found is not None
        models.append(Model(each.label, name, found, name))
    return figures_of(analyze_several(models, plane, plan, tell))[Path(made.name).stem]
