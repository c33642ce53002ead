"""The pace of two engines with workers of their own: always at one tick."""

import time
from contextlib import ExitStack, contextmanager

import pytest
from crowds import hash_at, small
from disturbing import kill

from valuescape.run.length import RunLength
from valuescape.run.versus.pace import PairedPace
from valuescape.sim.engine import Engine

FRAME_S = 0.01


@contextmanager
def pair(*configs, ticks=None, lockstep=False):
    """Start an engine for each configuration, and drive them at one pace."""
    with ExitStack() as owned:
        engines = tuple(owned.enter_context(Engine(each, None)) for each in configs)
        for each in engines:
            each.wait_ready()
        pace = PairedPace(engines, RunLength(ticks=ticks), lockstep=lockstep, frames_per_s=60)
        pace.start()
        yield engines, pace


def frames(engines, pace, until, most_s=10.0):
    """Make frames until a condition holds; return the ticks that they showed."""
    shown, end = [], time.monotonic() + most_s
    while not until(shown):
        assert time.monotonic() < end
        for each in engines:
            each.check()
        shown.append(pace.newest_tick())
        time.sleep(FRAME_S)
    return shown


def test_a_fast_and_a_slow_side_stay_together():
    """Each frame shows a tick that both have made; at rest both are what they would be alone."""
    fast, slow = small("workers.count=1"), small("workers.count=1", "agents.count=9000")
    with pair(fast, slow) as (engines, pace):
        pace.set_ticks_per_s(0.0)
        shown = frames(engines, pace, lambda shown: shown and shown[-1] > 100)
        assert shown == sorted(shown)
        assert max(each.furthest_tick for each in engines) - shown[-1] < 2000
        tick = pace.rest()
        assert tick >= shown[-1]
        assert (
            [each.newest_tick for each in engines] == [each.furthest_tick for each in engines] == [tick] * 2
        )
        hashes = [each.state_hash() for each in engines]
    assert hashes == [hash_at(tick, fast), hash_at(tick, slow)]


def test_pausing_stops_both_at_one_tick_and_stepping_moves_both():
    config = small("workers.count=1")
    with pair(config, config) as (engines, pace):
        pace.set_ticks_per_s(500.0)
        frames(engines, pace, lambda shown: shown and shown[-1] > 20)
        pace.pause()
        held = frames(engines, pace, lambda shown: len(shown) > 10)[-1]
        assert [each.newest_tick for each in engines] == [held, held]
        pace.step()
        assert frames(engines, pace, lambda shown: shown and shown[-1] > held)[-1] == held + 1
        pace.pause()
        frames(engines, pace, lambda shown: shown and shown[-1] > held + 20)


def test_a_pair_ends_at_exactly_the_tick_asked_for():
    config = small("workers.count=1")
    with pair(config, config, ticks=57) as (engines, pace):
        pace.set_ticks_per_s(0.0)
        frames(engines, pace, lambda shown: shown and shown[-1] == 57)
        frames(engines, pace, lambda shown: len(shown) > 5)
        assert pace.rest() == 57
        assert [each.newest_tick for each in engines] == [57, 57]


def test_the_rate_is_that_of_the_clock():
    config = small("features.simd=false")
    with pair(config, config) as (engines, pace):
        pace.set_ticks_per_s(200.0)
        began, first = time.monotonic(), frames(engines, pace, lambda shown: len(shown) > 5)[-1]
        last = frames(engines, pace, lambda shown: time.monotonic() - began > 1.0)[-1]
        assert last - first == pytest.approx(200, abs=40)


def test_the_last_tick_is_one_that_both_have_made():
    """A run that failed shows it."""
    config = small("features.simd=false", "workers.count=0")
    with pair(config, config, lockstep=True) as (engines, pace):
        engines[0].advance_to(5)
        engines[1].advance_to(3)
        assert pace.last_tick == 3


@pytest.mark.chaos
def test_a_killed_worker_of_one_side_changes_nothing():
    config = small("workers.count=2", "agents.count=4000")
    with pair(config, config) as (engines, pace):
        pace.set_ticks_per_s(0.0)
        frames(engines, pace, lambda shown: shown and shown[-1] > 50)
        kill(engines[1].worker_pids[0])
        frames(engines, pace, lambda shown: engines[1].restarts == 1, 30)
        frames(engines, pace, lambda shown: len(shown) > 5)
        pace.rest()
        assert engines[0].state_hash() == engines[1].state_hash()
