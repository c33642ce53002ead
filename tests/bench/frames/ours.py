"""Measures frames of valuescape's scene, without engine and window: upload, compute, draw, finish."""

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
from valuescape.sim.config.files import Config, load_config
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world


class Source:
    """The random walk, as rows of the engine."""

    def __init__(self, walk):
        world = make_world("point_mass")
        self.low = np.array([each.low for each in world.state], np.float32)
        self.span = np.array([each.high - each.low for each in world.state], np.float32)
        self.strand = np.zeros(walk.agents, np.uint8)
        period = 2 * walk.ticks - 2
        self.positions = [self.low + (walk.at(tick) + 1) / 2 * self.span for tick in range(period)]

    def row(self, name, tick):
        return self.strand if name == "trail_strand" else self.positions[tick % len(self.positions)]

    def trail_intact(self, tick):
        return True

    def recent_row(self, name, tick):
        return self.strand  # zeros: no episode ends


def settings(args: dict, agents: int, trail: int) -> Config:
    """Return the configuration of the scene to draw."""
    keys = [
        f"agents.count={agents}",
        f"trails.length={trail}",
        f"heatmap.resolution={EDGE}",
        f"heatmap.density_resolution={args.get('density', 128)}",
        "heatmap.layer=value",
        f"lod.segment_budget={'0' if args.get('ribbons') else 'auto'}",
    ]
    return load_config(None, [*keys, *args.get("set", [])])


class Frames:
    """Draws the frames of a walk, one tick each.

    took, worked: milliseconds, and those of all processor cores, of the frames that were timed.
    """

    def __init__(self, args: dict, walk: Walk, config: Config) -> None:
        self.gl, self.meter, self.walk = create_headless_context(), FrameMeter(), walk
        self.field = UploadedField(self.gl, EDGE, self.meter)
        self.scene = Scene(self.gl, Subject(config, make_world("point_mass")), self.field, self.meter, 1.0)
        self.scene.resize(tuple(args.get("size", SIZE)))
        flat, looks = args.get("flat", True), Looks.of(config)
        self.viewer = Viewer(flat=flat, layer="value", trail_color="age", looks=looks)
        self.source, self.tick = Source(walk), 0
        self.took: list[float] = []
        self.worked: list[float] = []

    def draw(self, *, timed: bool) -> None:
        """Upload the next tick and the changed field, draw, and wait for OpenGL."""
        values = self.walk.field(self.tick).ravel()
        began, worked = time.perf_counter(), time.process_time()
        self.field.write(values)
        self.scene.field_changed()
        self.scene.take_ticks(self.source, self.tick)
        self.scene.draw(self.viewer, Annotations(Heading(("bench",))))
        self.gl.finish()
        if timed:
            self.took.append((time.perf_counter() - began) * 1000)
            self.worked.append((time.process_time() - worked) * 1000)
        self.tick += 1


def main() -> None:
    args = arguments()
    trail = args.get("trail", TRAIL)
    walk = Walk(args["agents"], args.get("walk", TRAIL + 16))
    frames = Frames(args, walk, settings(args, walk.agents, trail))
    scene, meter = frames.scene, frames.meter
    for _ in range(trail + WARM_UP):
        frames.draw(timed=False)
        if frames.tick % 15 == 0:
            scene.keep_to_budget(scene.trails.segments_drawn, 12.0, 16.0)
    meter.clear()
    end = time.perf_counter() + args["seconds"]
    while time.perf_counter() < end or len(frames.took) < 5:
        frames.draw(timed=True)
    if args.get("png"):
        save_png(Path(args["png"]), picture_bytes(scene.picture), scene.picture.size)
    answer_frames(
        frames.took,
        cpu_ms=float(np.median(frames.worked)),
        renderer=driver_info(frames.gl).renderer,
        draw_calls=meter.draw_calls / len(frames.took),
        individuals=scene.trails.individuals.count,
        segments=scene.trails.segments_drawn,
    )


if __name__ == "__main__":
    main()
