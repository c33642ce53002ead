"""Makes the picture of a run again."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from valuescape.provenance.bits import from_bits
from valuescape.provenance.contents import Moment, PictureMade, Provenance
from valuescape.provenance.origin import picture_versions
from valuescape.remake.means import Means, Original
from valuescape.remake.moment import come_to, stage_of
from valuescape.render.scene.scene import SceneState
from valuescape.render.scene.trails import TrailState
from valuescape.render.view.viewer import Viewer
from valuescape.run.finish import save_picture
from valuescape.run.inspection import Inspection
from valuescape.run.origin import annotations_of, places_of
from valuescape.run.stage import Stage
from valuescape.run.validate import validate
from valuescape.sim.config.files import changed
from valuescape.sim.errors import UsageError
from valuescape.sim.paths import reading

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Again:
    """What is known of a file that was made again.

    origin: as its metadata say. same_places: whether agents are where they were; None if that is not known.
    """

    origin: Provenance
    same_places: bool | None


def remake_picture(original: Original, made: PictureMade, out: Path) -> Again:
    """Draw a picture again, and save it. Raises UsageError if the picture's metadata fit no run."""
    config = changed(original.config, made.moment.changed | made.live)
    validate(config)
    _require_size(original.path, made)
    with stage_of(original, made.canvas) as stage:
        viewer = made.view.viewer(config, stage.trail_colors, stage.layers, stage.scene.plane.bounds)
        stage.maps.insight = config.insight
        since = made.trails.signals_since
        come_to(stage, made.moment, original, viewer.trail_color, since, viewer.shown)
        _inspect(stage, viewer, made.moment)
        if made.highlighted is not None:
            met = from_bits(made.highlighted, stage.scene.trails.individuals.agents)
            stage.scene.highlight(np.flatnonzero(met))
        complete_maps(stage, viewer.shown, original.means)
        trails = TrailState(**made.trails.model_dump())
        stage.scene.draw_as(viewer, annotations_of(made.said), SceneState(made.ends, trails))
        again = again_of(original.origin, stage, made.moment)
        save_picture(stage.scene.picture, out, again.origin)
    return again


def _inspect(stage: Stage, viewer: Viewer, moment: Moment) -> None:
    """Select the agents and the place that a picture shows, on the plane that it shows.

    The cross stays: no pointer makes it again.
    """
    inspection, cross = Inspection(stage), viewer.cross
    try:
        inspection.update(viewer, range(0))
        viewer.cross = cross
        stage.move_slice(tuple(moment.plane))
        inspection.complete(viewer)
    finally:
        inspection.release()


def again_of(origin: Provenance, stage: Stage, moment: Moment) -> Again:
    """Return what is known of a file made again from what a stage shows; a GPU query."""
    driver = f"{stage.driver.renderer}, {stage.driver.version}"
    now = origin.model_copy(update={"versions": picture_versions(), "driver": driver})
    return Again(now, None if moment.places is None else places_of(stage.scene) == moment.places)


def _require_size(path: Path, made: PictureMade) -> None:
    from PIL import Image

    with reading(path, "a picture"), Image.open(path, formats=["PNG"]) as image:
        if image.size != (made.canvas.width, made.canvas.height):
            raise UsageError(f"{path}: its metadata are of a picture of another size")


def complete_maps(stage: Stage, names: Collection[str], means: Means) -> None:
    """Wait until maps are there."""
    while True:
        stage.maps.update(stage.scene, names, range(0), waits=True, last=True)
        if not stage.maps.doing:
            return
        means.interrupts.check()
        means.on_progress(1.0, stage.maps.doing)
        time.sleep(_LOOK_S)
