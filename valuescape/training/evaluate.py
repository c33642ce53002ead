"""Evaluates a policy: returns and lengths of episodes that run side by side."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.trials import trials
from valuescape.sim.worlds import World

Act = Callable[[Float32Array], Float32Array]
"""A policy: actions [action_dim, n], in the world's units, for observations [obs_dim, n]; both float32."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Undiscounted returns, lengths in steps and the share of terminations of `episodes` episodes."""

    episodes: int
    mean_return: float
    std_return: float
    mean_length: float
    terminated: float


def evaluate(world: World, act: Act, episodes: int, seed: int) -> Evaluation:
    """Run `episodes` episodes of `act` side by side and return their statistics.

    The starts depend on `seed` alone. Each agent counts until its first episode ends. Raises ValueError if
    the world's agents see each other.
    """
    returns, lengths = np.zeros(episodes), np.zeros(episodes)
    reached, running = np.zeros(episodes, np.bool_), np.ones(episodes, np.bool_)
    with ExitStack() as owned:
        agents = trials(world, episodes, seed, owned)
        if agents is None:
            raise ValueError(f"agents of {world.name} cannot live alone")
        for _ in range(world.max_episode_steps):
            reward, terminated, cut = agents.step(act(agents.obs))
            returns += np.where(running, reward, 0)
            lengths += running
            reached |= running & terminated
            running &= ~(terminated | cut)
            if not running.any():
                break
    return Evaluation(
        episodes, float(returns.mean()), float(returns.std()), float(lengths.mean()), float(reached.mean())
    )


def evaluate_checkpoint(checkpoint: Checkpoint, world: World, episodes: int, seed: int) -> Evaluation:
    """Evaluate a checkpoint's deterministic policy, computed with NumPy as workers do."""
    policy = BatchPolicy(checkpoint, world.action, episodes)
    action = np.zeros((world.action.dim, episodes), np.float32)

    def act(obs: Float32Array) -> Float32Array:
        policy.act(obs, action)
        return action

    return evaluate(world, act, episodes, seed)
