"""Times how a crowd's own episodes are followed, beside a run of 10,000 agents at 60 ticks a second.

Run it with `make bench-insight`.
"""

import time
from importlib.resources import files
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from valuescape.gpu.layers.realised_error import REALISED_ERROR
from valuescape.run.map_sources.crowd import CrowdMaps
from valuescape.run.map_sources.source import Question
from valuescape.sim.config.files import load_config
from valuescape.sim.engine import Engine
from valuescape.sim.insight.critics import critic_of
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import make_world

CHECKPOINTS = Path(str(files("valuescape.configs").joinpath("checkpoints")))
WORLDS = ("mountain_car", "pendulum", "point_mass")
TICKS, TICKS_PER_S = 1800, 60.0


def follow(name: str) -> str:
    """Return what following the agents of a world takes of the frames' thread, and of its own."""
    world = make_world(name)
    checkpoint = load_checkpoint(CHECKPOINTS / f"{name}.safetensors", world)
    settings = [
        f"world.name={name}",
        "agents.count=10000",
        "workers.count=0",
        f"sim.ticks_per_s={TICKS_PER_S}",
    ]
    config = load_config(None, settings)
    request = MapRequest(Subject(config, world, checkpoint), config.insight, own_plane(world), 256)
    layers, frames, beside = frozenset({REALISED_ERROR}), [], []
    with Engine(config, checkpoint) as engine:
        engine.wait_ready()
        source = CrowdMaps(engine, critic_of(checkpoint), checkpoint)
        for tick in range(TICKS):
            engine.advance_to(tick)
            began = time.perf_counter()
            list(source.answers(Question(layers, request, range(tick, tick + 1))))
            handed_over = time.perf_counter()
            list(source.answers(Question(layers, request, range(0), waits=True)))
            frames.append(handed_over - began)
            beside.append(time.perf_counter() - handed_over)
        source.count()
        began = time.perf_counter()
        numbers = source.numbers
        counted = time.perf_counter() - began
        source.release()
    assert numbers is not None
    share, median = sum(beside) / TICKS * TICKS_PER_S, np.median(frames) * 1e3
    return (
        f"{name}: {numbers.agents:,} agents; {median:.3f} ms of a frame with one tick, 99 % of frames below "
        f"{np.quantile(frames, 0.99) * 1e3:.3f} ms; its thread works {share:.1%} of the time, at most "
        f"{max(beside) * 1e3:.0f} ms at once; numbers of {numbers.episodes:,} episodes {counted * 1e3:.0f} ms"
    )


if __name__ == "__main__":
    with threadpool_limits(1):
        for world in WORLDS:
            print(follow(world))
