"""The clock of frames."""

from types import SimpleNamespace

import numpy as np
import pytest

import valuescape.run.pace
from valuescape.run.pace import FrameClock


@pytest.fixture
def time(monkeypatch):
    """A clock that stands still but for sleeps and `now`."""
    time = SimpleNamespace(now=100.0, slept=[])

    def sleep(seconds):
        time.slept.append(seconds)
        time.now += seconds

    fake = SimpleNamespace(monotonic=lambda: time.now, sleep=sleep)
    monkeypatch.setattr(valuescape.run.pace, "time", fake)
    return time


def test_frames_are_evenly_spaced_however_long_they_take(time):
    clock, began = FrameClock(), []
    for _ in range(5):
        clock.wait(10)
    for took in (0.01, 0.07, 0.03):
        clock.begin_frame()
        began.append(clock.frame_began)
        time.now += took
        clock.wait(10)
    assert np.diff(began) == pytest.approx([0.1, 0.1])


def test_a_frame_that_took_long_is_not_made_up_for_by_a_race(time):
    """At most three frames follow without waiting, not the fifty that were missed."""
    clock = FrameClock()
    for _ in range(5):
        clock.wait(10)
    time.now += 5
    time.slept.clear()
    for _ in range(10):
        clock.wait(10)
    assert time.slept == pytest.approx([0.1] * 7)


def test_without_a_rate_nobody_waits(time):
    clock = FrameClock()
    for _ in range(5):
        clock.wait(0)
    assert time.slept == []


def test_a_frame_lasts_from_its_beginning_to_the_next(time):
    clock = FrameClock()
    assert clock.begin_frame() == 0
    time.now += 0.25
    assert clock.begin_frame() == 0.25
    time.now += 0.5
    assert clock.frame_began == 100.25
    assert clock.seconds == 0.75
