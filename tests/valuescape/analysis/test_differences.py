"""Differences between two checkpoints: closed forms, slow loops, and what their intervals cover."""

from dataclasses import replace

import numpy as np
import pytest
from small_worlds import Chain, chain_critic, chain_values

from valuescape.analysis import differences
from valuescape.analysis.analysis import Plan, analyze
from valuescape.analysis.differences import beyond_zero, map_difference, paired_differences, paired_share
from valuescape.analysis.episodes import Episodes
from valuescape.sim.insight.bootstrap import resampled_counts
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.policy.network import Mlp

PLAN = Plan(episodes=16, cells=20, rollouts=2)


def going_back(checkpoint):
    """The same critic with a policy that always goes back."""
    last = checkpoint.actor.layers[-1]
    return replace(checkpoint, actor=Mlp((replace(last, bias=-last.bias),)))


def analysed(checkpoint):
    return analyze(checkpoint, own_plane(Chain()), PLAN)


@pytest.fixture(scope="module")
def pair():
    """Two critics of one policy: their values differ by 3 − 0.5 place."""
    return analysed(chain_critic(0.5, 2.0)), analysed(chain_critic(1.0, -1.0))


def test_critics_of_one_policy_differ_by_their_own_difference(pair):
    one, other = pair
    found = paired_differences(one, other)
    assert found.keys() == one.numbers.keys()
    for name in ("mean_return", "mean_length", "start_value_realised", "share_terminated"):
        assert found[name].value == 0
        assert not beyond_zero(found[name])
    assert found["q_bias"].value == pytest.approx(3 - 0.5 * 4.5, abs=1e-5)  # places 0 to 9, each once
    assert found["start_value_predicted"].value == pytest.approx(3, abs=1e-5)
    assert beyond_zero(found["q_bias"])
    assert beyond_zero(found["start_value_predicted"])
    for name, of in found.items():
        assert of.value == pytest.approx(one.numbers[name].value - other.numbers[name].value, abs=1e-9)


def test_maps_differ_by_the_closed_form(pair):
    one, other = pair
    found = map_difference(one.maps, other.maps)
    x, _ = one.maps.centres(20)
    assert found.value[7] == pytest.approx(3 - 0.5 * x, abs=1e-5)
    assert (found.truth == 0).all()
    assert not found.significant.any()


def test_truths_of_two_policies_differ_by_their_values(pair):
    """Going back costs 1 a step for ever: −(1 − γ^n) / (1 − γ) over the n steps of a rollout."""
    one, other = pair[0], analysed(going_back(chain_critic(0.5, 2.0)))
    found = map_difference(one.maps, other.maps)
    x, _ = one.maps.centres(20)
    on = chain_values(0.0, 0.9)[np.minimum(np.ceil(x - 1e-9), 9).astype(int)]
    back = -(1 - 0.9**other.maps.rules.max_steps) / (1 - 0.9)
    assert found.truth[3] == pytest.approx(on - back, abs=1e-4)
    assert found.significant.all()
    assert (found.value == 0).all()
    numbers = paired_differences(one, other)
    assert numbers["share_terminated"].value == 1
    assert beyond_zero(numbers["share_terminated"])
    assert numbers["mean_return"].value == pytest.approx(-8 + 100)


def test_cells_without_rollouts_of_their_own_do_not_differ(pair):
    one, other = pair[0].maps, analysed(going_back(chain_critic(0.5, 2.0))).maps
    rollouts = one.truth.rollouts.copy()
    rollouts[:, :5] = 0
    found = map_difference(replace(one, truth=replace(one.truth, rollouts=rollouts)), other)
    assert np.isnan(found.truth[:, :5]).all()
    assert not found.significant[:, :5].any()
    assert found.significant[:, 5:].all()


def made_up(returns, predicted):
    """Episodes of one step each."""
    n = len(returns)
    zeros, index = np.zeros(n), np.arange(n)
    return Episodes(
        *(index, predicted, returns, returns, predicted - returns, *[zeros[:, None]] * 2),
        *(returns, np.ones(n, int), returns > 0, 0.0),
    )


class Found:
    """As much of an analysis as differences need."""

    def __init__(self, returns, predicted):
        self.episodes = self.judged = made_up(returns, predicted)


def test_intervals_are_those_of_resampled_pairs(monkeypatch):
    monkeypatch.setattr(differences, "RESAMPLES", 50)
    random = np.random.default_rng(1)
    one, other, v, w = random.normal(size=(4, 31))
    found = paired_differences(Found(one, v), Found(other, w), seed=7)

    def numbers(g, v):
        return np.mean(g), np.sort(g)[7:-7].mean(), np.mean(v - g), 1 - np.var(g - v) / np.var(g)

    drawn = []
    for counts in np.concatenate(list(resampled_counts(31, 50, 7))).astype(int):
        at = np.repeat(np.arange(31), counts)
        drawn.append(np.subtract(numbers(one[at], v[at]), numbers(other[at], w[at])))
    names = "mean_return", "iqm_return", "q_bias", "explained_variance"
    for name, column in zip(names, np.transpose(drawn), strict=True):
        expected = tuple(np.quantile(column, [0.025, 0.975]))
        assert (found[name].low, found[name].high) == pytest.approx(expected), name


def test_what_both_share_cancels(monkeypatch):
    """Starts that are easy for both do not widen the interval, and it covers the true difference of 0.3."""
    monkeypatch.setattr(differences, "RESAMPLES", 300)
    random, covered, widths = np.random.default_rng(2), 0, []
    for _ in range(60):
        start = 10 * random.normal(size=80)
        one, other = start + random.normal(size=80) + 0.3, start + random.normal(size=80)
        found = paired_differences(Found(one, start), Found(other, start))["mean_return"]
        covered += found.low <= 0.3 <= found.high
        widths.append(found.high - found.low)
    assert 52 <= covered <= 60
    assert np.mean(widths) < 0.8  # unpaired: 2 · 1.96 · 10 √(2/80) = 6.2


def test_shares_that_differ_in_few_pairs_may_be_chance():
    """A bootstrap would call four of 512 beyond chance: it never draws pairs that did not happen."""
    all_true, few, many = np.ones(512, bool), np.ones(512, bool), np.ones(512, bool)
    few[:4], many[:12] = False, False
    assert not beyond_zero(paired_share(all_true, few))
    assert beyond_zero(paired_share(all_true, many))
    assert paired_share(all_true, many).value == pytest.approx(12 / 512)
    turned = paired_share(many, all_true)
    assert (turned.low, turned.high) == pytest.approx(
        (-paired_share(all_true, many).high, -paired_share(all_true, many).low)
    )


def test_intervals_of_shares_cover_the_truth():
    random, covered = np.random.default_rng(4), 0
    for _ in range(400):
        both = random.random(60)
        one, other = both + 0.2 * random.random(60) < 0.8, both + 0.2 * random.random(60) < 0.7
        found = paired_share(one, other)
        covered += found.low <= 0.1 <= found.high
    assert 368 <= covered <= 400  # 95 % of 400 is 380, less three standard deviations


def test_other_numbers_of_episodes_are_refused():
    one, other = Found(np.ones(4), np.ones(4)), Found(np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match="different numbers of episodes"):
        paired_differences(one, other)
