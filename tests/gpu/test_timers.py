"""The GPU's timers: believed only where they tell the time, and read without waiting."""

import time
from itertools import count

import pytest

from valuescape.gpu.context import driver_info
from valuescape.gpu.timers import _LATE, GpuTimers, can_be_trusted, plausible
from valuescape.sim.measuring.profiler import PerformanceProfiler


@pytest.mark.parametrize(
    ("said", "waited", "believed"),
    [
        ((0.001, 0.008), (0.0012, 0.0085), True),
        ((0.0, 0.0), (0.001, 0.008), False),
        ((1e-9, 1e-9), (0.001, 0.008), False),  # as llvmpipe has it
        ((0.004, 0.004), (0.001, 0.008), False),  # more work, and no longer
        ((0.001, 0.02), (0.001, 0.008), False),  # longer than the wait for it
        ((0.00001, 0.0001), (0.001, 0.008), False),
    ],
)
def test_a_timer_is_believed_if_it_agrees_with_the_clock(said, waited, believed):
    assert plausible(said, waited) is believed


@pytest.mark.gpu
def test_llvmpipe_is_not_believed(gl):
    if driver_info(gl).software:
        assert not can_be_trusted(gl)
    else:
        assert can_be_trusted(gl)


class Clock:
    """A context whose timers return 1, 2, 3, … ns."""

    def __init__(self):
        self.numbers, self.open, self.made, self.read_early = count(1), 0, 0, []

    def query(self, time):
        self.made += 1
        return Query(self)


class Query:
    def __init__(self, clock):
        self.clock = clock

    def __enter__(self):
        self.clock.open += 1
        assert self.clock.open == 1, "a timer within a timer"

    def __exit__(self, *_):
        self.clock.open -= 1

    @property
    def elapsed(self):
        return next(self.clock.numbers)


def test_spans_are_those_of_sections_within_a_frame_in_their_order():
    clock, profiler = Clock(), PerformanceProfiler()
    profiler.gpu = timers = GpuTimers(clock)
    began = time.perf_counter_ns()
    for _ in range(200):
        with profiler.section("frame"):
            with profiler.section("upload"), profiler.section("inner"):
                pass
            with profiler.section("draw"):
                pass
    assert len(timers.ring.read()) == 400 - _LATE
    assert clock.made == _LATE + 1
    timers.read_all()
    spans = timers.ring.read()
    assert [profiler.names[index] for index in spans["section"][:4]] == ["upload", "draw"] * 2
    assert spans["took_ns"].tolist() == list(range(1, 401))
    assert (spans["began_ns"] >= began).all()
    assert (spans["began_ns"][1:] >= spans["began_ns"][:-1]).all()
