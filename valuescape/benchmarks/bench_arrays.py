"""Upload of positions to the GPU: from objects, from lists, with a conversion, from memory as it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from valuescape.benchmarks.conftest import Measure
from valuescape.benchmarks.made_up import MadeUpCrowd

COUNTS = (100, 10_000)


class Agent:
    """An agent as an object, as in many simulations."""

    __slots__ = ("x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y


@pytest.mark.parametrize("count", COUNTS)
def bench_objects(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """A list of objects, turned into an array in every frame."""
    agents = [Agent(float(x), float(y)) for x, y in MadeUpCrowd(count, 1).positions[0]]
    buffer = own(gl.buffer(reserve=count * 8))

    def call() -> None:
        buffer.write(np.array([(agent.x, agent.y) for agent in agents], np.float32).tobytes())

    measure("objects, made an array", count, call)


@pytest.mark.parametrize("count", COUNTS)
def bench_lists(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """An array that is turned into a list and back."""
    positions, buffer = MadeUpCrowd(count, 1).positions[0], own(gl.buffer(reserve=count * 8))

    def call() -> None:
        buffer.write(np.array(positions.tolist(), np.float32).tobytes())

    measure("an array, by way of a list", count, call)


@pytest.mark.parametrize("count", COUNTS)
def bench_doubles(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """An array of double precision, converted and copied in every frame."""
    positions = MadeUpCrowd(count, 1).positions[0].astype(np.float64)
    buffer = own(gl.buffer(reserve=count * 8))
    measure("float64, converted", count, lambda: buffer.write(positions.astype(np.float32).tobytes()))


@pytest.mark.parametrize("count", COUNTS)
def bench_row(measure: Measure, gl: Any, own: Callable[[Any], Any], count: int) -> None:
    """The row as it lies in memory, as the trail ring uploads it."""
    positions, buffer = MadeUpCrowd(count, 1).positions[0], own(gl.buffer(reserve=count * 8))
    measure("the row as it lies in memory", count, lambda: buffer.write(positions))
