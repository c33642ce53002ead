"""Times the way from a key to the picture of another checkpoint of a training run.

Run it by hand: .venv/bin/python tests/bench/scrubbing.py [FOLDER]. Without one, it makes twenty checkpoints
of the pendulum with an actor and twin critics of 64-64.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from hands import Hands, does, turn

from valuescape.cli.console import read_config
from valuescape.presets import find_checkpoint
from valuescape.render.displays.events import Action, Key
from valuescape.run.length import RunLength
from valuescape.run.outputs import Outputs
from valuescape.run.session import Session
from valuescape.sim.policy.formats import native
from valuescape.sim.policy.network import Training
from valuescape.sim.worlds import make_world

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


@contextmanager
def checkpoints() -> Iterator[str]:
    """Return a folder with checkpoints: those that come with the pendulum, with other critics."""
    rng, first = np.random.default_rng(0), find_checkpoint("auto", make_world("pendulum"))
    with tempfile.TemporaryDirectory() as folder:
        for steps in range(1000, 21_000, 1000):
            noise = np.float32(1 + 0.1 * rng.standard_normal())
            critics = [
                replace(each, layers=(*each.layers[:-1], replace(last, weight=last.weight * noise)))
                for each in first.critics
                for last in each.layers[-1:]
            ]
            moved = replace(first, critics=tuple(critics), training=Training(timesteps=steps))
            native.save(moved, Path(folder) / f"model_{steps}_steps.safetensors")
        yield folder


def timed(what: Callable[..., None], *arguments: object) -> float:
    began = time.perf_counter()
    what(*arguments)
    return time.perf_counter() - began


def main(folder: str) -> None:
    """Print the times with workers, and without."""
    for more in ([], ["workers.count=0"]):
        workers, took, longest = times(folder, *more)
        low, high = min(took), max(took)
        print(
            f"{workers} workers: median {statistics.median(took):.2f} s, {low:.2f} to {high:.2f} s;", end=" "
        )
        print(f"longest frame: median {statistics.median(longest):.3f} s, most {max(longest):.3f} s")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(sys.argv[1])
    else:
        with checkpoints() as made:
            main(made)
