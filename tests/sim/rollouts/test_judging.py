"""What a critic is judged by: soft or plain returns, with or without limit, and errors beyond chance."""

from dataclasses import replace

import numpy as np
import pytest
from networks import checkpoint_of, random_mlp
from small_worlds import Chain, always_on

from valuescape.sim.insight.student import reach_95
from valuescape.sim.policy.network import ActionNoise, ActorHead, CriticKind, Layer
from valuescape.sim.rollouts.judging import (
    TOLERANCE,
    judging_rules,
    return_in_words,
    rollouts_differ,
    significant_errors,
    soft_alpha,
)
from valuescape.sim.rollouts.rules import RolloutEnd
from valuescape.sim.rollouts.truth import Truth

DRAWS = replace(always_on(), gamma=0.9)
GREEDY = replace(DRAWS, critic_kind=CriticKind.DISCRETE_ACTION_VALUE)


def sac(**changes):
    actor = random_mlp((2, 4, 1))
    noise = ActionNoise(
        Layer(np.zeros((1, 4), np.float32), np.zeros(1, np.float32), actor.layers[0].activation)
    )
    made = replace(
        checkpoint_of(actor, ActorHead.SQUASHED),
        algorithm="sac",
        critic_kind=CriticKind.ACTION_VALUE,
        noise=noise,
        entropy_coefficient=0.2,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("checkpoint", "given", "alpha"),
    [
        (sac(), None, 0.2),
        (sac(), 0.5, 0.5),
        (sac(entropy_coefficient=None), None, None),
        (sac(entropy_coefficient=None), 0.5, 0.5),
        (sac(noise=None), 0.5, None),  # nothing is drawn, so there is no entropy
        (GREEDY, 0.5, None),
    ],
)
def test_a_soft_critic_has_the_coefficient_that_is_given_or_the_file_s(checkpoint, given, alpha):
    assert soft_alpha(checkpoint, given) == alpha


def test_the_rules_are_those_of_training():
    rules = judging_rules(DRAWS, Chain(), time_limit=False, seed=3, alpha=None)
    assert (rules.gamma, rules.seed, rules.sampled, rules.alpha) == (0.9, 3, True, 0.0)
    assert (rules.exploration, rules.limit_end) == (0.0, RolloutEnd.CUT)
    kept = judging_rules(replace(DRAWS, gamma=0.999), Chain(), time_limit=True, seed=3, alpha=0.2)
    assert (kept.max_steps, kept.limit_end, kept.alpha) == (100, RolloutEnd.TIME_LIMIT, 0.2)
    assert rollouts_differ(DRAWS, rules)
    assert not rollouts_differ(GREEDY, rules)
    assert rollouts_differ(GREEDY, replace(rules, exploration=0.1))


@pytest.mark.parametrize(
    ("checkpoint", "alpha", "rollouts", "limit", "said"),
    [
        (GREEDY, None, 1, False, "return that follows, one rollout, no time limit"),
        (DRAWS, None, 1000, True, "return that follows, 1,000 rollouts, to the time limit"),
        (
            sac(),
            0.2,
            64,
            False,
            "soft return (α = 0.2) that follows, 64 rollouts, no time limit",
        ),
        (
            sac(entropy_coefficient=None),
            None,
            64,
            False,
            "plain return that follows, 64 rollouts, no time limit "
            "(the file lacks noise or α for a soft one)",
        ),
    ],
)
def test_words_say_what_the_return_is(checkpoint, alpha, rollouts, limit, said):
    rules = judging_rules(replace(checkpoint, gamma=0.999), Chain(), time_limit=limit, seed=0, alpha=alpha)
    assert return_in_words(checkpoint, rules, rollouts) == said


def truth(value, half_width, rollouts):
    nothing = np.zeros_like(value)
    return Truth(value, half_width, nothing, nothing, nothing, nothing, rollouts, 1.0)


def test_without_chance_errors_beyond_a_share_of_the_range_count():
    value = np.array([[0.0, 100.0, np.nan]])
    error = np.array([[100 * TOLERANCE + 0.01, 100 * TOLERANCE - 0.01, 9.0]])
    given = truth(value, np.zeros((1, 3)), np.ones((1, 3), np.int32))
    assert significant_errors(error, given, random=False).tolist() == [[True, False, True]]


@pytest.mark.parametrize("random", [False, True])
def test_cells_without_rollouts_of_their_own_are_never_certain(random):
    """They show a neighbour's truth, whose interval may have no width."""
    count = np.array([[8, 0]], np.int32)
    given = truth(np.array([[0.0, 100.0]]), np.zeros((1, 2)), count)
    assert significant_errors(np.full((1, 2), 50.0), given, random=random).tolist() == [[True, False]]


def test_with_chance_errors_beyond_their_interval_count():
    count = np.full((1, 4), 64, np.int32)
    given = truth(np.zeros((1, 4)), np.full((1, 4), reach_95(63)), count)  # a standard error of 1
    assert significant_errors(np.array([[0.0, 1, -6, 6]]), given, random=True).tolist() == [
        [False, False, True, True]
    ]
