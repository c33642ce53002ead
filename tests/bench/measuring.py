"""Arguments, results and stopwatches of the measuring scripts."""

import itertools
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def arguments() -> dict[str, Any]:
    """Return the script's arguments: one JSON object on the command line."""
    return json.loads(sys.argv[1])


def answer(figure: float, **notes: Any) -> None:
    """Print the figure and its notes as JSON on a line of its own."""
    print("\n" + json.dumps({"figure": figure, **notes}), flush=True)


def answer_frames(took_ms: list[float], **notes: Any) -> None:
    """Print the median frame time, and its 95th percentile."""
    p95 = statistics.quantiles(took_ms, n=20)[-1]
    answer(statistics.median(took_ms), p95_ms=p95, frames=len(took_ms), **notes)


def calls_per_s(call: Callable[[], object], seconds: float) -> float:
    """Return the number of calls a second, after two to warm up."""
    for _ in range(2):
        call()
    began, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        call()
        count += 1
    return count / elapsed


def choices_per_s(vec: Any, agents: int, seconds: float) -> float:
    """Return the steps a second of a vector environment with two actions, which are drawn beforehand.

    Actions differ from step to step, or poles would fall twice as fast. A hundred steps come first, after
    which about as many episodes end in each step.
    """
    actions = itertools.cycle(np.random.default_rng(0).integers(2, size=(32, agents)))
    vec.reset(seed=0)
    for _ in range(100):
        vec.step(next(actions))
    return agents * calls_per_s(lambda: vec.step(next(actions)), seconds)
