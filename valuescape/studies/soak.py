"""Soaks: long runs that show whether memory, files, names, OpenGL objects or threads grow."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from valuescape.costs.alarms import recent_figures
from valuescape.gpu.live_objects import live_objects
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs, Progress
from valuescape.run.session import Session
from valuescape.sim.config.files import Config, changed
from valuescape.sim.interrupts import Interrupts
from valuescape.sim.measuring.health import growth_per_min

COUNTS = {
    "gl_objects": "GL objects",
    "files": "files",
    "shared_names": "shm names",
    "threads": "threads",
    "processes": "processes",
}
"""Fields of `Sample` that may not grow, with their titles."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only looked at

SAMPLES = 120
"""Samples of a long soak; a short one takes about ten."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Resources in use at a time, of this process and those that it started.

    at_s: seconds from the start. memory: bytes, shared memory counted once. shared_names: names in /dev/shm
    of this user, whichever process made them.
    """

    at_s: float
    memory: int
    gl_objects: int
    files: int
    shared_names: int
    threads: int
    processes: int
    fps: float = float("nan")


@dataclass(slots=True)
class SoakResult:
    """Samples over time, and the figures that grow, in words.

    memory_mb_per_min: NaN if the soak was too short to measure it.
    """

    samples: list[Sample] = field(default_factory=list)
    memory_mb_per_min: float = float("nan")
    grows: list[str] = field(default_factory=list)


def sample(memory: int, at_s: float, fps: float = float("nan")) -> Sample:
    """Return the resources in use; OpenGL objects are those of the current context.

    memory: bytes, from `Engine.memory_bytes`. at_s, fps: kept as they are.
    """
    files = threads = processes = 0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            files += process.num_fds()
            threads += process.num_threads()
            processes += 1
    objects = sum(live_objects().values())
    return Sample(at_s, memory, objects, files, _shared_names(), threads, processes, fps)


def _shared_names() -> int:
    """Return the number of names in shared memory that belong to this user."""
    if not SHARED_MEMORY.is_dir():  # some systems have no such folder
        return 0
    owners = []
    for path in SHARED_MEMORY.iterdir():
        with suppress(FileNotFoundError):
            owners.append(path.stat().st_uid)
    return owners.count(os.getuid())


def soak(
    config: Config,
    seconds: float,
    interrupts: Interrupts,
    on_sample: Callable[[float, Sample], None] = lambda done, sample: None,
) -> SoakResult:
    """Run the whole program headless for `seconds`, and sample the resources it uses.

    on_sample: gets the share of the time that is over, and each sample.
    """
    config = changed(config, {"run.record": False})
    result, every = SoakResult(), max(seconds / SAMPLES, min(1.0, seconds / 10))
    outputs = Outputs(Path("runs/soak"))
    with Session(
        config, RunLength(seconds=seconds), outputs, headless=True, interrupts=interrupts
    ) as session:
        began = last = time.monotonic()

        def look(progress: Progress) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < every:
                return
            last = now
            fps = recent_figures(session.log, session.log.frame_ends[-1]).get("fps", float("nan"))
            result.samples.append(sample(session.engine.memory_bytes(), now - began, fps))
            on_sample(progress.done, result.samples[-1])

        session.turn_frames(look)
        memory = session.log.memory
    result.memory_mb_per_min = growth_per_min(memory, config.health.warmup_s)
    if result.memory_mb_per_min >= config.health.memory_mb_per_min_below:
        result.grows.append(
            f"memory: {result.memory_mb_per_min:.2f} MB/min more, "
            f"limit {config.health.memory_mb_per_min_below:g}"
        )
    result.grows += growing(result.samples)
    return result


def growing(samples: list[Sample]) -> list[str]:
    """Return the figures of COUNTS that grow, in words.

    A figure grows if its lowest value in the last third exceeds its highest in the first third; one that goes
    up and down with the work does not. The first tenth is left out: resources taken there stay for the run.
    """
    samples = samples[len(samples) // 10 :]
    third = len(samples) // 3
    if not third:
        return []
    minutes = (samples[-1].at_s - samples[0].at_s) / 60
    said = []
    for name, title in COUNTS.items():
        counts = np.array([getattr(each, name) for each in samples])
        if counts[-third:].min() > counts[:third].max():
            more = int(counts[-1] - counts[0])
            said.append(
                f"{title}: {more} more in {minutes:.1f} minutes ({counts[0]}, in the end {counts[-1]})"
            )
    return said
