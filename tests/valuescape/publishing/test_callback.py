"""`ValuescapeCallback` with models of Stable-Baselines3 and SB3-Contrib, against what they save."""

import os

import gymnasium
import numpy as np
import pytest
import sb3_contrib
import stable_baselines3
import torch
from gymnasium.wrappers import RescaleAction
from safetensors import safe_open
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize
from torch import nn

import valuescape
from valuescape.envs.world_env import WorldEnv
from valuescape.publishing import place
from valuescape.publishing.subscription import Subscription
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.formats.native import tensors_of
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.formats.vecnormalize import read_statistics
from valuescape.sim.worlds import make_world

NAME = f"callback-{os.getpid()}"
EARLY = {"learning_starts": 20}
CASES = {
    "PPO": ("Pendulum-v1", {"n_steps": 32, "batch_size": 32}),
    "PPO gSDE": ("Pendulum-v1", {"n_steps": 32, "batch_size": 32, "use_sde": True}),
    "A2C": ("CartPole-v1", {}),
    "SAC": ("Pendulum-v1", EARLY),
    "SAC gSDE": ("Pendulum-v1", {"use_sde": True, "ent_coef": 0.1} | EARLY),
    "TD3": ("Pendulum-v1", EARLY),
    "DDPG": ("Pendulum-v1", EARLY),
    "DQN": ("CartPole-v1", EARLY),
    "TRPO": ("Pendulum-v1", {"n_steps": 32, "batch_size": 32}),
    "TQC": ("Pendulum-v1", EARLY),
    "QRDQN": ("CartPole-v1", EARLY),
}


@pytest.fixture(autouse=True)
def _one_thread():
    """Networks this small only wait for more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Watch(BaseCallback):
    """Subscribes to the run as soon as it is published, as another process would."""

    def __init__(self, publishing):
        super().__init__()
        self.publishing, self.subscription = publishing, None

    def _on_step(self):
        if self.subscription is None:
            self.subscription = Subscription(self.publishing.run.name)
        return True


def model_of(case, env):
    name, (_, settings) = case.split()[0], CASES[case]
    library = stable_baselines3 if hasattr(stable_baselines3, name) else sb3_contrib
    policy_kwargs = {"net_arch": [12, 12], "activation_fn": nn.ELU}
    return getattr(library, name)("MlpPolicy", env, policy_kwargs=policy_kwargs, device="cpu", **settings)


def last_update(model, callback, steps):
    """Learn, and return the last update that a viewer reads, and how the run ended."""
    watch = Watch(callback)
    model.learn(steps, callback=[callback, watch])
    with watch.subscription as subscription:
        return subscription.newest(), subscription.state


@pytest.mark.parametrize("case", CASES)
def test_the_last_update_is_what_the_model_saves(case, tmp_path):
    env = make_vec_env(CASES[case][0], 1)
    normalized = case in ("PPO", "SAC")
    model = model_of(case, VecNormalize(env) if normalized else env)
    update, state = last_update(model, valuescape.ValuescapeCallback(NAME, history=None, quiet=True), 40)
    model.save(tmp_path / "model.zip")
    saved = load_sb3(tmp_path / "model.zip")
    found = tensors_of(update.checkpoint, tmp_path)
    for name, tensor in tensors_of(saved, tmp_path).items():
        assert np.array_equal(found[name], tensor), name
    assert (update.step, state) == (model.num_timesteps, "finished")
    assert update.checkpoint.algorithm == saved.algorithm
    assert update.checkpoint.gamma == saved.gamma
    assert update.checkpoint.entropy_coefficient == pytest.approx(saved.entropy_coefficient)
    if normalized:
        model.get_vec_normalize_env().save(tmp_path / "vecnormalize.pkl")
        statistics = read_statistics(tmp_path / "vecnormalize.pkl")
        assert np.array_equal(update.checkpoint.obs_normalization.std, statistics.obs.std)
        assert update.checkpoint.reward_normalization == statistics.reward


def test_every_and_the_returns_of_episodes(tmp_path):
    """In an environment of this program's, by the name that it has."""
    world = WorldEnv(make_world("pendulum"))
    model = stable_baselines3.PPO("MlpPolicy", world, n_steps=256, batch_size=64, n_epochs=1, device="cpu")
    callback = valuescape.ValuescapeCallback(every=100, history=tmp_path, quiet=True)
    update, _ = last_update(model, callback, 300)
    assert update.numbers["mean_length"] == 200
    assert update.numbers["mean_return"] == pytest.approx(
        np.mean([each["r"] for each in model.ep_info_buffer])
    )
    assert callback.run is None
    assert not place.path_of("ppo-pendulum").exists()
    assert len(list(tmp_path.glob("*.safetensors"))) >= 1


class Interrupted(BaseCallback):
    def _on_step(self):
        raise KeyboardInterrupt


def test_models_at_once_get_names_of_their_own_and_an_interrupted_one_gives_way(tmp_path):
    """An interrupted `learn` leaves a callback that nobody can close: a traceback keeps it."""
    with valuescape.publish("a2c-cartpole", world="cartpole", history=None, quiet=True):
        kept = []
        for _ in range(2):
            model = stable_baselines3.A2C("MlpPolicy", "CartPole-v1", device="cpu")
            kept.append(valuescape.ValuescapeCallback(world="cartpole", history=tmp_path, quiet=True))
            with pytest.raises(KeyboardInterrupt):
                model.learn(10, callback=[kept[-1], Interrupted()])
            assert kept[-1].run.name == "a2c-cartpole-2"
        with Subscription("a2c-cartpole-2") as subscription:
            assert subscription.newest().step == 0
        kept[-1].run.close()
    with safe_open(next(tmp_path.glob("*.safetensors")), "numpy") as file:
        assert file.metadata()["numbers"] == "{}"


def test_a_policy_that_is_not_read_is_refused_by_name():
    model = stable_baselines3.PPO(
        "MlpPolicy", "Pendulum-v1", n_steps=8, batch_size=8, policy_kwargs={"activation_fn": nn.Softplus}
    )
    callback = valuescape.ValuescapeCallback(NAME, history=None, quiet=True)
    with pytest.raises(UsageError, match=r"activation_fn is .*Softplus"):
        model.learn(8, callback=callback)
    callback.run.close()


SMALL = {"n_steps": 8, "batch_size": 8, "device": "cpu"}


@pytest.mark.parametrize(
    ("env", "world", "said"),
    [
        (lambda: RescaleAction(gymnasium.make("Pendulum-v1"), -1, 1), None, "wrapped in RescaleAction"),
        (lambda: VecFrameStack(make_vec_env("CartPole-v1", 1), 4), None, "wrapped in VecFrameStack"),
        (lambda: VecFrameStack(make_vec_env("CartPole-v1", 1), 4), "cartpole", "takes 16 observations"),
    ],
    ids=["of the environment", "of the vector", "stated"],
)
def test_a_wrapper_that_viewers_do_not_know_is_refused(env, world, said):
    model = stable_baselines3.PPO("MlpPolicy", env(), **SMALL)
    callback = valuescape.ValuescapeCallback(NAME, world=world, history=None, quiet=True)
    with pytest.raises(UsageError, match=said):
        model.learn(8, callback=callback)
    if callback.run is not None:
        callback.run.close()


def test_vecnormalize_of_rewards_alone_has_no_statistics_of_observations():
    """In updates, and in `load` of a model that has learned too little for its returns to tell its units."""
    model = stable_baselines3.PPO(
        "MlpPolicy", VecNormalize(make_vec_env("Pendulum-v1", 1), norm_obs=False), **SMALL
    )
    update, _ = last_update(model, valuescape.ValuescapeCallback(NAME, history=None, quiet=True), 16)
    assert update.checkpoint.obs_normalization is None
    statistics = model.get_vec_normalize_env()
    assert update.checkpoint.reward_normalization.variance == statistics.ret_rms.var
    for divided in (True, False):
        statistics.norm_reward = divided
        checkpoint = valuescape.load(model).checkpoint
        assert (checkpoint.reward_normalization is not None) == divided
