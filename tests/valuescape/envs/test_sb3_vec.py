"""The crowd as Stable-Baselines3's VecEnv, side by side with DummyVecEnv."""

import warnings

import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

import valuescape
from valuescape.envs.sb3_vec import SB3VecEnv
from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import WORLDS, make_world

ENVS = 6


@pytest.fixture
def crowd():
    """An SB3VecEnv of a world, closed afterwards."""
    made = []

    def crowd(name, **options):
        vec = valuescape.make_vec(name, ENVS, 0, 1, autoreset_mode="SameStep", **options)
        made.append(SB3VecEnv(vec))
        return made[-1]

    yield crowd
    for venv in made:
        venv.close()


def states_of(venv):
    """The states of the newest tick, [state_dim, num_envs]."""
    return venv.vec.engine.row("state", venv.vec.engine.newest_tick)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("name", ["cartpole", "pendulum"])
def test_it_does_as_dummy_vec_env(crowd, monkeypatch, name, copy):
    """Both begin every episode in the same state; 120 steps, in episodes of at most 25."""
    monkeypatch.setattr(WORLDS[name], "max_episode_steps", 25)
    ours, theirs = crowd(name, copy=copy), DummyVecEnv([lambda: WorldEnv(make_world(name))] * ENVS)
    ours.reset()
    theirs.reset()
    rng, ended = np.random.default_rng(0), np.ones(ENVS, bool)
    truncated = terminated = 0
    for _ in range(120):
        state = states_of(ours)
        for env in np.flatnonzero(ended):
            theirs.envs[env].unwrapped._state = state[:, env : env + 1].copy()
        actions = (
            rng.integers(2, size=ENVS) if name == "cartpole" else rng.uniform(-2, 2, (ENVS, 1)).astype("f4")
        )
        obs, rewards, dones, infos = ours.step(actions)
        their_obs, their_rewards, their_dones, their_infos = theirs.step(actions)
        np.testing.assert_array_equal(dones, their_dones)
        np.testing.assert_allclose(rewards, their_rewards, rtol=1e-6)
        np.testing.assert_array_equal(obs[~dones], their_obs[~dones])
        assert rewards.dtype == their_rewards.dtype
        for info, their_info in zip(infos, their_infos, strict=True):
            assert info.keys() == their_info.keys()
            assert info["TimeLimit.truncated"] == their_info["TimeLimit.truncated"]
            if "terminal_observation" in info:
                np.testing.assert_array_equal(
                    info["terminal_observation"], their_info["terminal_observation"]
                )
        ended = dones
        truncated += sum(info["TimeLimit.truncated"] for info in infos)
        terminated += sum(dones) - sum(info["TimeLimit.truncated"] for info in infos)
    assert truncated
    assert terminated or name == "pendulum"


@pytest.mark.parametrize("copy", [True, False])
def test_ppo_learns_in_it(crowd, copy):
    venv = VecMonitor(crowd("cartpole", copy=copy))
    model = PPO(
        "MlpPolicy", venv, n_steps=256, n_epochs=2, policy_kwargs={"net_arch": [8]}, seed=0, device="cpu"
    )
    model.learn(2048 * 2)
    assert model.num_timesteps >= 2048 * 2
    episodes = list(model.ep_info_buffer)
    assert len(episodes) > 20
    assert all(episode["r"] == episode["l"] > 0 for episode in episodes)  # a reward of 1 a step


def test_seeds_are_used_once_and_each_environment_has_its_own(crowd):
    """As DummyVecEnv's: numbers from the given one on, for the next reset."""
    venv = crowd("pendulum")
    assert list(venv.seed(9)) == list(DummyVecEnv([lambda: WorldEnv(make_world("pendulum"))] * ENVS).seed(9))
    first, second = venv.reset(), venv.reset()
    assert (first != second).any()
    venv.seed(9)
    np.testing.assert_array_equal(venv.reset(), first)
    venv.seed(10)
    np.testing.assert_array_equal(venv.reset()[:-1], first[1:])


def test_it_answers_for_all_environments_at_once(crowd):
    venv = crowd("pendulum")
    assert venv.render_mode is None
    assert venv.get_attr("num_envs") == [ENVS] * ENVS
    assert venv.get_attr("num_envs", [1, 2]) == [ENVS] * 2
    assert venv.env_is_wrapped(VecMonitor, 0) == [False]
    assert not venv.has_attr("nothing_like_that")
    assert venv.env_method("reset", seed=1)[0] is not None
    venv.set_attr("note", "here")
    assert venv.vec.note == "here"
    venv.reset()
    np.testing.assert_array_equal(venv.get_attr("state", [1, 2]), states_of(venv)[:, 1:3].T)
    with pytest.raises(ValueError, match="world file"):
        venv.set_attr("step_s", 1.0)
    for call in (lambda: venv.env_method("reset", indices=0), lambda: venv.set_attr("note", 1, [0, 1])):
        with pytest.raises(ValueError, match="all of them or none"):
            call()


def test_options_are_for_the_next_reset_of_all(crowd):
    venv = crowd("cartpole")
    venv.set_options({"low": 1.0, "high": 2.0})
    assert (venv.reset() >= 1).all()
    assert (np.abs(venv.reset()) <= 0.05).all()
    venv.set_options([{"low": 1.0}] + [{}] * (ENVS - 1))
    with pytest.raises(ValueError, match="the same for all"):
        venv.reset()
    venv.set_options({"gravity": 1.0})
    with pytest.raises(ValueError, match="gravity"):
        venv.reset()


def test_images_are_one_of_the_crowd(crowd):
    venv = crowd("cartpole", render_mode="rgb_array")
    venv.reset()
    (image,) = venv.get_images()
    assert venv.render_mode == "rgb_array"
    np.testing.assert_array_equal(venv.render("rgb_array"), image)


def test_without_render_mode_it_warns_as_dummy_vec_env(crowd):
    venv = crowd("cartpole")
    with pytest.warns(UserWarning, match="no images"):
        assert venv.get_images() == [None] * ENVS
    with pytest.warns(UserWarning, match="render_mode"):
        assert venv.render() is None


def test_evaluation_finds_the_monitor_that_lies_around_the_crowd(crowd):
    """No environment is wrapped; Stable-Baselines3 warns of that unless a VecMonitor is around the crowd."""
    venv = crowd("cartpole")
    model = PPO("MlpPolicy", venv, n_steps=8, batch_size=48, seed=0, device="cpu")
    assert venv.env_is_wrapped(Monitor, [0, 2]) == [False, False]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, _ = evaluate_policy(model, VecMonitor(venv), n_eval_episodes=6)
    assert mean > 1
    with pytest.warns(UserWarning, match="not wrapped with a ``Monitor``"):
        evaluate_policy(model, venv, n_eval_episodes=1)


def test_it_needs_resets_in_the_same_step():
    vec = valuescape.make_vec("pendulum", 2, 0)
    with pytest.raises(UsageError, match="SameStep"):
        SB3VecEnv(vec)
    vec.close()
