"""What benchmarks share: a context, an owner for what they make, and how many rounds slow ones take."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from valuescape.gpu.context import create_headless_context


class Measure(Protocol):
    """Times a call, and notes what it is."""

    def __call__(self, way: str, count: int, call: Callable[[], object]) -> None:
        """Time it. way: how it does the thing, in words. count: of how many things."""


@pytest.fixture(scope="session")
def gl() -> Iterator[Any]:
    """An OpenGL context without a window."""
    context = create_headless_context()
    yield context
    context.release()


@pytest.fixture
def own() -> Iterator[Callable[[Any], Any]]:
    """Release what a benchmark made, the last first."""
    with ExitStack() as owned:

        def take(made: Any) -> Any:
            owned.callback(made.release)
            return made

        yield take


@pytest.fixture
def measure(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> Measure:
    """Give what times calls."""

    def time_it(way: str, count: int, call: Callable[[], object]) -> None:
        benchmark.group = request.path.stem.removeprefix("bench_").replace("_", " ")
        benchmark.extra_info.update(way=way, count=count)
        benchmark(call)

    return time_it
