"""Differences of mean returns, against a bootstrap and by how often the interval holds the truth."""

import numpy as np
import pytest

from valuescape.sim.insight.bootstrap import bootstrap
from valuescape.sim.insight.difference import Returns, difference, mean_return


def run(seed, agents, mean, shared=None):
    """Return made-up returns: each agent finished 1 to 5 episodes, and has a level of its own."""
    rng = np.random.default_rng(seed)
    episodes = rng.integers(1, 6, agents)
    level = rng.normal(0, 2, agents) if shared is None else shared
    return Returns(episodes, episodes * (mean + level) + rng.normal(0, 1, agents) * np.sqrt(episodes))


def test_the_interval_is_that_of_a_bootstrap_over_agents():
    one, other = run(1, 300, -20), run(2, 300, -18)

    def statistic(counts):
        means = [(counts @ each.total) / (counts @ each.episodes) for each in (one, other)]
        return np.column_stack([means[1] - means[0], means[0]])

    value, low, high = bootstrap(statistic, 300, resamples=4000, seed=0)
    apart, mean = difference(one, other), mean_return(one)
    for found, index in ((apart, 0), (mean, 1)):
        assert found.value == pytest.approx(value[index])
        assert found.high - found.low == pytest.approx(high[index] - low[index], rel=0.08)


@pytest.mark.parametrize("agents", [(40, 40), (40, 90)], ids=["paired", "unpaired"])
def test_the_interval_holds_the_truth_in_95_of_100_pairs(agents):
    held = 0
    for seed in range(600):
        found = difference(run(3 * seed, agents[0], 5), run(3 * seed + 1, agents[1], 6.5))
        held += found.low <= 1.5 <= found.high
    assert 0.92 <= held / 600 <= 0.98


def test_what_both_sides_have_in_common_cancels():
    level = np.random.default_rng(9).normal(0, 2, 200)
    together = difference(run(1, 200, 5, level), run(2, 200, 6, level))
    apart = difference(run(1, 200, 5), run(2, 200, 6))
    assert together.high - together.low < 0.7 * (apart.high - apart.low)


def test_nothing_is_claimed_without_episodes_or_with_one_agent():
    nothing, one = Returns([0, 0], [0.0, 0.0]), Returns([3], [9.0])
    assert np.isnan(difference(nothing, one).value)
    assert mean_return(one).value == 3
    assert np.isnan(mean_return(one).low)
