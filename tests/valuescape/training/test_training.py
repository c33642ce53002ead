"""Training: the environment that a learner sees, and the checkpoint that it makes."""

import builtins
import runpy
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from valuescape.envs.world_env import WorldEnv
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.loading import load_checkpoint
from valuescape.sim.worlds import WORLDS, make_world
from valuescape.training.evaluate import evaluate, evaluate_checkpoint
from valuescape.training.train import ALGORITHMS, TrainingError, make_model, train, world_to_train_in

SHIPPED = sorted((Path(__file__).parents[3] / "configs" / "checkpoints").glob("*.safetensors"))


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_a_sound_environment(name):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*WARN: A Box observation space.*infinity")
        warnings.filterwarnings("ignore", ".*WARN: For Box action spaces, we recommend")
        warnings.filterwarnings("ignore", ".*WARN: Not able to test alternative render modes")
        check_env(WorldEnv(make_world(name)))


def test_an_environment_is_truncated_after_the_world_s_steps():
    environment = WorldEnv(make_world("pendulum"))
    environment.reset(seed=0)
    ends = [environment.step(environment.action_space.sample())[2:4] for _ in range(200)]
    assert ends == [(False, False)] * 199 + [(False, True)]


def test_an_environment_follows_gymnasium_s():
    ours, theirs = WorldEnv(make_world("mountain_car")), gymnasium.make("MountainCar-v0")
    theirs.reset(seed=0)
    obs, _ = ours.reset(seed=0)
    theirs.unwrapped.state = tuple(obs)
    for action in (0, 1, 2, 2, 0):
        np.testing.assert_allclose(ours.step(np.int64(action))[0], theirs.step(action)[0], atol=1e-6)


def test_returns_and_ends_are_counted_per_episode():
    world = make_world("mountain_car")
    result = evaluate(world, lambda obs: 1 + np.sign(obs[1:]), 50, seed=0)
    assert result.terminated == 1
    assert result.mean_return == -result.mean_length
    assert result.episodes == 50
    still = evaluate(world, lambda obs: np.ones_like(obs[:1]), 50, seed=0)
    assert (still.mean_return, still.std_return, still.terminated) == (-200, 0, 0)


@pytest.mark.parametrize(
    ("world", "algorithm"),
    [
        ("pendulum", "sac"),
        ("mountain_car", "dqn"),
        ("gymnasium:Pendulum-v1", "sac"),
    ],
)
def test_training_writes_a_checkpoint_that_loads(world, algorithm, tmp_path):
    out = tmp_path / "a.safetensors"
    made = train(make_world(world), algorithm, out, timesteps=120, seed=3, command="valuescape train …")
    loaded = load_checkpoint(out, make_world(world))
    assert loaded.training == made.training
    assert (loaded.algorithm, loaded.world) == (algorithm, world)
    episodes = 10 if world.startswith("gymnasium:") else 100
    assert (loaded.training.seed, loaded.training.timesteps, loaded.training.episodes) == (3, 120, episodes)
    assert (loaded.training.mean_return > 0) == ("CartPole" in world)
    assert out.stat().st_size < 200_000


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_checkpoint_is_as_good_as_it_says(path):
    world = make_world(path.stem)
    checkpoint = load_checkpoint(path, world)
    training = checkpoint.training
    result = evaluate_checkpoint(checkpoint, world, training.episodes, training.seed + 2)
    assert result.mean_return == pytest.approx(training.mean_return, rel=0.02)
    assert training.command.startswith(f"valuescape train {world.name} --algo {checkpoint.algorithm} ")
    assert path.stat().st_size < 200_000


def test_at_least_three_worlds_have_a_shipped_checkpoint():
    shipped = {path.stem for path in SHIPPED}
    assert {"point_mass", "mountain_car_continuous", "pendulum"} <= shipped


def test_the_same_seed_trains_the_same_network(tmp_path):
    made = [train(make_world("pendulum"), "td3", tmp_path / "a", timesteps=110, seed=1) for _ in range(2)]
    weights = [checkpoint.actor.layers[0].weight for checkpoint in made]
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("algorithm", [name for name, kind in ALGORITHMS.items() if kind is not False])
def test_every_algorithm_can_be_made(algorithm):
    assert type(make_model(make_world("pendulum"), algorithm, 0)).__name__.lower() == algorithm


def test_an_interrupted_training_leaves_no_file(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("valuescape.training.train._BestNetworks.__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(make_world("pendulum"), "sac", tmp_path / "a.safetensors", timesteps=50)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("world", "algorithm", "message"),
    [
        ("pendulum", "dqn", "the actions of pendulum are continuous"),
        ("mountain_car", "sac", "the actions of mountain_car are discrete"),
        ("pendulum", "reinforce", "unknown"),
    ],
)
def test_an_algorithm_that_does_not_fit_is_refused(world, algorithm, message, tmp_path):
    with pytest.raises(UsageError, match=message) as caught:
        train(make_world(world), algorithm, tmp_path / "a")
    assert "choose one of" in caught.value.hint


def test_without_stable_baselines3_the_install_command_is_told(monkeypatch, tmp_path):
    find = builtins.__import__

    def without(name, *args):
        if name == "stable_baselines3":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return find(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="needs stable_baselines3") as caught:
        train(make_world("pendulum"), "sac", tmp_path / "a")
    assert "valuescape[train]" in caught.value.hint


def test_an_environment_of_gymnasium_is_trained_in_as_it_is(tmp_path, monkeypatch):
    """The environment itself is evaluated: an untrained policy keeps the pole up for 20 steps."""
    monkeypatch.setattr("valuescape.training.train.EPISODES", 8)
    world = world_to_train_in("gymnasium:CartPole-v1")
    made = train(world, "ppo", tmp_path / "pole.safetensors", timesteps=64, seed=1)
    assert made.world == "gymnasium:CartPole-v1"
    result = evaluate_checkpoint(made, world, 8, seed=3)
    assert result.mean_length == result.mean_return
    assert 8 < result.mean_length < 200
    assert result.terminated == 1
    assert evaluate_checkpoint(made, world, 8, seed=3) == result


def test_what_an_environment_raises_is_told_with_type_file_and_line(tmp_path, monkeypatch):
    world = make_world("gymnasium:CartPole-v1")
    (tmp_path / "my_env.py").write_text("def step(action):\n    return {}['nothing']\n")
    own = runpy.run_path(str(tmp_path / "my_env.py"))
    env = world.making.env()
    monkeypatch.setattr(env.unwrapped, "step", own["step"])
    monkeypatch.setattr(type(world.making), "env", lambda _: env)
    with pytest.raises(TrainingError, match=r"failed: my_env\.py line 2: KeyError: 'nothing'"):
        train(world, "ppo", tmp_path / "a.safetensors", timesteps=10)
    assert not (tmp_path / "a.safetensors").exists()


def test_agents_that_see_each_other_are_not_trained():
    with pytest.raises(UsageError, match="flock: a learner needs agents that live alone"):
        world_to_train_in("flock")
