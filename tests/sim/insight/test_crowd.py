"""A crowd's judgement of the critic, in worlds whose values have a closed form."""

from dataclasses import replace

import numpy as np
import pytest
from crowd_rows import crowd_rows
from networks import random_mlp
from sample_checkpoints import tqc_checkpoint
from small_worlds import Chain, always_on, chain_values

from valuescape.sim.insight.crowd import JUDGED_EPISODES, MOST_AGENTS, Crowd, sample_of
from valuescape.sim.insight.following import FollowRules
from valuescape.sim.insight.plane import own_plane
from valuescape.sim.insight.signals import Critic
from valuescape.sim.policy.network import Activation, CriticKind
from valuescape.sim.worlds import make_world

GAMMA, AGENTS, CHUNK, EDGE = 0.9, 60, 32, 10


def wanders(share):
    """Actions of the chain: a share of them drawn, the others on."""

    def act(state, random):
        drawn = random.random(state.shape[1]) < share
        return np.where(drawn, random.integers(0, 2, state.shape[1]), 1)[None]

    return act


def chain_critic(values, gamma=GAMMA):
    """A critic that knows the value of each place."""
    return Critic(lambda obs: values.astype(np.float32)[np.clip(obs[0].astype(int), 0, 9)], gamma)


def judged(values, share=0.0, ticks=500, gamma=GAMMA, rules=None):
    """Return the last look, and the numbers, of a crowd on the chain."""
    world = Chain()
    rules = rules or FollowRules(gamma, world.max_episode_steps)
    crowd = Crowd(own_plane(world), chain_critic(values, gamma), rules, AGENTS, CHUNK, EDGE)
    state, reward, ending = crowd_rows(world, AGENTS, ticks, wanders(share))
    for tick in range(0, ticks, CHUNK):
        part = slice(tick, tick + CHUNK)
        look = crowd.take(tick, state[part], reward[part], ending[part])
    return look, crowd.numbers()


def by_place(cells):
    """Return the means by the chain's places; its second variable is drawn anew at each start."""
    return np.nansum(cells.mean * cells.count, axis=0) / cells.count.sum(axis=0)


def test_a_right_critic_is_found_right():
    look, numbers = judged(chain_values(0, GAMMA))
    found = {name: estimate.value for name, estimate in numbers.estimates.items()}
    assert found["q_bias"] == pytest.approx(0, abs=1e-6)
    assert found["explained_variance"] == pytest.approx(1)
    assert found["mean_abs_td_error"] == pytest.approx(0, abs=1e-6)
    assert found["start_value_realised"] == pytest.approx(chain_values(0, GAMMA)[0], abs=1e-6)
    assert found["mean_return"] == pytest.approx(-8)
    assert (found["mean_length"], found["share_terminated"], found["share_truncated"]) == (10, 1, 0)
    assert (numbers.bootstrapped, numbers.left_out) == (0, 0)
    assert numbers.steps == 10 * numbers.episodes
    assert look.episodes == numbers.seen > AGENTS
    assert np.nanmax(np.abs(look.realised_error.mean)) < 1e-5


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_right_critic_of_random_agents_is_right_within_its_interval(share):
    """Where much is chance, many episodes are cut off, and the critic's value stands for the rest."""
    look, numbers = judged(chain_values(share, GAMMA), share, ticks=900)
    for name in ("q_bias", "mean_td_error"):
        estimate = numbers.estimates[name]
        assert estimate.low - 0.02 < 0 < estimate.high + 0.02, name
        assert estimate.high - estimate.low < 0.4
    promised, got = (numbers.estimates[f"start_value_{which}"] for which in ("predicted", "realised"))
    assert got.low < promised.value < got.high
    assert np.abs(by_place(look.realised_error)).max() < 0.3


def test_a_planted_bias_is_found_where_it_is():
    values = chain_values(0.3, GAMMA)
    _, right = judged(values, 0.3, ticks=300)
    values[4:6] += 3
    look, numbers = judged(values, 0.3, ticks=300)
    assert numbers.episodes == numbers.seen
    cells = look.realised_error
    assert by_place(cells)[4:6] == pytest.approx(3, abs=0.4)
    assert np.abs(np.delete(by_place(cells), [4, 5])).max() < 0.4
    assert cells.certain[:, 4:6][cells.count[:, 4:6] > 20].all()
    planted = 3 * cells.count[:, 4:6].sum() / cells.count.sum()
    bias, before = numbers.estimates["q_bias"], right.estimates["q_bias"]
    assert bias.value - before.value == pytest.approx(planted, abs=0.01)
    assert before.low < 0 < before.high
    assert bias.low > 0.3


def test_a_td_error_shows_the_edges_of_a_bias_and_not_the_bias():
    """A constant error is nearly invisible to it: r + gamma (V' + b) - (V + b) is (gamma - 1) b."""
    look, numbers = judged(chain_values(0, GAMMA) + 5)
    assert numbers.estimates["q_bias"].value == pytest.approx(5, abs=1e-5)
    td_error = look.td_error.mean[:, :9]
    assert td_error[~np.isnan(td_error)] == pytest.approx((GAMMA - 1) * 5, abs=1e-5)


def test_truncated_episodes_end_in_the_critic_s_value():
    """The pendulum's never terminate: of each the last step's error is that of one step."""
    world = make_world("pendulum")
    critic = Critic(lambda obs: 10 * obs[0] + 3, GAMMA)
    rules = FollowRules(GAMMA, world.max_episode_steps)
    crowd = Crowd(own_plane(world), critic, rules, 8, 256)
    rows = crowd_rows(world, 8, 256, lambda state, random: random.uniform(-2, 2, (1, state.shape[1])))
    crowd.take(0, *rows)
    numbers = crowd.numbers()
    assert numbers.estimates["share_truncated"].value == 1
    assert numbers.estimates["mean_length"].value == 200
    assert numbers.episodes == 8
    assert numbers.bootstrapped == pytest.approx(65 / 200)  # 0.9 ** 65 is the last above 0.001
    state, reward, _ = rows
    value = 10 * np.cos(state[:, 0]) + 3
    got = sum(GAMMA**step * reward[step + 1].astype(float) for step in range(200)) + GAMMA**200 * value[200]
    assert numbers.estimates["start_value_realised"].value == pytest.approx(got.mean(), rel=1e-4)


def test_long_episodes_are_judged_in_parts():
    """As many steps; no number is about whole episodes."""
    _, numbers = judged(chain_values(0.8, GAMMA), 0.8, ticks=900, rules=FollowRules(GAMMA, 44, 22))
    assert not numbers.whole
    assert "mean_return" not in numbers.estimates
    assert abs(numbers.estimates["q_bias"].value) < 0.2
    assert numbers.estimates["start_value_realised"].value == pytest.approx(
        chain_values(0.8, GAMMA)[0], abs=0.5
    )


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = chain_values(0, GAMMA)
    values[3] = np.nan
    look, numbers = judged(values)
    assert numbers.left_out == numbers.episodes
    assert numbers.estimates["q_bias"].value == pytest.approx(0, abs=1e-6)
    assert np.isnan(look.realised_error.mean[:, 3]).all()


def test_before_the_first_episode_there_are_no_numbers():
    look, numbers = judged(chain_values(0, GAMMA), ticks=64)
    assert (look.episodes, numbers.episodes, numbers.steps) == (0, 0, 0)
    assert np.isnan(numbers.estimates["q_bias"].value)
    assert np.isnan(look.realised_error.mean).all()


def test_numbers_are_of_the_newest_episodes_maps_of_all(monkeypatch):
    monkeypatch.setattr("valuescape.sim.insight.crowd.JUDGED_EPISODES", 100)
    look, numbers = judged(chain_values(0, GAMMA))
    assert numbers.episodes == 100
    assert look.realised_error.count.sum() == 10 * numbers.seen > 1000


def test_fewer_agents_are_followed_where_a_value_takes_more():
    rules, small = FollowRules(0.99, 200), always_on()
    assert sample_of(70, rules, 32, 60, small) == slice(0, 70, 1)
    assert len(range(*sample_of(10**6, rules, 32, 60, small).indices(10**6))) <= MOST_AGENTS
    large = random_mlp((2, 256, 256, 2), Activation.RELU)
    wide = replace(small, critics=(large,))
    counts = [len(range(*sample_of(10**4, rules, 32, speed, wide).indices(10**4))) for speed in (60, 600)]
    assert 100 < counts[0] < 400
    assert counts[1] == pytest.approx(counts[0] / 10, abs=2)
    no_actor = replace(tqc_checkpoint(), critic_kind=CriticKind.STATE_VALUE)
    fewer, more = (
        len(range(*sample_of(10**6, rules, 32, 6000, each).indices(10**6)))
        for each in (tqc_checkpoint(), no_actor)
    )
    assert fewer < more  # critics of actions need the actor's first
    endless = FollowRules(0.9999, 10**5, 5 * 10**4)
    assert len(range(*sample_of(10**4, endless, 32, 60, small).indices(10**4))) <= 20
    assert JUDGED_EPISODES > 100
