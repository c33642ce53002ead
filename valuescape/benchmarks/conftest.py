"""Fixtures of the benchmarks: a context, an owner of what they make, and the timing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from valuescape.gpu.context import create_headless_context


class Measure(Protocol):
    """Times a call, and notes its description."""

    def __call__(self, way: str, count: int, call: Callable[[], object]) -> None:
        """Time a call. way: its description, in words. count: number of items that it handles."""


@pytest.fixture(scope="session")
def gl() -> Iterator[Any]:
    """An OpenGL context without a window."""
    context = create_headless_context()
    yield context
    context.release()


@pytest.fixture
def own() -> Iterator[Callable[[Any], Any]]:
    """Return a function that notes an object, to be released after the benchmark, last first."""
    with ExitStack() as owned:

        def take(made: Any) -> Any:
            owned.callback(made.release)
            return made

        yield take


@pytest.fixture
def measure(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Return the function that times calls."""

    def time_it(way: str, count: int, call: Callable[[], object]) -> None:
        benchmark.group = request.path.stem.removeprefix("bench_").replace("_", " ")
        benchmark.extra_info.update(way=way, count=count)
        benchmark(call)

    return time_it
