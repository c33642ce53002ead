"""Makes the figure of a run again."""

from pathlib import Path

from valuescape.gpu.layers.truth import ERROR
from valuescape.provenance.contents import Canvas, FigureMade
from valuescape.remake.means import Original
from valuescape.remake.moment import come_to, stage_of
from valuescape.remake.picture import Again, again_of, complete_maps
from valuescape.run.export import gather
from valuescape.run.run_figure import draw
from valuescape.run.validate import validate
from valuescape.sim.config.files import changed

_CANVAS = Canvas(width=64, height=64, pixel_scale=1.0)
"""Nothing is drawn on it: a figure is made from arrays."""


def remake_figure(original: Original, made: FigureMade, out: Path) -> Again:
    """Draw a figure again and save it."""
    config = changed(original.config, made.live)
    validate(config)
    with stage_of(original, _CANVAS) as stage:
        stage.maps.insight = config.insight
        come_to(stage, made.moment, original)
        if made.truth:
            complete_maps(stage, (ERROR.name,), original.means)
        again = again_of(original.origin, stage, made.moment)
        draw(gather(stage, "age"), out, again.origin)
    return again
