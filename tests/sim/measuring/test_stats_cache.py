"""Statistics are computed when a source has changed and their interval has passed, and only then."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuescape.sim.measuring.stats_cache import Refresh, StatsCache


class Watched:
    """Return a cache with a manual clock, of statistics that count how often they are computed."""

    def __init__(self, *, enabled=True):
        self.now, self.computed = 0.0, Counter()
        refreshes = {
            "of ticks": Refresh(lambda: self.now, 2.0, frozenset({"tick"})),
            "of both": Refresh(lambda: self.now, 5.0, frozenset({"tick", "frame"})),
        }
        self.cache = StatsCache(refreshes, enabled=enabled)

    def look(self, name="of ticks"):
        def compute():
            self.computed[name] += 1
            return self.computed[name]

        return self.cache.get(name, compute)


@pytest.fixture
def watched():
    return Watched()


def test_nothing_new_is_never_computed_again(watched):
    assert watched.look() == 1
    watched.now = 1e9
    watched.cache.mark("frame")  # not what it is derived from
    assert watched.look() == 1


def test_what_is_new_waits_for_its_time(watched):
    watched.look()
    watched.cache.mark("tick")
    watched.now = 1.9
    assert watched.look() == 1
    watched.now = 2.0
    assert watched.look() == 2
    assert watched.look() == 2


def test_a_person_who_changed_something_does_not_wait(watched):
    watched.look()
    watched.cache.forget("of ticks", "of both")
    assert watched.look() == 2


def test_what_changes_while_it_is_computed_counts(watched):
    """Otherwise a tick that comes at the wrong moment would remain unseen until the next."""

    def compute():
        watched.cache.mark("tick")
        return "old"

    assert watched.cache.get("of ticks", compute) == "old"
    watched.now = 2.0
    assert watched.cache.get("of ticks", lambda: "new") == "new"


def test_none_is_an_answer(watched):
    watched.cache.get("of ticks", lambda: None)
    assert watched.cache.get("of ticks", lambda: pytest.fail("computed again")) is None


def test_what_cannot_be_computed_is_asked_for_again(watched):
    with pytest.raises(ZeroDivisionError):
        watched.cache.get("of ticks", lambda: 1 // 0)
    assert watched.look() == 1


def test_the_hit_rate_is_the_share_of_looks_that_computed_nothing(watched):
    assert math.isnan(watched.cache.hit_rate)
    for _ in range(4):
        watched.look()
    assert watched.cache.hit_rate == 0.75


@given(st.lists(st.sampled_from(["tick", "frame", "look", "wait"]), max_size=60))
def test_an_answer_is_never_older_than_its_interval(steps):
    """Compared with a cache that is off: values differ only while the interval has not passed."""
    watched, changes = Watched(), 0
    for step in steps:
        if step == "wait":
            watched.now += 1
        elif step == "look":
            seen = watched.cache.get("of ticks", lambda now=changes: (now, watched.now))
            assert seen[0] == changes or watched.now - seen[1] < 2
        else:
            changes += step == "tick"
            watched.cache.mark(step)


@pytest.mark.regression
def test_off_it_computes_with_every_look():
    watched = Watched(enabled=False)
    assert [watched.look() for _ in range(3)] == [1, 2, 3]
    assert watched.cache.hit_rate == 0
