"""The state of a run: a value, and figures that follow from it."""

from dataclasses import FrozenInstanceError

import pytest
from run_states import run_state

from valuescape.sim.measuring.health import RunLog


def test_a_state_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        run_state().paused = True


@pytest.mark.parametrize(
    ("ends", "fps"), [([], 0), ([1.0], 0), ([1.0, 1.5], 2), ([0.0, *range(100, 130)], 1)]
)
def test_the_recent_frame_rate_is_of_thirty_frames(ends, fps):
    assert run_state(log=RunLog(frame_ends=ends)).recent_fps == fps


@pytest.mark.parametrize(("max_fps", "ms"), [(50, 20), (0, pytest.approx(16.67, abs=0.01))])
def test_a_frame_may_take_its_share_of_a_second(max_fps, ms):
    assert run_state(f"render.max_fps={max_fps}").may_take_ms == ms


def test_ticks_per_frame_are_a_mean_and_at_least_one():
    assert run_state().ticks_per_frame == 1
    first, last = (0.0, 100), (1.0, 160)
    several = RunLog(frame_ends=[0.0, 0.5, 1.0], first_tick=first, last_tick=last)
    assert run_state(log=several).ticks_per_frame == 30
    paused = RunLog(frame_ends=[0.0, 0.5, 1.0], first_tick=first, last_tick=first)
    assert run_state(log=paused).ticks_per_frame == 1


def test_segments_are_those_counted_last():
    assert run_state().segments == 0
    assert run_state(log=RunLog(segments=[5, 70])).segments == 70
