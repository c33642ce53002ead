"""Measures what frames cost in which the map, or the whole picture, stays the same.

Run it with `make bench-still`. A run of each kind goes on with `features.still_background` on and off, in
turn, in one process; figures are medians of the processor's time of the main process, which other programs
disturb less than the clock. Workers are not counted. Paused runs are measured once they are at rest.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from hands import Hands

from valuescape.cli.console import read_config
from valuescape.environment import machine
from valuescape.render.displays.events import Action, Key
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.pace import FrameClock
from valuescape.run.session import Session

SIZE = 1280, 720
GOALS = {"demo, camera still": 0.6, "demo, flat map": 0.6}
"""Goals of a frame's time with the switch on, as a share of that with it off."""

PAUSED = 3
"""Goal of a paused run, per cent of a core."""

WARM_UP, FRAMES, REST_S, PAUSED_S, TURNS = 60, 150, 5.0, 4.0, 3
STILL = "render.turn_deg_per_s=0"
CASES = {
    "demo, camera turns": ("demo",),
    "demo, camera still": ("demo", STILL),
    "demo, flat map": ("demo", STILL, "render.view=2d"),
    "1,000 agents, a crowd": ("crowd", STILL),
    "1,000 agents, flat map": ("crowd", STILL, "render.view=2d"),
}


def measured(preset: str, *settings: str) -> tuple[float, float]:
    """Return milliseconds of the processor's time for a frame, and its share, per cent, while paused."""
    config = read_config(preset, ["run.record=false", "render.max_fps=50", *settings])
    with tempfile.TemporaryDirectory() as out:
        display = Hands()
        display.resize(SIZE)
        with Session(config, RunLength(), Outputs(Path(out)), headless=True, display=display) as session:
            session.pace.start()
            clock = session._clock = FrameClock()

            def frame() -> float:
                began = time.process_time()
                session._frame(clock.begin_frame())
                session._judge(clock.frame_began)
                took = time.process_time() - began
                clock.wait(config.render.max_fps)
                return took

            for _ in range(WARM_UP):
                frame()
            busy = statistics.median(frame() for _ in range(FRAMES))
            session.viewer.turn_deg_per_s = 0.0
            display.events.append(Key(Action.PAUSE))
            rests = time.perf_counter() + REST_S
            while time.perf_counter() < rests:
                frame()
            began, spent = time.perf_counter(), time.process_time()
            while time.perf_counter() - began < PAUSED_S:
                frame()
            share = (time.process_time() - spent) / (time.perf_counter() - began)
    return busy * 1e3, share * 100


def main() -> None:
    """Print a row for each case."""
    print(machine())
    print(f"{SIZE[0]}x{SIZE[1]}, {TURNS} runs each; processor's time of the main process", flush=True)
    print(
        "                          a frame, ms: on    off   on/off           paused, % of a core: on    off"
    )
    for name, (preset, *settings) in CASES.items():
        found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
        for turn in range(TURNS):
            for on in (True, False) if turn % 2 else (False, True):
                switch = f"features.still_background={str(on).lower()}"
                found[on].append(measured(preset, *settings, switch))
        on, off = (
            [statistics.median(each) for each in zip(*found[each], strict=True)] for each in (True, False)
        )
        goal = f"(goal {GOALS[name]:.1f})" if name in GOALS else ""
        print(
            f"{name:24} {on[0]:16.1f} {off[0]:6.1f} {on[0] / off[0]:8.2f} {goal:10}"
            f"{on[1]:20.1f} (goal {PAUSED:.0f}) {off[1]:5.1f}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
