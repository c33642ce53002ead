"""The scale of a signal's colours."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuescape.render.scene.color_scale import ColorScale, scale_of
from valuescape.sim.insight.signals import SignalScale

FREE, SIGNED = SignalScale("x"), SignalScale("x", signed=True)
values = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6))


@given(values)
def test_all_but_the_tails_are_on_the_scale(x):
    scale = ColorScale(0, 1).following(x, FREE)
    tail = int(0.02 * (len(x) - 1)) + 1
    assert (x < scale.low).sum() <= tail
    assert (x > scale.high).sum() <= tail
    assert scale.low < scale.high


@given(values)
def test_a_signed_scale_has_0_in_its_middle(x):
    scale = ColorScale(0, 1).following(x, SIGNED)
    assert scale.low == pytest.approx(-scale.high, rel=1e-6, abs=1e-3)


@given(values, st.floats(-0.1, 0.1))
def test_it_stays_while_it_is_good_enough(x, shift):
    assume(np.ptp(x) > 1)
    scale = ColorScale(0, 1).following(x, FREE)
    moved = x + shift * 0.4 * (scale.high - scale.low)
    assert scale.following(moved, FREE) is scale


def test_it_follows_what_grows_and_what_shrinks():
    scale = ColorScale(0, 1).following(np.linspace(0, 1, 100), FREE)
    assert scale.following(np.linspace(0, 2, 100), FREE).high > 1.9
    assert scale.following(np.linspace(0, 0.5, 100), FREE).high < 0.55


def test_ends_that_are_known_stay():
    setting = SignalScale("outcome", 0.0, 2.0)
    assert scale_of(setting) == ColorScale(0.0, 2.0)
    found = scale_of(setting).following(np.array([1.0]), setting)
    assert (found.low, found.high) == (0.0, 2.0)


def test_nothing_known_changes_nothing():
    scale = ColorScale(0, 1)
    assert scale.following(np.full(5, np.nan), FREE) is scale


def test_one_value_alone_has_a_scale_around_it():
    scale = ColorScale(0, 1).following(np.full(9, 3.0), FREE)
    assert scale.low < 3 < scale.high
