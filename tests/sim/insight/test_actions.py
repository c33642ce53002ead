"""Actions as settings name them."""

import pytest
from linear_critics import Drift

from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.actions import Choice, action_below, judged_action, require_actions
from valuescape.sim.worlds import make_world

CAR, DRIFT = make_world("mountain_car"), Drift()


def judged(world, text):
    return judged_action(load_config(None, [f"insight.action={text}"]).insight, world)


@pytest.mark.parametrize(
    ("world", "text", "choice"),
    [
        (CAR, "push right", Choice("push right", index=2)),
        (CAR, "1", Choice("coast", index=1)),
        (CAR, "", Choice("policy")),
        (CAR, "policy", Choice("policy")),
        (CAR, "mean", Choice("mean", mean=True)),
        (DRIFT, "", Choice("policy")),
        (DRIFT, "middle", Choice("middle", parts=(0.0, 0.0))),
        (DRIFT, "0.5, -1", Choice("0.5, -1", parts=(0.5, -1.0))),
        (DRIFT, "1", Choice("1", parts=(1.0, None))),
        (DRIFT, "turn=3", Choice("turn=3", parts=(None, 3.0), shown=1)),
        (DRIFT, "turn", Choice("policy", parts=(None, None), shown=1)),
        (DRIFT, "turn, east=1", Choice("turn, east=1", parts=(1.0, None), shown=1)),
    ],
)
def test_names_and_numbers_choose_an_action(world, text, choice):
    assert judged(world, text) == choice


def test_the_action_below_is_the_mean_or_the_middle_unless_told_otherwise():
    none = load_config(None, []).insight
    assert action_below(none, CAR) == Choice("mean", mean=True)
    assert action_below(none, DRIFT) == Choice("middle", parts=(0.0, 0.0))
    assert action_below(load_config(None, ["insight.over=2"]).insight, CAR).index == 2


@pytest.mark.parametrize(
    ("world", "text", "said"),
    [
        (CAR, "push rihgt", "insight.action = 'push rihgt': mountain_car has no such action"),
        (CAR, "push rihgt", "did you mean push right?"),
        (CAR, "3", "known actions: push left, coast, push right, policy, mean"),
        (CAR, "middle", "mountain_car has no such action"),
        (
            DRIFT,
            "north=1",
            "drift has no such action\n  expected a number for each of east from -2 to 2, turn",
        ),
        (DRIFT, "mean", "drift has no such action"),
        (DRIFT, "0, 0, 0", "drift has no such action"),
        (DRIFT, "1, east=2", "east is given twice"),
        (DRIFT, "0, 61", "turn is '61', expected a number from -60 to 60 rad"),
        (DRIFT, "east=", "east is '', expected a number from -2 to 2 m"),
        (DRIFT, "nan", "drift has no such action"),
    ],
)
def test_an_action_that_the_world_lacks_is_refused_with_those_it_has(world, text, said):
    with pytest.raises(UsageError) as refusal:
        judged(world, text)
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) <= 2


def test_both_settings_are_checked():
    with pytest.raises(UsageError, match=r"insight\.over = 'up'"):
        require_actions(load_config(None, ["insight.over=up"]).insight, CAR)
