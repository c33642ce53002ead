"""Measures one part of what OpenGL does here: the critic's field, heights, uploads, the driver's timers."""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import answer, arguments

sys.path.append(str(Path(__file__).parent / "frames"))
sys.path.append(str(Path(__file__).parents[1] / "helpers"))

from networks import twin_critics
from ours import Frames, settings
from walk import TRAIL, WARM_UP, Walk

from valuescape.gpu.context import create_headless_context
from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.passes.critic import CriticPass
from valuescape.gpu.timers import GpuTimers, can_be_trusted
from valuescape.sim.fields import CompiledCritic
from valuescape.sim.measuring.profiler import statistics as of_spans

FEW = 5
"""Runs that a median is of."""


def median_ms(run: Callable[[], object], runs: int = FEW) -> float:
    """Return the median time of a call, after one to warm up."""
    run()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


def field(args: dict[str, Any]) -> None:
    """Answer the time of the critic's field by shaders, beside that of machine code, and how they differ."""
    gl, checkpoint, edge = create_headless_context(), twin_critics(args["width"]), args["edge"]
    obs = np.random.default_rng(0).standard_normal((3, edge * edge)).astype(np.float32)
    shaders, code = CriticPass(gl, checkpoint, edge, FrameMeter()), CompiledCritic(checkpoint)

    def by_shaders() -> None:
        shaders.compute(obs)
        gl.finish()

    def by_code() -> np.ndarray:
        evaluation = code.begin(obs)
        evaluation.go_on(args["patience_s"])
        return evaluation.values()

    took = median_ms(by_shaders)
    expected = by_code()
    apart = np.abs(shaders.read().ravel() - expected).max() / np.abs(expected).max()
    answer(took, code_ms=median_ms(by_code, 1), apart=float(apart))


def drawn(args: dict[str, Any]) -> Frames:
    """Return frames of a walk whose trails are as long as they get."""
    trail = args.get("trail", TRAIL)
    walk = Walk(args["agents"], trail + 16)
    frames = Frames(args, walk, settings(args, walk.agents, trail))
    for _ in range(trail + WARM_UP):
        frames.draw(timed=False)
    return frames


def heights(args: dict[str, Any]) -> None:
    """Answer the time in which all samples of all trails are put on the surface."""
    frames = drawn({**args, "flat": False})
    trails, fields = frames.scene.trails, frames.scene.fields

    def place() -> None:
        fields.bind_heights()
        trails.place(trails.ring.ticks, fields.height_layer)
        frames.gl.finish()

    answer(median_ms(place), samples=trails.individuals.count * len(trails.ring.ticks))


def upload(args: dict[str, Any]) -> None:
    """Answer the rate of uploads, GB/s; with that of pictures read back."""
    gl, megabytes = create_headless_context(), args["megabytes"]
    data = np.zeros(megabytes * 1_000_000, np.uint8)
    buffer, picture = gl.buffer(reserve=data.nbytes), gl.texture((1280, 720), 4)

    def write() -> None:
        buffer.write(data)
        gl.finish()

    rate = data.nbytes / median_ms(write) / 1e6
    answer(rate, read_ms=median_ms(picture.read))


def timers(args: dict[str, Any]) -> None:
    """Answer 1 if the driver's timers can be trusted, with the GPU's milliseconds in each section."""
    frames = drawn(args)
    if not can_be_trusted(frames.gl):
        answer(0, sections={})
        return
    profiler = frames.meter.profiler
    gpu = profiler.gpu = GpuTimers(frames.gl)
    for _ in range(20):
        with frames.meter.section("frame"):  # the sections directly within one are timed
            frames.draw(timed=True)
    gpu.read_all()
    found = of_spans(gpu.ring.read(), profiler.names)
    answer(1, sections={each.name: each.p50 for each in found})


def main() -> None:
    args = arguments()
    {"field": field, "heights": heights, "upload": upload, "timers": timers}[args["part"]](args)


if __name__ == "__main__":
    main()
