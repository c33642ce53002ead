"""Statistics of a run's frames: computed in every frame, or taken from the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from valuescape.benchmarks.conftest import Measure
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config

COUNTS = (100, 10_000)
FRAMES = 60
"""Frames that a call looks at."""

_HALF_A_SECOND = 25
"""Frames between the ends of intervals that follow the clock, which stands still here: at 50 a second."""

_LOGGED = 600
"""Frames that a call leaves in the log of the run."""

_SETTINGS = ("world.name=mountain_car", "trails.color_by=value", "workers.count=0", "render.max_fps=0")
_SMALL = ("render.width=320", "render.height=180", "heatmap.resolution=32", "lod.segment_budget=1000")


@contextmanager
def running(agents: int, *, cached: bool) -> Iterator[Session]:
    """Yield a session without a window that has made some frames."""
    settings = [*_SETTINGS, *_SMALL, f"agents.count={agents}", f"features.stats_cache={str(cached).lower()}"]
    config = load_config(None, [*settings, "features.async_physics=false", "features.simd=false"])
    with TemporaryDirectory() as folder:
        outputs = Outputs(Path(folder))
        with Session(config, RunLength(frames=20), outputs, headless=True) as session:
            session.turn_frames()
            yield session


def look(session: Session) -> None:
    """Ask for the statistics of FRAMES frames, each with a new tick."""
    ledger, log = session.ledger, session.log
    for frame in range(FRAMES):
        if frame % _HALF_A_SECOND == 0:
            ledger.stats.forget("memory", "episodes", "health", "captions")
        ledger.stats.mark("tick")
        ledger.stats.mark("scene")
        ledger.look()
        ledger.episodes()
        ledger.limits()
        session.annotations()
        ledger.note(log.frame_ends[-1])
    del log.frame_ends[_LOGGED:], log.busy_s[_LOGGED:], log.memory[_LOGGED // _HALF_A_SECOND :]


@pytest.mark.parametrize("count", COUNTS)
def bench_every_frame(measure: Measure, count: int) -> None:
    """The plain path: `features.stats_cache` off."""
    with running(count, cached=False) as session:
        measure("computed every frame", count, lambda: look(session))


@pytest.mark.parametrize("count", COUNTS)
def bench_cached(measure: Measure, count: int) -> None:
    """With dirty flags and intervals."""
    with running(count, cached=True) as session:
        measure("from the cache", count, lambda: look(session))
