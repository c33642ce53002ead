"""Signals judged in hindsight, and the ring that keeps them, against loops in NumPy."""

from contextlib import ExitStack

import numpy as np
import pytest
from recording import Recording

from valuescape.gpu.frame_meter import FrameMeter
from valuescape.gpu.individuals import Individuals
from valuescape.gpu.passes.hindsight import HindsightPass
from valuescape.gpu.trail_ring import TrailRing

pytestmark = pytest.mark.gpu

AGENTS, TICKS, LENGTH = 70, 40, 16


@pytest.fixture
def made(gl):
    """A full ring with a signal, a run's rows of it, and the pass."""
    rng = np.random.default_rng(4)
    endings = rng.choice([0, 1, 2], (TICKS, AGENTS), p=[0.9, 0.05, 0.05])
    errors = rng.normal(size=(TICKS, AGENTS)).astype(np.float32)
    errors[1:][endings[:-1] != 0] = np.nan  # where an agent has just started
    source = Recording(rng.normal(size=(TICKS, AGENTS, 2)), endings=endings)
    with ExitStack() as owned:
        ring = TrailRing(gl, AGENTS, LENGTH, FrameMeter())
        individuals = Individuals(gl, AGENTS, FrameMeter())
        hindsight = HindsightPass(gl, ring, individuals, FrameMeter())
        for each in (ring, individuals, hindsight):
            owned.callback(each.release)
        ring.keep_signal(raw=True)
        for tick in range(TICKS):
            ring.upload(source, tick, lambda at, _: errors[at])
        yield ring, individuals, hindsight, errors, endings


def shown(ring):
    return np.stack([ring.read_signal(tick) for tick in ring.ticks])


def test_the_ring_keeps_the_signal(made):
    ring, _, _, errors, _ = made
    np.testing.assert_array_equal(shown(ring), errors[list(ring.ticks)])


@pytest.mark.parametrize("decay", [0.0, 0.8, 0.9405])
def test_the_advantage_is_gae(made, decay):
    """Backwards from the newest: A = delta + decay A', and nothing from beyond an episode's end."""
    ring, _, hindsight, errors, _ = made
    hindsight.update(outcome=False, decay=decay)
    expected, known = [], np.zeros(AGENTS, np.float32)
    for tick in reversed(ring.ticks):
        known = np.where(np.isnan(errors[tick]), 0, errors[tick] + np.float32(decay) * known)
        expected.append(np.where(np.isnan(errors[tick]), np.nan, known))
    np.testing.assert_allclose(shown(ring), expected[::-1], rtol=1e-5, atol=1e-6)
    hindsight.update(outcome=False, decay=decay)  # again: it starts from what was uploaded
    np.testing.assert_allclose(shown(ring), expected[::-1], rtol=1e-5, atol=1e-6)


def test_an_episode_has_one_outcome_for_all_its_ticks(made):
    ring, _, hindsight, _, endings = made
    hindsight.update(outcome=True, decay=0.0)
    expected, known = [], np.zeros(AGENTS)
    for tick in reversed(ring.ticks):
        known = np.where(endings[tick] != 0, endings[tick], known)
        expected.append(known)
    np.testing.assert_array_equal(shown(ring), expected[::-1])


def test_only_individuals_are_judged(made):
    ring, individuals, hindsight, errors, _ = made
    individuals.choose(9)
    hindsight.update(outcome=True, decay=0.0)
    others = np.setdiff1d(np.arange(AGENTS), individuals.read())
    np.testing.assert_array_equal(shown(ring)[:, others], errors[list(ring.ticks)][:, others])
    assert not np.isnan(shown(ring)[:, individuals.read()]).any()


def test_another_signal_begins_with_nothing_known(made):
    ring, *_ = made
    ring.keep_signal(raw=False)
    assert np.isnan(shown(ring)).all()
    assert ring.raw is None
    ring.forget_signal()
    assert len(ring.read_signal(ring.newest)) == 0


def test_those_highlighted_stay_when_others_become_the_crowd(gl):
    """Highlighted while everyone is an individual, and when there are fewer of these."""
    individuals = Individuals(gl, 1000, FrameMeter())
    wanted = np.sort(individuals._sample[-3:]).astype(np.intp)  # the last that a sample would have
    assert not individuals.highlight(wanted)
    individuals.choose(10)
    assert set(wanted) < set(individuals.read())
    individuals.release()


def test_those_that_are_highlighted_are_individuals(gl):
    individuals = Individuals(gl, 1000, FrameMeter())
    individuals.choose(10)
    before = set(individuals.read())
    wanted = np.setdiff1d(np.arange(1000), list(before))[:3]
    assert individuals.highlight(wanted)
    assert set(wanted) < set(individuals.read())
    assert len(individuals.read()) == 10
    assert not individuals.highlight(wanted)
    assert individuals.highlight(np.zeros(0, np.intp))
    assert set(individuals.read()) == before
    individuals.release()
