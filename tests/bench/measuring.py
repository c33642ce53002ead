"""What every measuring script shares: its arguments in, its figure out, and a stopwatch."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def arguments() -> dict[str, Any]:
    """Return the script's arguments: one JSON object on the command line."""
    return json.loads(sys.argv[1])


def answer(figure: float, **notes: Any) -> None:
    """Print the figure and what there is to say of it, on a line of its own."""
    print("\n" + json.dumps({"figure": figure, **notes}), flush=True)


def answer_frames(took_ms: list[float], **notes: Any) -> None:
    """Print the median frame time, and its 95th percentile."""
    p95 = statistics.quantiles(took_ms, n=20)[-1]
    answer(statistics.median(took_ms), p95_ms=p95, frames=len(took_ms), **notes)


def calls_per_s(call: Callable[[], object], seconds: float) -> float:
    """Return how often `call` returns in a second, after two calls to warm up."""
    for _ in range(2):
        call()
    began, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        call()
        count += 1
    return count / elapsed
