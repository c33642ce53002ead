"""What every measuring script shares: its arguments in, its figure out, and a stopwatch."""

import json
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


def calls_per_s(call: Callable[[], object], seconds: float) -> float:
    """Return how often `call` returns in a second, after two calls to warm up."""
    for _ in range(2):
        call()
    began, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - began) < seconds:
        call()
        count += 1
    return count / elapsed
