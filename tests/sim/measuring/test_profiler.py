"""Sections of time, against an independent clock, and the rings that keep them."""

import threading
import time

import numpy as np
import pytest
from crowds import crowd, shipped, small
from hypothesis import given
from hypothesis import strategies as st

from valuescape.sim.measuring.profiler import (
    SPANS,
    WORKER_SECTIONS,
    PerformanceProfiler,
    SpanRing,
    own_times,
    statistics,
)
from valuescape.sim.shared.layout import SPAN


def spans_of(profiler):
    return profiler.ring.read()


def test_a_section_takes_what_another_clock_says():
    profiler = PerformanceProfiler()
    took = []
    for _ in range(20):
        began = time.monotonic()
        with profiler.section("work"):
            time.sleep(0.002)
        took.append((time.monotonic() - began) * 1000)
    (found,) = statistics(spans_of(profiler), profiler.names)
    assert found.name == "work"
    assert found.count == 20
    assert found.mean == pytest.approx(np.mean(took), rel=0.05, abs=0.1)
    assert found.p50 == pytest.approx(np.median(took), rel=0.05, abs=0.1)
    assert found.p95 == pytest.approx(np.percentile(took, 95), rel=0.1, abs=0.2)
    assert found.total == pytest.approx(np.sum(took), rel=0.05, abs=0.5)


def test_sections_are_nested_and_have_times_of_their_own():
    profiler = PerformanceProfiler()
    with profiler.section("frame"):
        for _ in range(2):
            with profiler.section("draw"), profiler.section("trails"):
                time.sleep(0.001)
    spans, names = spans_of(profiler), profiler.names
    assert [names[each] for each in spans["section"]] == ["trails", "draw", "trails", "draw", "frame"]
    assert spans["depth"].tolist() == [2, 1, 2, 1, 0]
    assert own_times(spans).sum() == spans["took_ns"][-1]
    spans["took_ns"] = 20, 50, 25, 60, 200
    assert own_times(spans).tolist() == [20, 30, 25, 35, 90]


def test_a_section_decorates_a_function_and_may_be_inside_itself():
    profiler = PerformanceProfiler()

    @profiler.section("count")
    def count(n):
        """Count down."""
        return n if n == 0 else count(n - 1)

    assert count(2) == 0
    assert count.__doc__ == "Count down."
    assert spans_of(profiler)["depth"].tolist() == [2, 1, 0]
    assert (np.diff(spans_of(profiler)["took_ns"]) >= 0).all()


def test_an_error_ends_its_sections():
    profiler = PerformanceProfiler()
    with pytest.raises(KeyError), profiler.section("a"), profiler.section("b"):
        raise KeyError
    assert profiler.depth == 0
    assert len(spans_of(profiler)) == 2


def test_finishing_is_part_of_the_section():
    profiler = PerformanceProfiler()
    profiler.finish = lambda: time.sleep(0.003)
    with profiler.section("draw"):
        pass
    assert spans_of(profiler)["took_ns"][0] >= 3e6


@given(st.integers(0, 40), st.integers(1, 16))
def test_a_ring_keeps_the_newest(written, size):
    ring = SpanRing(np.zeros(size, SPAN), np.zeros(1, np.int64))
    for index in range(written):
        ring.add(0, 0, index, 1)
    # One less than it holds: the oldest could be being overwritten.
    kept = min(written, size - 1) if written >= size else written
    assert ring.read()["began_ns"].tolist() == list(range(written - kept, written))


def test_what_is_read_while_it_is_written_is_whole():
    ring, stop = SpanRing(np.zeros(64, SPAN), np.zeros(1, np.int64)), threading.Event()

    def write():
        index = 0
        while not stop.is_set():
            ring.add(index % 7, index % 3, index, 2 * index)
            index += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(300):
            spans = ring.read()
            began = spans["began_ns"]
            np.testing.assert_array_equal(np.diff(began), 1)
            np.testing.assert_array_equal(spans["took_ns"], 2 * began)
            np.testing.assert_array_equal(spans["section"], began % 7)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("simd", ["true", "false"])
def test_workers_say_what_they_do(simd):
    """Their sections cover their time, and ticks are made within the section of that name."""
    config = small("world.name=pendulum", "workers.count=2", f"features.simd={simd}", "sim.ticks_per_s=200")
    with crowd(config, shipped(config)) as engine:
        engine.wait_ready()
        began, ticks = time.perf_counter_ns(), engine.newest_tick
        engine.run_freely()
        time.sleep(1.0)
        engine.pause()
        now, made = time.perf_counter_ns(), engine.newest_tick - ticks
        tracks = engine.worker_spans()
    assert len(tracks) == 2
    for spans in tracks:
        lately = spans[(spans["began_ns"] > began) & (spans["began_ns"] + spans["took_ns"] < now)]
        sections = {WORKER_SECTIONS[index] for index in lately["section"]}
        assert {"ticks", "waits for the clock"} <= sections
        assert lately["took_ns"].sum() == pytest.approx(now - began, rel=0.2)
        assert (np.diff(lately["began_ns"]) >= 0).all()
        working = lately[lately["section"] == WORKER_SECTIONS.index("ticks")]
        assert 0.5 * made < len(working) <= 1.2 * made + 5
        assert len(spans) <= SPANS
