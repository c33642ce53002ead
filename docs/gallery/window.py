"""Makes a picture of the whole window, panel and picture, as it is after a person changed some settings.

`python docs/gallery/window.py FILE.png` writes it. No window is opened: a headless display takes its place.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.headless import HeadlessDisplay
from valuescape.render.view.changes import Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

SIZE = (1240, 800)
CHANGES = (
    Set("world.parameters.gravity", "4..16"),
    Set("world.parameters.mass", 1.2),
    Set("trails.opacity", 0.6),
    Set("policy.exploration", 0.1),
)
"""What a person did, in this order."""

SETTINGS = (
    *("world.name=pendulum", "agents.count=150", "workers.count=0", "heatmap.layer=value"),
    *("world.parameters.gravity=8..12", "trails.color_by=gravity", "lod.segment_budget=0"),
    *("trails.width_px=2", "trails.length=48", "heatmap.opacity=0.45", "render.view=2d"),
    *("features.async_physics=false", "run.record=false"),
)


class Canvas(HeadlessDisplay):
    """A headless display that keeps what it was last given to present."""

    parts: tuple[Any, ...] = ()

    def _do_present(self, picture: Any, panel: Any) -> None:
        self.parts = (panel, picture)

    def image(self) -> Image.Image:
        """Return panel and picture side by side, as a window has them."""
        image = Image.new("RGB", self.size_px)
        left = 0
        for part in self.parts:
            image.paste(Image.frombytes("RGB", part.size, picture_bytes(part)), (left, 0))
            left += part.size[0]
        return image


def main() -> None:
    """Write the picture into the file that the command line names."""
    canvas, config = Canvas(SIZE), load_config(None, SETTINGS)
    with TemporaryDirectory() as folder:
        how = {"headless": True, "display": canvas, "panel": True}
        with Session(config, RunLength(ticks=120), Outputs(Path(folder)), **how) as session:
            for change in CHANGES:
                session.controls.apply(change)
            session.turn_frames()
            canvas.image().save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
