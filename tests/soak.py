"""Ten minutes of interaction with a run: windows resized, presets switched, agents added and removed.

Shows whether memory grows, OpenGL objects pile up, or processes stay. Run it by `make soak`.
Every cycle ends in the same state; memory is compared there, so that a larger configuration's memory is not
mistaken for growth. Ends with status 1 if a limit is broken.
"""

import argparse
import gc
import os
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table
from screens import virtual_screen

from valuescape.presets import config_path, presets
from valuescape.render.displays.display import display_available
from valuescape.render.displays.events import Action, DoubleClick, Key, Scroll
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.config.files import load_config
from valuescape.studies.soak import COUNTS, Sample, sample

LIMIT_MB_PER_MIN = 1.0
SIZES = ((1280, 720), (960, 540), (1100, 800), (800, 480))
AGENTS = (240, 1_000, 60, 400)
STEP_S = 2.5
"""Seconds between two steps."""

WARM_UP = 2
"""Cycles that are left out: libraries and drivers still allocate what they keep."""


@dataclass
class Soak:
    """Drives a session through cycles of steps; `samples` are taken at the ends of cycles."""

    session: Session
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    cycle: int = 0

    def steps(self):
        """Yield the steps of a cycle; the last one restores the first state."""
        session = self.session
        for name in presets():
            yield lambda name=name: session.restart(flat(name))
            yield self.touch
        for size in SIZES:
            yield lambda size=size: self.resize(size)
        for agents in AGENTS:
            yield lambda agents=agents: session.restart({"agents.count": agents})
        for color in ("td_error", "outcome", "age"):
            yield lambda color=color: setattr(session.viewer, "trail_color", color)
        yield self.go_back

    def go_back(self):
        """Restore the state in which every cycle ends."""
        self.session.viewer.trail_color = "age"
        self.resize(SIZES[0])
        self.session.restart(flat("demo"))

    def touch(self):
        """Zoom, select, and press keys."""
        width, height = self.session.scene.picture.size
        events = [Scroll(2, width / 2, height / 2), DoubleClick(width / 2, height / 2)]
        keys = (Action.PROJECTION, Action.FIT, Action.PROFILE, Action.GLOW, Action.RESET_VIEW, Action.GLOW)
        for event in (*events, *(Key(action) for action in keys)):
            self.session.controls.handle(event)

    def resize(self, size):
        """Give the window another size."""
        self.session.display.resize(size)

    def sample(self):
        """Add a sample of the resources in use."""
        gc.collect()
        memory, at_s = self.session.engine.memory_bytes(), time.monotonic() - self.began
        self.samples.append(sample(memory, at_s))


def flat(name: str) -> dict:
    """Return all settings of a preset as changes, without a video and at 30 frames a second."""
    tables = load_config(config_path(name)).model_dump()
    changes = {f"{section}.{key}": value for section, table in tables.items() for key, value in table.items()}
    return changes | {"run.record": False, "render.max_fps": 30.0}


@contextmanager
def screen():
    """Provide a display for windows: the one there is, or an X server without a screen, if installed.

    Yields whether there is one.
    """
    if display_available():
        yield True
        return
    with virtual_screen((1600, 1000)) as display:
        if display:
            os.environ["DISPLAY"] = display
        yield display is not None


def growth(samples: list[Sample]) -> float:
    """Return the growth of memory in MB a minute: the median of all slopes (Theil and Sen)."""
    used = samples[WARM_UP:]
    times, sizes = (np.array([getattr(each, name) for each in used]) for name in ("at_s", "memory"))
    first, second = np.triu_indices(len(used), 1)
    return float(np.median((sizes[second] - sizes[first]) / (times[second] - times[first]))) * 60 / 1e6


def run(minutes: float, window: bool, console: Console) -> Soak:
    """Soak a session for `minutes`, rounded up to whole cycles."""
    config = load_config(config_path("demo"), ["run.record=false", "render.max_fps=30"])
    with ExitStack() as owned:
        outputs = Outputs(Path("runs/soak"))
        session = owned.enter_context(Session(config, RunLength(), outputs, headless=not window, panel=True))
        bar = owned.enter_context(Bar(console=console))
        task = bar.add_task("soaking", total=60 * minutes)
        soak = Soak(session)
        session.pace.start()
        while time.monotonic() - soak.began < 60 * minutes or len(soak.samples) < WARM_UP + 3:
            for step in soak.steps():
                step()
                turn_frames(session)
                bar.update(task, completed=time.monotonic() - soak.began)
            turn_frames(session)
            soak.sample()
        return soak


def turn_frames(session: Session) -> None:
    """Run frames for STEP_S, as a run does."""
    end = previous = time.monotonic()
    end += STEP_S
    while (now := time.monotonic()) < end:
        session._frame(now - previous)
        session.ledger.note(now)
        session._clock.wait(session.config.render.max_fps)
        previous = now


def report(soak: Soak, window: bool, console: Console) -> bool:
    """Print the samples and return whether every limit was kept."""
    table = Table("minute", "memory (MB)", *COUNTS.values())
    for each in soak.samples:
        counts = [str(getattr(each, name)) for name in COUNTS]
        table.add_row(f"{each.at_s / 60:.1f}", f"{each.memory / 1e6:.1f}", *counts)
    console.print(table)
    counts = [tuple(getattr(each, name) for name in COUNTS) for each in soak.samples[1:]]
    steady = all(count == counts[0] for count in counts)
    rate = growth(soak.samples)
    kind = "a window" if window else "no window"
    console.print(
        f"{len(soak.samples)} cycles in {soak.samples[-1].at_s / 60:.1f} minutes with {kind}: memory "
        f"{rate:+.2f} MB/min (limit {LIMIT_MB_PER_MIN:g}), "
        f"counts {'steady' if steady else 'NOT steady'}"
    )
    return rate < LIMIT_MB_PER_MIN and steady


def main() -> int:
    """Soak, report, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--headless", action="store_true", help="no window, even where one could be opened")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    with screen() as available, suppress(KeyboardInterrupt):
        window = available and not arguments.headless
        return 0 if report(run(arguments.minutes, window, console), window, console) else 1
    return 130


if __name__ == "__main__":
    sys.exit(main())
