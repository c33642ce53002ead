"""Times the way from a key to the picture of another checkpoint of a training run.

Run it by hand: PYTHONPATH=tests/helpers .venv/bin/python tests/bench/scrubbing.py FOLDER
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hands import Hands, does, turn

from valuescape.cli.console import read_config
from valuescape.render.displays.events import Action, Key
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session

STEPS = 10


def times(folder: str, *settings: str) -> tuple[int, list[float], list[float]]:
    """Return the number of workers, and of each step, back and forth at the end of the run: how long it takes
    until another checkpoint acts and is shown, and the longest frame meanwhile, seconds."""
    config = read_config(folder, ["run.record=false", *settings])
    with tempfile.TemporaryDirectory() as out:
        outputs = Outputs(Path(out))
        with Session(config, RunLength(), outputs, headless=True, display=Hands()) as session:
            session.pace.start()
            turn(session, 20)
            took, longest = [], []
            for step in range(STEPS):
                before, began = session.stage.checkpoint, time.perf_counter()
                frames = [timed(does, session, Key(Action.CHECKPOINT, 1 if step % 2 else -1))]
                while session.stage.checkpoint is before:
                    frames.append(timed(turn, session))
                took.append(time.perf_counter() - began)
                longest.append(max(frames))
            return session.engine.workers, took, longest


def timed(what: Callable[..., None], *arguments: object) -> float:
    began = time.perf_counter()
    what(*arguments)
    return time.perf_counter() - began


if __name__ == "__main__":
    for more in ([], ["workers.count=0"]):
        workers, took, longest = times(sys.argv[1], *more)
        low, high = min(took), max(took)
        print(
            f"{workers} workers: median {statistics.median(took):.2f} s, {low:.2f} to {high:.2f} s;", end=" "
        )
        print(f"longest frame: median {statistics.median(longest):.3f} s, most {max(longest):.3f} s")
