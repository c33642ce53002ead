"""Environments of Gymnasium to train in: Stable-Baselines3 takes them as they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.worlds import DiscreteAction
from sim.worlds.base import Float32Array
from sim.worlds.gym_results import observed_at_reset, stepped
from sim.worlds.gymnasium_world import GymnasiumWorld, make_env


def training_env(world: GymnasiumWorld) -> Any:
    """Return a new environment of `world`, whose observations are one row of numbers."""
    env = make_env(world.env_id)
    if len(env.observation_space.shape) == 1:
        return env
    from gymnasium.wrappers import FlattenObservation

    return FlattenObservation(env)


def run_episodes(
    world: GymnasiumWorld, act: Callable[[Float32Array], Float32Array], episodes: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Run an episode in each of `episodes` environments, side by side.

    act: obs [obs_dim, n] -> actions [action_dim, n], in the world's units. Returns returns, lengths and
    whether each terminated, [episodes] each.
    """
    envs = [make_env(world.env_id) for _ in range(episodes)]
    size = len(world.obs)
    starts = [observed_at_reset(env.reset(seed=seed + index), size) for index, env in enumerate(envs)]
    obs = np.stack(starts, axis=1)
    returns, lengths, terminated = np.zeros(episodes), np.zeros(episodes), np.zeros(episodes, np.bool_)
    running = np.ones(episodes, np.bool_)
    while running.any():
        actions = act(obs)
        for index in np.flatnonzero(running).tolist():
            action = _action(world, envs[index].action_space, actions[:, index])
            done = stepped(envs[index].step(action), size)
            obs[:, index] = done.obs
            returns[index] += done.reward
            lengths[index] += 1
            terminated[index] = done.terminated
            running[index] = not (done.terminated or done.truncated)
    for env in envs:
        env.close()
    return returns, lengths, terminated


def _action(world: GymnasiumWorld, space: Any, action: Float32Array) -> Any:
    if isinstance(world.action, DiscreteAction):
        return int(action[0]) + int(space.start)
    return np.clip(action, space.low, space.high).astype(space.dtype)
