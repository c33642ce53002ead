"""Episodes as arrays: returns and lengths are those that Gymnasium's own environments give."""

from dataclasses import replace

import gymnasium
import numpy as np
import pandas as pd
import pytest

import valuescape


def played(env_id, model, start):
    """Return and length of an episode in Gymnasium's environment, and whether it terminated."""
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    env.unwrapped.state = np.array(start, np.float64)
    obs, total, length = model.observe(start), 0.0, 0
    while True:
        obs, reward, terminated, truncated, _ = env.step(model.policy(obs))
        total, length = total + float(reward), length + 1
        if terminated or truncated:
            return total, length, terminated


@pytest.mark.parametrize(
    ("env_id", "starts"),
    [
        ("Pendulum-v1", [[0.4, 0.1], [-2.0, 1.0], [3.0, -0.5]]),
        ("MountainCarContinuous-v0", [[-0.5, 0.0], [0.2, 0.01], [-1.1, 0.0]]),
        ("CartPole-v1", [[0.0, 0.1, 0.02, 0.0], [2.3, 2.0, 0.1, 1.0]]),
    ],
)
def test_episodes_from_given_states_are_gymnasiums(env_id, starts):
    model = valuescape.load(env_id)
    found = valuescape.rollouts(model, starts=starts)
    for episode, start in zip(found.episodes, starts, strict=True):
        total, length, terminated = played(env_id, model, start)
        assert episode["length"] == length
        assert episode["terminated"] == terminated
        assert episode["truncated"] == (not terminated)
        np.testing.assert_allclose(episode["return"], total, rtol=2e-3)
    np.testing.assert_allclose(found.state[found.episodes["first"]], starts, rtol=1e-6)


def test_the_arrays_are_one_story():
    model = valuescape.load("cartpole")
    found = valuescape.rollouts(model, 6, seed=2, deterministic=False, max_steps=40)
    assert len(found) == 6
    assert found.action.dtype == np.int64
    for index, episode in enumerate(found.episodes):
        part = slice(episode["first"], episode["first"] + episode["length"])
        assert (found.episode[part] == index).all()
        assert (found.step[part] == np.arange(episode["length"])).all()
        discounts = model.gamma ** np.arange(episode["length"])
        np.testing.assert_allclose(episode["return"], found.reward[part].sum())
        np.testing.assert_allclose(episode["discounted_return"], discounts @ found.reward[part], rtol=1e-6)
    np.testing.assert_allclose(found.value, model.value(found.obs), rtol=1e-5)
    np.testing.assert_allclose(found.obs, model.observe(found.state), rtol=1e-6)
    np.testing.assert_allclose(found.episodes["value"], found.value[found.episodes["first"]])
    again = valuescape.rollouts(model, 6, seed=2, deterministic=False, max_steps=40)
    assert (again.action == found.action).all()
    assert (valuescape.rollouts(model, 6, seed=3).state[0] != found.state[0]).any()


def test_the_table_has_a_column_for_each_number():
    found = valuescape.rollouts("pendulum", 2, max_steps=5)
    table = found.to_pandas()
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns[:4]) == ["episode", "step", "state angle", "state angular speed"]
    np.testing.assert_array_equal(table["action torque"], found.action[:, 0])
    assert len(table) == 10


def test_progress_can_end_the_episodes():
    told = []
    found = valuescape.rollouts("pendulum", 3, on_progress=lambda share: told.append(share) or len(told) < 5)
    assert found.episodes["length"].tolist() == [4, 4, 4]
    assert found.episodes["truncated"].all()


def test_an_environment_of_ones_own_is_a_world():
    def short_cartpole():
        return gymnasium.make("CartPole-v1", max_episode_steps=30)

    anywhere = replace(valuescape.load("cartpole").checkpoint, world="")
    found = valuescape.rollouts(valuescape.load(anywhere, world=short_cartpole), 2)
    assert found.episodes["length"].max() <= 30


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: valuescape.rollouts("pendulum", 0), "episodes = 0"),
        (lambda: valuescape.rollouts("pendulum", 2.5), "whole number"),
        (lambda: valuescape.rollouts("pendulum", starts=[[1.0]]), "angle, angular speed"),
        (lambda: valuescape.rollouts("pendulum", starts=np.empty((0, 2))), "at least one"),
        (lambda: valuescape.rollouts("flock"), "at random"),
    ],
)
def test_what_cannot_be_is_told(ask, said):
    with pytest.raises(valuescape.UsageError, match=said):
        ask()
