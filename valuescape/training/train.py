"""Trains an actor and its critic in a world; Stable-Baselines3 does the learning."""

import copy
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError, ValuescapeError
from valuescape.sim.policy.formats.native import check_writable, save
from valuescape.sim.policy.formats.sb3 import load_sb3
from valuescape.sim.policy.network import Checkpoint, Training
from valuescape.sim.worlds import ArrayWorld, ContinuousAction, World, make_world
from valuescape.sim.worlds.base import MultiDiscreteAction
from valuescape.sim.worlds.gym_making import told
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld
from valuescape.training.evaluate import Evaluation, evaluate, evaluate_checkpoint

EPISODES = 100
"""Episodes of an evaluation."""

_EPISODES_OF_GYMNASIUM = 10
"""Episodes of an evaluation in an environment of Gymnasium's, which is slower."""

_EVALUATIONS = 20
"""Evaluations during a training, evenly spaced."""

ALGORITHMS: dict[str, bool | None] = {
    "sac": True,
    "td3": True,
    "ddpg": True,
    "dqn": False,
    "ppo": None,
    "a2c": None,
}
"""The algorithms by name, with the actions that they can choose: continuous (True), discrete (False), or
both (None)."""

_TIMESTEPS = {"sac": 50_000, "td3": 50_000, "ddpg": 50_000, "dqn": 120_000, "ppo": 300_000, "a2c": 500_000}
"""Steps of the environment that a training takes by default."""

# RL Baselines3 Zoo's tuned settings are the starting points. All networks are 64-64 unless stated.
# `timesteps` and `noise` (standard deviation of the action noise) are read here, the rest is
# Stable-Baselines3's.
_SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("pendulum", "sac"): {"timesteps": 20_000, "learning_rate": 1e-3},
    ("pendulum", "td3"): {"timesteps": 20_000, "learning_rate": 1e-3, "noise": 0.1},
    ("pendulum", "ddpg"): {"timesteps": 20_000, "learning_rate": 1e-3, "noise": 0.1},
    ("pendulum", "ppo"): {"n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.9, "learning_rate": 1e-3},
    ("mountain_car_continuous", "sac"): {
        "buffer_size": 50_000,
        "batch_size": 512,
        "ent_coef": 0.1,
        "train_freq": 32,
        "gradient_steps": 32,
        "gamma": 0.9999,
        "tau": 0.01,
        "learning_starts": 0,
        "use_sde": True,
        "policy_kwargs": {"log_std_init": -3.67},
    },
    ("mountain_car", "dqn"): {
        "learning_rate": 4e-3,
        "batch_size": 128,
        "buffer_size": 10_000,
        "learning_starts": 1000,
        "gamma": 0.98,
        "target_update_interval": 600,
        "train_freq": 16,
        "gradient_steps": 8,
        "exploration_fraction": 0.2,
        "exploration_final_eps": 0.07,
    },
    ("point_mass", "sac"): {
        "timesteps": 80_000,
        "learning_rate": 5e-4,
        "use_sde": True,
        "use_sde_at_warmup": True,
    },
}


class TrainingError(ValuescapeError):
    """An environment failed during a training."""


Report = Callable[[int, Evaluation], None]
"""Called with the timesteps done and the latest evaluation."""


def train(
    world: World,
    algorithm: str,
    out: Path,
    *,
    timesteps: int | None = None,
    seed: int = 0,
    command: str = "",
    report: Report | None = None,
) -> Checkpoint:
    """Train `algorithm` in `world`, write the checkpoint to `out` and return it.

    algorithm: a key of ALGORITHMS. timesteps: None for the default. command: recorded in the checkpoint as
    the way it was made. report: called after each evaluation. The deterministic policy is evaluated twenty
    times on the way, and the best networks of the second half are kept. The recorded mean return is that of
    100 further episodes (10 in an environment of Gymnasium's, which is slower). Nothing is written before
    the end: an interrupted training leaves no file. Raises UsageError for an unknown algorithm, for one that
    cannot act in the world, without Stable-Baselines3, and if `out` cannot be written; TrainingError, with
    file and line, for what an environment of Gymnasium's raises.
    """
    check_algorithm(world, algorithm)
    check_writable(out)
    model = make_model(world, algorithm, seed)
    total = timesteps if timesteps is not None else default_timesteps(world, algorithm)
    with _naming_the_line(world):
        best = _BestNetworks(model, world, seed + 1, total, report or _ignore)
        model.learn(total, callback=best)
        best.restore()
        checkpoint = _as_checkpoint(model)
        result = evaluate_checkpoint(checkpoint, world, episodes_to_measure(world), seed + 2)
    training = Training(command, seed, total, result.mean_return, result.std_return, result.episodes)
    checkpoint = replace(checkpoint, world=world.name, training=training)
    save(checkpoint, out)
    return checkpoint


def world_to_train_in(name: str) -> World:
    """Return the world of that name. Raises UsageError if there is none, or if no learner can be in it."""
    return require_trainable(make_world(name))


def require_trainable(world: World) -> World:
    """Return `world` itself. Raises UsageError if an agent of it cannot be alone, as a learner's is."""
    if isinstance(world, GymnasiumWorld) and not world.making.has_single:
        raise UsageError(
            f"{world.name}: a learner here steps one environment, and this is vectorised",
            "train it yourself, and look at the checkpoint with `valuescape run`",
        )
    if not can_train_in(world):
        raise UsageError(f"{world.name}: a learner needs agents that live alone", "these see each other")
    return world


def can_train_in(world: World) -> bool:
    """Return whether an agent of the world can be alone, as a learner's is."""
    return isinstance(world, ArrayWorld | GymnasiumWorld)


def episodes_to_measure(world: World) -> int:
    """Return the number of episodes of an evaluation in `world`."""
    return EPISODES if isinstance(world, ArrayWorld) else _EPISODES_OF_GYMNASIUM


def check_algorithm(world: World, algorithm: str) -> None:
    """Raise UsageError unless `algorithm` is known and can act in `world`."""
    if algorithm not in ALGORITHMS:
        raise UsageError(f"--algo {algorithm}: unknown", f"choose one of {', '.join(ALGORITHMS)}")
    continuous = isinstance(world.action, ContinuousAction)
    several = isinstance(world.action, MultiDiscreteAction)
    if ALGORITHMS[algorithm] is not None and (several or ALGORITHMS[algorithm] != continuous):
        kind = "continuous" if continuous else "several choices" if several else "discrete"
        fits = (None,) if several else (None, continuous)
        fitting = [name for name, kind in ALGORITHMS.items() if kind in fits]
        raise UsageError(
            f"--algo {algorithm}: the actions of {world.name} are {kind}",
            f"choose one of {', '.join(fitting)}",
        )


def default_timesteps(world: World, algorithm: str) -> int:
    """Return the default number of timesteps: the world's own setting, or the algorithm's."""
    timesteps: int = _SETTINGS.get((world.name, algorithm), {}).get("timesteps", _TIMESTEPS[algorithm])
    return timesteps


def make_model(world: World, algorithm: str, seed: int) -> Any:
    """Return an untrained Stable-Baselines3 model in one environment of `world`; torch gets one CPU thread.

    Raises UsageError if the optional extra `train` is not installed.
    """
    try:
        import stable_baselines3
        import torch

        env = _environment(world)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"valuescape train needs {error.name}, which is not installed",
            "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
        ) from error
    torch.set_num_threads(1)  # networks this small run no faster on more
    settings = copy.deepcopy(_SETTINGS.get((world.name, algorithm), {}))
    settings.pop("timesteps", None)
    policy_kwargs = {"net_arch": [64, 64]} | settings.pop("policy_kwargs", {})
    if "noise" in settings:
        settings["action_noise"] = _noise(world, settings.pop("noise"))
    make = getattr(stable_baselines3, algorithm.upper())
    return make("MlpPolicy", env, seed=seed, device="cpu", policy_kwargs=policy_kwargs, **settings)


def _environment(world: World) -> Any:
    import gymnasium

    from valuescape.envs.world_env import WorldEnv

    if isinstance(world, GymnasiumWorld):
        env = world.making.env()
        plain = isinstance(env.observation_space, gymnasium.spaces.Box)
        return env if plain else gymnasium.wrappers.FlattenObservation(env)
    assert isinstance(world, ArrayWorld)
    return WorldEnv(world)


def _noise(world: World, sigma: float) -> Any:
    from stable_baselines3.common.noise import NormalActionNoise

    return NormalActionNoise(np.zeros(world.action.dim), np.full(world.action.dim, sigma))


class _BestNetworks:
    """Stable-Baselines3's callback: evaluates at intervals, keeps the best networks of the second half."""

    def __init__(self, model: Any, world: World, seed: int, timesteps: int, report: Report) -> None:
        self._model, self._world, self._seed, self._report = model, world, seed, report
        self._timesteps = timesteps
        self._interval = max(timesteps // _EVALUATIONS, 1)
        self._due = self._interval
        self._best_return = -np.inf
        self._best: dict[str, Any] = {}

    def __call__(self, _locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        """Evaluate if it is time; called after every step of the environment. Returns True: go on."""
        done = self._model.num_timesteps
        if done >= self._due:
            self._due += self._interval
            result = evaluate(self._world, self._act, episodes_to_measure(self._world), self._seed)
            self._report(done, result)
            # Critics of the first half have seen too little, however good their actor is.
            if 2 * done >= self._timesteps and result.mean_return >= self._best_return:
                self._best_return = result.mean_return
                self._best = copy.deepcopy(self._model.policy.state_dict())
        return True

    def restore(self) -> None:
        """Load the best networks into the model, if any were evaluated."""
        if self._best:
            self._model.policy.load_state_dict(self._best)

    def _act(self, obs: Float32Array) -> Float32Array:
        rows = obs.T.reshape(-1, *self._model.observation_space.shape)
        action, _ = self._model.predict(rows, deterministic=True)
        columns: Float32Array = np.asarray(action, np.float32).reshape(obs.shape[1], -1).T
        return columns


def _as_checkpoint(model: Any) -> Checkpoint:
    """Return the model as a checkpoint, read from the zip file that it saves."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.zip"
        model.save(path)
        return load_sb3(path)


@contextmanager
def _naming_the_line(world: World) -> Iterator[None]:
    """Turn what an environment of Gymnasium's raises into an error with its type, and the file and line."""
    try:
        yield
    except ValuescapeError:
        raise
    except Exception as error:
        if not isinstance(world, GymnasiumWorld):
            raise
        raise TrainingError(f"training in {world.name} failed: {told(error)}") from error


def _ignore(_done: int, _result: Evaluation) -> None:
    """Ignore the progress."""
