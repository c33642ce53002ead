"""Runs the micro-benchmarks of `valuescape.benchmarks`, and puts their figures side by side."""

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from valuescape.sim.errors import UsageError
from valuescape.sim.interrupts import Interrupts

FOLDER = Path(__file__).parents[1] / "benchmarks"


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of a benchmark: a method (`way`) applied to `count` things.

    times: how many times as fast as the first method of the group with that count.
    """

    group: str
    way: str
    count: int
    median_us: float
    iqr_us: float
    rounds: int
    times: float = float("nan")

    @property
    def name(self) -> str:
        """The group, method and count, in a line."""
        return f"{self.group}: {self.way}, {self.count:,}"


def groups() -> dict[str, str]:
    """Return the groups of benchmarks, each with a sentence about it."""
    found = {}
    for path in sorted(FOLDER.glob("bench_*.py")):
        about = path.read_text(encoding="utf-8").splitlines()[0].strip('"')
        found[path.stem.removeprefix("bench_").replace("_", "-")] = about
    return found


class _Watcher:
    """A pytest plug-in that collects the figures of each benchmark, and ends the session on an interrupt."""

    def __init__(
        self, most: int | None, interrupts: Interrupts, on_progress: Callable[[int, int, str], None]
    ) -> None:
        self.found: list[Measured] = []
        self._most, self._interrupts, self._on_progress = most, interrupts, on_progress
        self._total = self._done = 0

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self._most is not None:
            items[:] = [item for item in items if _size(item) <= self._most]

    def pytest_collection_finish(self, session: Any) -> None:
        self._total = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._on_progress(self._done, self._total, nodeid.rpartition("::")[2].removeprefix("bench_"))
        self._done += 1

    def pytest_runtest_teardown(self, item: Any) -> None:
        if self._interrupts.asked:
            item.session.shouldstop = "interrupted"
        benchmark = item.funcargs.get("benchmark")
        if benchmark is None or benchmark.stats is None:
            return
        stats, info = benchmark.stats.stats, benchmark.extra_info
        figures = stats.median * 1e6, stats.iqr * 1e6, stats.rounds
        self.found.append(Measured(benchmark.group, info["way"], info["count"], *figures))


def _size(item: Any) -> int:
    """Return a benchmark's count, or the number of texels of its field."""
    values = item.callspec.params if hasattr(item, "callspec") else {}
    return int(values.get("count", values.get("edge", 1) ** 2))


def run_benchmarks(
    names: Sequence[str],
    seconds: float,
    most: int | None,
    interrupts: Interrupts,
    on_progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> list[Measured]:
    """Run the benchmarks of these groups, of all if none is named, for about `seconds` each.

    most: the largest count that is run. on_progress: gets the number done, the total, and the next name.
    Raises UsageError if a group is unknown or pytest-benchmark is not installed, RuntimeError if a benchmark
    fails.
    """
    known = groups()
    for name in names:
        if name not in known:
            raise UsageError(f"{name!r} is no group of benchmarks", f"known: {', '.join(known)}")
    try:
        import pytest
        import pytest_benchmark  # noqa: F401 - the plug-in
    except ImportError as error:
        raise UsageError(f"{error.name} is not installed", "pip install 'valuescape[bench]'") from None
    files = [str(FOLDER / f"bench_{name.replace('-', '_')}.py") for name in names or known]
    options = ["-c", str(FOLDER / "pytest.ini"), "--rootdir", str(FOLDER), "-q", "--capture=no"]
    options += [f"--benchmark-max-time={seconds}", "--benchmark-min-rounds=3"]
    watcher, said = _Watcher(most, interrupts, on_progress), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main([*options, *files], plugins=[watcher])
    if status == pytest.ExitCode.NO_TESTS_COLLECTED and not interrupts.asked:
        raise UsageError(f"--most {most}: leaves no benchmark")
    if status == pytest.ExitCode.TESTS_FAILED or not (watcher.found or interrupts.asked):
        raise RuntimeError(f"benchmarks failed:\n{said.getvalue()[-3000:]}")
    return list(_compared(watcher.found))


def _compared(found: Sequence[Measured]) -> Iterator[Measured]:
    """Yield the figures with `times` filled in."""
    plain: dict[tuple[str, int], float] = {}
    for each in found:
        first = plain.setdefault((each.group, each.count), each.median_us)
        yield Measured(**asdict(each) | {"times": first / each.median_us})


def as_json(found: Sequence[Measured]) -> dict[str, Any]:
    """Return the figures for JSON."""
    return {"benchmarks": [{"name": each.name, **asdict(each)} for each in found]}
