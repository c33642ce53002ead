"""The figures of a run, from logs whose figures are known."""

import math
from array import array

import numpy as np
import pytest

from valuescape.sim.config.sections import HealthConfig
from valuescape.sim.measuring.health import (
    ENVELOPE_S,
    LEAST_WINDOWS,
    RunLog,
    fps_windows,
    growth_per_min,
    limits,
    measures,
    rate,
)

HEALTH = HealthConfig(warmup_s=1.0)
MB = 10**6


def memory(seconds, size, step=0.5):
    """Return samples of (time, bytes) over `seconds`; size: returns the bytes at a time."""
    return [(100.0 + t, int(size(t))) for t in np.arange(0, seconds, step)]


def log_of(frame_s, frames=300, **changes):
    """Return a log of `frames` frames of `frame_s` seconds each."""
    ends = 50 + frame_s * np.arange(frames)
    return RunLog(frame_ends=array("d", ends), busy_s=array("d", np.full(frames, frame_s / 2)), **changes)


def test_windows_count_the_frames_of_whole_seconds_after_the_warm_up():
    steady = 10 + np.arange(0, 3.05, 0.1)
    assert fps_windows(steady, 0.0).tolist() == [10, 10, 11]  # the last frame is on the last window's edge
    assert len(fps_windows(steady, 1.0)) == 2
    assert len(fps_windows(steady, 2.9)) == 0
    slow_start = np.concatenate([[0.0, 0.9], 1 + np.arange(0, 2.01, 0.25)])
    assert fps_windows(slow_start, 1.0).tolist() == [4, 5]


@pytest.mark.parametrize("ends", [[], [3.0], [3.0, 3.5]])
def test_a_run_shorter_than_a_window_has_none(ends):
    assert len(fps_windows(np.array(ends), 0.0)) == 0


@pytest.mark.parametrize("slope", [0.0, 0.7, -2.5, 600.0])
def test_a_planted_leak_is_found(slope):
    samples = memory(60, lambda t: 500 * MB + slope * MB / 60 * t)
    assert growth_per_min(samples, 1.0) == pytest.approx(slope, abs=1e-3)


@pytest.mark.parametrize("when", [8, 15, 48])
def test_a_single_jump_is_no_growth(when):
    samples = memory(60, lambda t: (500 + 80 * (t > when)) * MB)
    assert abs(growth_per_min(samples, 1.0)) < 1
    assert np.polyfit(*np.array(samples).T, 1)[0] * 60 / MB > 30  # what least squares would say


def test_what_is_taken_and_given_back_is_no_growth_and_hides_none():
    def saw(t):
        return 500 * MB + (t % 4) * 10 * MB

    assert abs(growth_per_min(memory(60, saw), 1.0)) < 1e-9
    leaking = growth_per_min(memory(120, lambda t: saw(t) + 6 * MB / 60 * t), 1.0)
    assert leaking == pytest.approx(6, rel=0.2)


def test_growth_in_the_warm_up_does_not_count():
    assert growth_per_min(memory(60, lambda t: 500 * MB + min(t, 5) * 9 * MB), 5.0) == 0


def test_a_gap_between_samples_does_not_steepen_the_slope():
    samples = [each for each in memory(90, lambda t: 6 * MB / 60 * t) if not 112 < each[0] < 160]
    assert growth_per_min(samples, 0.0) == pytest.approx(6, rel=1e-3)


def test_growth_is_unknown_without_enough_windows():
    assert math.isnan(growth_per_min([], 1.0))
    assert math.isnan(growth_per_min(memory(0.8, lambda t: 1), 1.0))
    assert math.isnan(growth_per_min(memory(LEAST_WINDOWS * ENVELOPE_S, lambda t: 1), 1.0))
    assert growth_per_min(memory(LEAST_WINDOWS * ENVELOPE_S + 2, lambda t: 1), 1.0) == 0


def test_a_rate_is_what_came_between_two_times():
    assert rate((2.0, 100), (4.0, 500)) == 200
    assert math.isnan(rate(None, (1.0, 1)))
    assert math.isnan(rate((1.0, 1), (1.0, 5)))


def test_the_rate_of_late_follows_a_change_and_the_mean_rate_does_not_forget():
    log = RunLog()
    for frame in range(600):  # 60 frames a second; from the fifth second on, four times as many ticks each
        log.note_tick(frame / 60, frame if frame < 300 else 300 + 4 * (frame - 300))
    assert rate(log.lately[0], log.lately[-1]) == pytest.approx(240)
    assert rate(log.first_tick, log.last_tick) == pytest.approx(150, rel=0.01)
    assert len(log.lately) == 121


def test_a_steady_run_has_the_figures_it_was_given():
    log = log_of(
        0.02, draw_calls=900, queries=300, upload_bytes=3000, segments=[5, 15], dispatches=0,
        first_tick=(50.0, 0), last_tick=(55.0, 300),
    )  # fmt: skip
    figures = measures(log, HEALTH)
    assert figures["fps_mean"] == pytest.approx(50, abs=0.5)
    assert figures["fps_std"] < 1
    for percent in (50, 95, 99):
        assert figures[f"frame_ms_p{percent}"] == pytest.approx(20)
        assert figures[f"busy_ms_p{percent}"] == pytest.approx(10)
    assert figures["draw_calls_per_frame"] == 3
    assert figures["gpu_queries_per_frame"] == 1
    assert figures["upload_bytes_per_frame"] == 10
    assert figures["segments_per_frame"] == 10
    assert figures["ticks_per_s"] == 60


def test_frame_times_are_of_every_frame_and_their_percentiles_are_numpys():
    spans = np.random.default_rng(0).gamma(2, 0.01, 500)
    log = RunLog(frame_ends=array("d", 7 + np.cumsum(spans)))
    figures = measures(log, HEALTH)
    for percent in (50, 95, 99):
        assert figures[f"frame_ms_p{percent}"] == pytest.approx(np.percentile(spans[1:] * 1e3, percent))


def test_a_hitch_in_the_warm_up_is_in_the_frame_times_but_not_in_the_rate():
    ends = np.concatenate([[0, 0.9], 0.9 + 0.02 * np.arange(1, 300)])
    figures = measures(RunLog(frame_ends=array("d", ends)), HEALTH)
    assert figures["fps_std"] < 1
    assert np.diff(ends).max() * 1e3 == pytest.approx(900)
    assert figures["frame_ms_p99"] == pytest.approx(20)


def test_an_uneven_run_has_the_deviation_of_its_seconds():
    spans = np.concatenate([np.full(50, 0.02), np.full(20, 0.05)] * 4)
    figures = measures(RunLog(frame_ends=array("d", np.cumsum(spans))), HealthConfig(warmup_s=0.0))
    assert figures["fps_std"] == pytest.approx(15, abs=1)
    assert figures["fps_mean"] == pytest.approx((4 * 50 + 3 * 20) / 7)


@pytest.mark.parametrize("frames", [0, 1, 2, 40])
def test_a_run_shorter_than_the_warm_up_is_measured_as_far_as_it_goes(frames):
    figures = measures(log_of(0.02, frames), HEALTH)
    assert math.isnan(figures["fps_std"])
    assert math.isnan(figures["memory_mb_per_min"])
    if frames > 1:
        assert figures["fps_mean"] == pytest.approx(50)
        assert figures["frame_ms_p95"] == pytest.approx(20)
    else:
        assert math.isnan(figures["fps_mean"])


FINE = {
    "fps_std": 4.99,
    "frame_ms_p95": 49.9,
    "gpu_queries_per_frame": 9.9,
    "draw_calls_per_frame": 4.0,
    "memory_mb_per_min": -3.0,
}


def test_the_five_limits_are_those_of_the_field_notes():
    stand = limits(FINE, HealthConfig())
    assert [limit.below for limit in stand] == [5, 50, 10, 5, 1]
    assert all(limit.kept for limit in stand)


@pytest.mark.parametrize("figure", FINE)
@pytest.mark.parametrize("value", [50.0, math.nan])
def test_each_limit_is_broken_by_its_own_figure_at_its_bound_and_by_what_is_not_known(figure, value):
    stand = limits(FINE | {figure: value}, HealthConfig())
    assert sum(not limit.kept for limit in stand) == 1
