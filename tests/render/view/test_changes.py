"""Changes: which of those that wait are needed, and that leaving out the others changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuescape.render.view.changes import Request, Restart, Select, Set, Slice, needed


def test_of_a_thousand_moves_of_a_slider_the_last_counts():
    moves = [Set("render.glow", step / 1000) for step in range(1000)]
    assert needed(moves) == [Set("render.glow", 0.999)]


def test_sliders_of_two_settings_do_not_replace_each_other():
    moves = [Set(name, step) for step in range(500) for name in ("trails.opacity", "heatmap.opacity")]
    assert needed(moves) == [Set("trails.opacity", 499), Set("heatmap.opacity", 499)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([Slice((1.0,)), Slice((2.0,))], [Slice((2.0,))]),
        ([Select(1, 1), Select(2, 2)], [Select(2, 2)]),
        ([Request.FIT, Request.FIT], [Request.FIT]),
        ([Request.STEP] * 3, [Request.STEP] * 3),
        ([Request.PAUSE] * 2, [Request.PAUSE] * 2),
        ([Request.LEAVE] * 2, [Request.LEAVE] * 2),
        ([Restart({"run.seed": 1}), Restart({"run.seed": 2})], [Restart({"run.seed": 2})]),
        ([Restart({"run.seed": 1}), Restart({})], [Restart({"run.seed": 1}), Restart({})]),
        ([Set("a", 1), Request.PAUSE, Set("a", 2)], [Request.PAUSE, Set("a", 2)]),
    ],
)
def test_a_later_change_replaces_one_with_the_same_key(changes, expected):
    assert needed(changes) == expected


CHANGES = st.one_of(
    st.builds(Set, st.sampled_from(["a", "b"]), st.integers(0, 3)),
    st.builds(Restart, st.dictionaries(st.sampled_from(["c", "d"]), st.integers(0, 3))),
    st.builds(Slice, st.tuples(st.floats(0, 1))),
    st.sampled_from([Request.PAUSE, Request.STEP, Request.FIT]),
)


def outcome(changes):
    """Return what a run would be like after these changes."""
    state = {"paused": False, "steps": 0, "fits": False}
    for change in changes:
        match change:
            case Set(name, value):
                state[name] = value
            case Restart(settings):
                state |= settings
            case Slice(values):
                state["slice"] = values
            case Request.PAUSE:
                state["paused"] = not state["paused"]
            case Request.STEP:
                state["steps"] += 1
            case Request.FIT:
                state["fits"] = True
    return state


@given(st.lists(CHANGES, max_size=30))
def test_the_changes_that_are_needed_lead_to_the_same(changes):
    assert outcome(needed(changes)) == outcome(changes)
