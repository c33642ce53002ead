"""Number of agents drawn one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from valuescape.render.scene.budget import (
    GPU_SEGMENTS,
    LEAST_SEGMENTS,
    MOST_SEGMENTS,
    SAMPLES_A_SEGMENT,
    SOFTWARE_SEGMENTS,
    Budget,
)

COUNTS = st.integers(1, 4_000_000)


def test_auto_depends_on_who_draws_and_numbers_are_taken_at_their_word():
    assert Budget.of("auto", software=True) == Budget(SOFTWARE_SEGMENTS, follows=True)
    assert Budget.of("auto", software=False) == Budget(GPU_SEGMENTS, follows=True)
    assert Budget.of(777, software=True) == Budget.of(777, software=False) == Budget(777)


def test_only_auto_follows_the_frame_time():
    assert Budget(5000).after(100, 16) == Budget(5000)
    budget = Budget(5000, follows=True)
    assert budget.after(15.5, 16).segments == 4000
    assert budget.after(12, 16).segments == 5000
    assert budget.after(9, 16).segments == 6250


@given(st.floats(0, 1e4), st.integers(LEAST_SEGMENTS, MOST_SEGMENTS))
def test_it_stays_within_bounds(busy_ms, segments):
    budget = Budget(segments, follows=True)
    for _ in range(60):
        budget = budget.after(busy_ms, 16)
        assert LEAST_SEGMENTS <= budget.segments <= MOST_SEGMENTS


@given(COUNTS, st.integers(2, 4096))
def test_without_a_limit_all_are_individuals(agents, samples):
    assert Budget(0).first_individuals(agents, samples) == agents
    assert Budget(0).individuals(agents, samples, 1, 10**9) == agents


@given(COUNTS, st.integers(2, 4096), st.integers(LEAST_SEGMENTS, MOST_SEGMENTS))
def test_at_first_every_sample_counts(agents, samples, segments):
    first = Budget(segments).first_individuals(agents, samples)
    assert 1 <= first <= agents
    assert first == agents or first * samples <= segments or first == 1


@settings(deadline=None)
@given(COUNTS, st.integers(2, 4096), st.integers(LEAST_SEGMENTS, MOST_SEGMENTS), st.floats(0, 1))
def test_it_comes_to_rest_within_the_budget(agents, samples, segments, share):
    """When each trail comes to the same share of its samples."""
    budget, now = Budget(segments), 1
    drawn = [now]
    for _ in range(80):
        now = budget.individuals(agents, samples, now, int(now * share * samples))
        assert 1 <= now <= agents
        drawn.append(now)
    assert drawn[-1] == drawn[-2], "no coming and going"
    cost = now * share * samples + now * samples / SAMPLES_A_SEGMENT
    assert now == 1 or cost <= 1.4 * segments


def test_a_small_change_is_none():
    budget = Budget(10_000)
    now = budget.individuals(100_000, 64, 100, 6400)
    assert now == 145
    assert budget.individuals(100_000, 64, now, int(now * 64 * 1.2)) == now
