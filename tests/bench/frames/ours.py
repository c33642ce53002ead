"""Measures frames of our scene, without engine and window: upload, compute, draw, finish."""

import time
from pathlib import Path

import numpy as np
from measuring import answer_frames, arguments
from walk import EDGE, SIZE, TRAIL, WARM_UP, Walk

from valuescape.gpu.context import create_headless_context, driver_info
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.uploaded_field import UploadedField
from valuescape.render.displays.display import picture_bytes
from valuescape.render.displays.recorder import save_png
from valuescape.render.overlay.labels import Annotations, Heading
from valuescape.render.scene.scene import Scene
from valuescape.render.view.looks import Looks
from valuescape.render.view.viewer import Viewer
from valuescape.sim.config.files import load_config
from valuescape.sim.worlds import make_world

SPAN = 4.0
"""Of the map in the point mass's units, to both sides."""


class Source:
    """The walk as the engine's rows."""

    def __init__(self, walk):
        self.walk = walk
        world = make_world("point_mass")
        self.low = np.array([each.low for each in world.state], np.float32)
        self.span = np.array([each.high - each.low for each in world.state], np.float32)
        self.strand = np.zeros(walk.agents, np.uint8)

    def row(self, name, tick):
        if name == "trail_strand":
            return self.strand
        return self.low + (self.walk.at(tick) + 1) / 2 * self.span

    def trail_intact(self, tick):
        return True

    def recent_row(self, name, tick):
        return self.strand  # nothing but zeros, as the endings are


def main() -> None:
    args = arguments()
    walk, trail = Walk(args["agents"]), args.get("trail", TRAIL)
    size = tuple(args.get("size", SIZE))
    gl = create_headless_context()
    keys = [
        f"agents.count={walk.agents}",
        f"trails.length={trail}",
        f"heatmap.resolution={EDGE}",
        f"heatmap.density_resolution={args.get('density', 128)}",
        "heatmap.layer=value",
        f"lod.segment_budget={'0' if args.get('ribbons') else 'auto'}",
        *args.get("set", []),
    ]
    config, meter = load_config(None, keys), FrameMeter()
    field = UploadedField(gl, EDGE, meter)
    scene = Scene(gl, config, make_world("point_mass"), field, meter, 1.0)
    scene.resize(size)
    source, viewer = (
        Source(walk),
        Viewer(flat=args.get("flat", True), layer="value", trail_color="age", looks=Looks.of(config)),
    )
    rows = [source.row("trail_position", tick).copy() for tick in range(2 * walk.ticks)]
    source.row = lambda name, tick: (
        source.strand if name == "trail_strand" else rows[tick % (2 * walk.ticks - 2)]
    )
    tick, took = 0, []

    def frame(timed: bool) -> None:
        nonlocal tick
        values = walk.field(tick).ravel()
        began = time.perf_counter()
        field.write(values)
        scene.field_changed()
        scene.take_ticks(source, tick)
        scene.draw(viewer, Annotations(Heading(("bench",))))
        gl.finish()
        if timed:
            took.append((time.perf_counter() - began) * 1000)
        tick += 1

    for _ in range(trail + WARM_UP):
        frame(False)
        if tick % 15 == 0:
            scene.keep_to_budget(scene.trails.segments_drawn, 12.0, 16.0)
    meter.clear()
    end = time.perf_counter() + args["seconds"]
    while time.perf_counter() < end or len(took) < 5:
        frame(True)
    if args.get("png"):
        save_png(Path(args["png"]), picture_bytes(scene.picture), size)
    answer_frames(
        took,
        renderer=driver_info(gl).renderer,
        draw_calls=meter.draw_calls / len(took),
        individuals=scene.trails.individuals.count,
        segments=scene.trails.segments_drawn,
    )


if __name__ == "__main__":
    main()
