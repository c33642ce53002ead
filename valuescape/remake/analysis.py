"""Makes a map of an analysis again."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from valuescape.analyze.analysis import analyze
from valuescape.analyze.origin import plan_again
from valuescape.analyze.output import write_pictures
from valuescape.provenance.contents import AnalysisMade
from valuescape.remake.means import Original
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import map_plane
from valuescape.sim.resources import usable_cores
from valuescape.sim.worlds import make_world


def remake_map(original: Original, made: AnalysisMade, out: Path) -> None:
    """Analyse the checkpoint again and save the map. Raises UsageError if the analysis makes no such map."""
    config, means, checkpoint = original.config, original.means, original.checkpoint
    if checkpoint is None:
        raise UsageError(f"{original.path}: its metadata are damaged (no checkpoint was analysed)")
    plan = plan_again(made, config, means.workers or usable_cores())

    def tell(what: str, share: float) -> bool:
        means.interrupts.check()
        means.on_progress(share, what)
        return True

    found = analyze(checkpoint, map_plane(config, make_world(config.world.name, config)), plan, tell)
    with TemporaryDirectory() as folder:
        # With the settings of the original, so that the same map makes the same file.
        write_pictures(found, Path(folder), original.origin.config)
        again = Path(folder) / made.name
        if not again.exists():
            raise UsageError(f"{original.path}: the analysis makes no map {made.name}")
        shutil.copyfile(again, out)
