"""Times the frames of a run while its agents and workers change, and the rate of its ticks with each crew.

Run it by hand: .venv/bin/python tests/bench/elastic_frames.py [PRESET] [section.key=value …]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from valuescape.cli.console import read_config
from valuescape.render.view.changes import Set
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session

CHANGES = [
    *(("agents.count", count) for count in (2_000, 500, 1_000)),
    *(("workers.count", count) for count in (2, 4, 1)),
]
START = ["agents.count=1000", "workers.count=1", "run.record=false"]
QUIET_S = 3.0
"""Seconds of frames before the first change, and after each."""


class Frames:
    """Makes frames of a session one after the other, and notes how long each took, ms."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def turn(self) -> float:
        """Make a frame; return its time, ms."""
        began = time.perf_counter()
        self._session._frame(0.016)
        return (time.perf_counter() - began) * 1000

    def quiet(self) -> tuple[list[float], float]:
        """Make frames for a while; return their times, and the ticks a second of the engine."""
        engine, began = self._session.engine, time.perf_counter()
        tick, took = engine.newest_tick, []
        while time.perf_counter() - began < QUIET_S:
            took.append(self.turn())
        return took, (engine.newest_tick - tick) / (time.perf_counter() - began)


def said(took: list[float], rate: float) -> str:
    return f"frames {statistics.median(took):5.1f} ms, longest {max(took):5.1f}; {rate:8,.0f} ticks/s"


def main(preset: str, settings: list[str]) -> None:
    config = read_config(preset, [*START, *settings])
    with (
        tempfile.TemporaryDirectory() as out,
        Session(config, RunLength(), Outputs(Path(out)), headless=True) as session,
    ):
        session.pace.start()
        frames = Frames(session)
        frames.quiet()
        print(f"as it starts           {said(*frames.quiet())}")
        for name, value in CHANGES:
            session.controls.apply(Set(name, value))
            began, took = time.perf_counter(), [frames.turn()]
            while session.engine.changing:
                took.append(frames.turn())
            seconds = time.perf_counter() - began
            took += [frames.turn() for _ in range(5)]
            print(f"{name} = {value:<6,} in {seconds:4.2f} s, longest frame meanwhile {max(took):5.1f} ms")
            print(f"                       {said(*frames.quiet())}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo", sys.argv[2:])
