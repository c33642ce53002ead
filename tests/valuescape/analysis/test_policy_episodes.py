"""Episodes of a checkpoint's policy: values and returns, against closed forms and SB3's own networks."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from networks import random_mlp
from small_worlds import Chain, Regulator, always_on, chain_critic, chain_values, linear_policy
from stable_baselines3 import DQN, PPO, SAC

from valuescape.analysis.episodes import run_episodes
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.worlds import make_world


@pytest.mark.parametrize("gamma", [0.0, 0.9, 1.0])
def test_a_chain_s_returns_are_its_values(gamma):
    episodes = run_episodes(replace(always_on(), gamma=gamma), Chain(), 16, seed=3)
    place = episodes.state[:, 0]
    values = chain_values(0.0, gamma)
    started = np.floor(place[episodes.first])
    assert (started == 0).all()
    assert episodes.realised == pytest.approx(values[np.floor(place).astype(int)], abs=1e-5)
    assert episodes.lengths.tolist() == [10] * 16
    assert episodes.returns == pytest.approx(-8)
    assert episodes.terminated.all()
    assert episodes.bootstrapped == 0


def test_td_errors_are_those_of_the_values():
    checkpoint = replace(always_on(), gamma=0.9)
    episodes = run_episodes(checkpoint, Chain(), 3, seed=3)
    of_first = episodes.episode == 0
    predicted, rewards = episodes.predicted[of_first], np.full(10, -1.0)
    rewards[-1] = 1.0
    following = np.append(predicted[1:], 0)
    assert episodes.td_error[of_first] == pytest.approx(rewards + 0.9 * following - predicted, abs=1e-5)


def test_returns_go_on_beyond_the_time_limit_where_the_world_can():
    """The regulator never terminates: each of its 200 steps has a return as long as any other."""
    checkpoint = linear_policy([2.0, 3.0])
    episodes = run_episodes(checkpoint, Regulator(), 8, seed=1)
    assert episodes.lengths.tolist() == [200] * 8
    assert not episodes.terminated.any()
    assert episodes.bootstrapped == 0
    assert len(episodes.episode) == 1600
    state = episodes.state[150].astype(np.float64)
    expected, weight = 0.0, 1.0
    for _ in range(300):
        action = np.float32(-(2.0 * state[0] + 3.0 * state[1]))
        expected -= weight * (state @ state + action * action)
        state = np.array([state[0] + 0.05 * state[1], state[1] + 0.05 * action])
        weight *= 0.9
    assert episodes.realised[150] == pytest.approx(expected, rel=2e-3)


def test_an_environment_that_is_cut_off_goes_on_with_the_critic_s_value(tmp_path):
    torch.manual_seed(0)
    model = PPO("MlpPolicy", gymnasium.make("Pendulum-v1"), device="cpu", gamma=0.9)
    model.save(tmp_path / "ppo.zip")
    checkpoint = load_sb3(tmp_path / "ppo.zip")
    episodes = run_episodes(checkpoint, make_world("gymnasium:Pendulum-v1"), 2, seed=0)
    assert episodes.bootstrapped == 1
    assert episodes.lengths.tolist() == [200, 200]
    last = episodes.episode.searchsorted(0, side="right") - 1
    assert episodes.td_error[last] == pytest.approx(
        episodes.realised[last] - episodes.predicted[last], abs=1e-5
    )


@pytest.mark.parametrize(("algorithm", "env_id", "world"), [
    (DQN, "MountainCar-v0", "mountain_car"),
    (PPO, "CartPole-v1", "cartpole"),
])  # fmt: skip
def test_values_and_actions_are_sb3_s_own(tmp_path, algorithm, env_id, world):
    torch.manual_seed(1)
    model = algorithm("MlpPolicy", gymnasium.make(env_id), device="cpu")
    model.save(tmp_path / "model.zip")
    episodes = run_episodes(load_sb3(tmp_path / "model.zip"), make_world(world), 4, seed=2)
    seen = torch.as_tensor(episodes.state[:300])
    with torch.no_grad():
        values = (
            model.q_net(seen).max(dim=1).values if algorithm is DQN else model.policy.predict_values(seen)
        )
    assert episodes.predicted[:300] == pytest.approx(values.numpy().ravel(), abs=1e-5)


def test_drawn_actions_are_judged_by_their_own_q(tmp_path):
    """SAC: Q(s, a) of the action that was drawn, and soft returns; plain ones without alpha."""
    torch.manual_seed(2)
    model = SAC("MlpPolicy", gymnasium.make("Pendulum-v1"), device="cpu", gamma=0.8)
    model.save(tmp_path / "sac.zip")
    checkpoint, world = load_sb3(tmp_path / "sac.zip"), make_world("pendulum")
    soft, plain = (run_episodes(checkpoint, world, 3, seed=2, alpha=alpha) for alpha in (1.0, 0.0))
    greedy = run_episodes(checkpoint, world, 3, seed=2)
    assert np.array_equal(soft.state, plain.state)
    assert not np.array_equal(soft.state, greedy.state)
    assert np.array_equal(soft.predicted, plain.predicted)
    entropy = soft.realised - plain.realised  # of an untrained policy about 1 nat a step, 4 steps deep
    assert 0 < entropy.mean() < 10
    assert np.corrcoef(soft.td_error, plain.td_error)[0, 1] > 0.5


def test_an_interrupted_run_counts_what_is_there():
    episodes = run_episodes(always_on(), Chain(), 4, seed=0, on_step=lambda step, most: step < 3)
    assert episodes.lengths.tolist() == [3] * 4
    assert not episodes.terminated.any()
    assert episodes.interrupted == 4
    assert np.isnan(episodes.returns).all()


def test_returns_of_an_interrupted_run_go_on_with_the_critic_s_value():
    """The critic says 20 in place 3, where the run stops."""
    checkpoint, truth = chain_critic(0.0, 20.0), chain_values(0.0, 0.9)
    episodes = run_episodes(checkpoint, Chain(), 4, seed=0, on_step=lambda step, most: step < 3)
    assert episodes.bootstrapped == 1
    weight = 0.9 ** (3 - episodes.state[:, 0])
    expected = truth[episodes.state[:, 0].astype(int)] + weight * (20.0 - truth[3])
    assert episodes.realised == pytest.approx(expected, abs=1e-5)


def test_a_run_that_is_interrupted_beyond_the_limit_has_whole_episodes():
    checkpoint = linear_policy([2.0, 3.0])
    whole = run_episodes(checkpoint, Regulator(), 2, seed=1)
    episodes = run_episodes(checkpoint, Regulator(), 2, seed=1, on_step=lambda step, most: step < 230)
    assert episodes.interrupted == 0
    assert episodes.returns.tolist() == whole.returns.tolist()
    assert episodes.bootstrapped == 1


def test_returns_longer_than_a_run_may_be_go_on_with_the_critic_s_value(monkeypatch):
    """At most 20 steps beyond the limit: what follows counts an eighth, 0.9 ** 20, and V is 7 there."""
    for module in ("analysis.episodes", "sim.rollouts.rules"):
        monkeypatch.setattr(f"valuescape.{module}.LONGEST", 20)
    checkpoint = replace(linear_policy([2.0, 3.0]), critics=chain_critic(0.0, 7.0).critics)
    episodes = run_episodes(checkpoint, Regulator(), 2, seed=1)
    assert episodes.bootstrapped == 1
    assert episodes.interrupted == 0
    assert episodes.lengths.tolist() == [200, 200]
    last = np.flatnonzero(np.diff(episodes.episode, append=2))
    assert episodes.realised[last] == pytest.approx(7.0 * 0.9**21, abs=0.03)  # by then rewards are almost 0


def test_agents_that_interact_are_refused():
    checkpoint = replace(always_on(), actor=random_mlp((2, 2)))
    with pytest.raises(UsageError, match="agents cannot live alone"):
        run_episodes(checkpoint, make_world("flock"), 4, seed=0)
