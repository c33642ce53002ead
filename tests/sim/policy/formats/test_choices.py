"""Actors whose scores are of several choices, where the file does not say so and the user does."""

from dataclasses import replace

import pytest
from library_files import CASES

from valuescape.sim.config.files import load_config
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.given import given_of
from valuescape.sim.policy.loading import read_checkpoint
from valuescape.sim.policy.network import ActorHead, score_groups

SHARED = CASES["perceptron/shared"]
DISCRETE = CASES["rl_games/discrete"]


@pytest.mark.parametrize("case", [SHARED, DISCRETE])
def test_stated_choices_divide_the_scores(case):
    given = replace(case.given, head=None, choices=(2, 1))
    checkpoint = read_checkpoint(case.file, given)
    assert (checkpoint.actor_head, checkpoint.choices) == (ActorHead.MULTI_ARGMAX, (2, 1))
    assert score_groups(checkpoint) == (slice(0, 2), slice(2, 3))


@pytest.mark.parametrize(
    ("case", "changes", "said"),
    [
        (SHARED, {"head": ActorHead.MULTI_ARGMAX}, "state it: --set policy.choices=3,2"),
        (
            SHARED,
            {"head": None, "choices": (3, 2)},
            r"choices among \[3, 2\] do not fit an actor of 3 outputs",
        ),
        (
            CASES["cleanrl/dqn"],
            {"choices": (2, 1)},
            "policy.choices = '2,1', but its actor scores no choices",
        ),
    ],
)
def test_choices_that_do_not_fit_are_refused(case, changes, said):
    with pytest.raises(UsageError, match=said):
        read_checkpoint(case.file, replace(case.given, **changes))


def test_choices_of_a_configuration():
    assert given_of(load_config(None, ["policy.choices='3, 2'"]).policy).choices == (3, 2)
    for text in ("3;2", "3,", "0,2", "-1", "999999999999"):
        with pytest.raises(UsageError, match=r"policy\.choices = .*\s+expected the size of each choice"):
            given_of(load_config(None, [f"policy.choices='{text}'"]).policy)
