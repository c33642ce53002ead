"""Measures frames of valuescape's scene with each map that it can show, one after the other.

Maps that the processor computes get values once: what is measured is the picture, not the computation.
"""

import statistics
import time

import numpy as np
from measuring import answer, arguments
from ours import Frames, settings
from walk import EDGE, TRAIL, WARM_UP, Walk

from valuescape.gpu.layers.layer import Input
from valuescape.gpu.layers.registry import MAPS
from valuescape.presets import find_checkpoint
from valuescape.sim.insight.subject import Subject
from valuescape.sim.worlds import make_world


def give_values(frames: Frames, name: str) -> None:
    """Give the parts of a map that the processor computes a field of the walk."""
    for part in MAPS.find(name).parts:
        if Input.ARRAY in part.inputs:
            frames.scene.put_map(part.name, frames.walk.field(0), np.ones((EDGE, EDGE), np.float32))


def median_ms(frames: Frames, seconds: float) -> float:
    """Return the median time of frames; the first ones, which make what the map needs, do not count."""
    for _ in range(3):
        frames.draw(timed=False)
    frames.took.clear()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(frames.took) < 5:
        frames.draw(timed=True)
    return statistics.median(frames.took)


def main() -> None:
    args = arguments()
    trail = args.get("trail", TRAIL)
    walk = Walk(args["agents"], trail + 16)
    config, world = settings(args, walk.agents, trail), make_world("point_mass")
    frames = Frames(args, walk, config)
    frames.scene.take_subject(Subject(config, world, find_checkpoint("auto", world)))
    for _ in range(trail + WARM_UP):
        frames.draw(timed=False)
        if frames.tick % 15 == 0:
            frames.scene.keep_to_budget(frames.scene.trails.segments_drawn, 12.0, 16.0)
    took = {}
    for name in frames.scene.fields.available:
        give_values(frames, name)
        frames.viewer.layer = name
        took[name] = median_ms(frames, args["seconds"])
    answer(max(took.values()), layers=took, individuals=frames.scene.trails.individuals.count)


if __name__ == "__main__":
    main()
