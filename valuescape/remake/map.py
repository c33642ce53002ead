"""Makes the picture of one map again that `import valuescape` made."""

from pathlib import Path

from valuescape.analysis.pictures import save
from valuescape.library.model import Model
from valuescape.library.signals import signal_map
from valuescape.presets import other_checkpoint
from valuescape.provenance.contents import MapMade
from valuescape.provenance.origin import picture_versions
from valuescape.remake.means import Original
from valuescape.sim.config.files import changed
from valuescape.sim.errors import UsageError
from valuescape.sim.resources import usable_cores
from valuescape.sim.worlds import make_world


def remake_one_map(original: Original, made: MapMade, out: Path) -> None:
    """Make the map again and save its picture. Raises UsageError if there can be no such map."""
    config, means = original.config, original.means
    if original.checkpoint is None:
        raise UsageError(f"{original.path}: its metadata are damaged (the map is of no checkpoint)")
    world, alpha = make_world(config.world.name, config), config.policy.entropy_coefficient
    model = Model(original.checkpoint, world, config, config.policy.checkpoint)
    second, name = other_checkpoint(config), config.insight.compare_with
    acting = changed(config, {"policy.checkpoint": name}) if name else config

    def tell(share: float) -> None:
        means.interrupts.check()
        means.on_progress(share, made.name)

    found = signal_map(
        model,
        made.name,
        made.cells,
        other=None if second is None else Model(second, world, acting, name),
        rollouts=config.insight.rollouts,
        seed=config.run.seed,
        episodes=made.episodes,
        time_limit=config.insight.time_limit,
        entropy_coefficient=None if alpha == "file" else alpha,
        threads=means.workers or usable_cores(),
        on_progress=tell,
        action=config.insight.action,
        over=config.insight.over,
    )
    save(found.plot(), out, original.origin.model_copy(update={"versions": picture_versions()}))
