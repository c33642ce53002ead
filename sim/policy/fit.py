"""How well a critic's values fit what its own policy gets in a world: by running some episodes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.policy.inference import BatchPolicy, normalized_obs, value
from sim.policy.network import Checkpoint, Float32Array
from sim.rng import Stream, uniform
from sim.worlds.base import ArrayWorld

_EPISODES = 32
_MAX_STEPS = 1000
_SEED = 7


@dataclass(frozen=True, slots=True)
class CriticFit:
    """V(s) beside the discounted returns that followed, in units of the world's rewards."""

    value: float
    """Mean V of the first states."""
    realised: float
    """Mean discounted return from them."""
    error: float
    """RMS of V - return over all steps, as a share of the returns' own RMS; inf where these are all 0."""
    spread: float
    """Of the first layer's sums over the states that were met: their deviation, the median of its units."""


@dataclass(frozen=True, slots=True)
class _Episodes:
    """What happened, each [steps, episodes]; `values` has one row more, for the last states."""

    sums: Float32Array
    """Of the actor's first layer, before its activation: [units, steps, episodes]."""
    values: NDArray[np.float64]
    rewards: NDArray[np.float64]
    goes_on: NDArray[np.bool_]
    """False where a step ended its episode by termination."""
    counted: NDArray[np.bool_]
    """False once an episode is over."""


def critic_fit(checkpoint: Checkpoint, world: ArrayWorld) -> CriticFit:
    """Return how well V fits the deterministic policy's returns over 32 episodes of at most 1,000 steps.

    What follows a cut at the end of an episode's time is V of its last state. A critic that learned in this
    world errs by a tenth to a half of the returns; one that sees other observations or counts in other units
    by about all of them.
    """
    run = _run(checkpoint, world)
    returns = np.empty_like(run.rewards)
    following = run.values[-1]
    for step in reversed(range(len(run.rewards))):
        following = run.rewards[step] + checkpoint.gamma * np.where(run.goes_on[step], following, 0)
        returns[step] = following
    errors = (run.values[:-1] - returns)[run.counted]
    size = float(np.sqrt((returns[run.counted] ** 2).mean()))
    error = float(np.sqrt((errors**2).mean())) / size if size > 0 else np.inf
    spread = float(np.median(run.sums[:, run.counted].std(axis=1)))
    return CriticFit(float(run.values[0].mean()), float(returns[0].mean()), error, spread)


def _run(checkpoint: Checkpoint, world: ArrayWorld) -> _Episodes:
    steps = min(world.max_episode_steps, _MAX_STEPS)
    first = checkpoint.actor.layers[0]
    sums = np.zeros((len(first.bias), steps, _EPISODES), np.float32)
    values, rewards = np.zeros((steps + 1, _EPISODES)), np.zeros((steps, _EPISODES))
    goes_on, counted = (np.zeros((steps, _EPISODES), np.bool_) for _ in range(2))
    policy = BatchPolicy(checkpoint, world.action, _EPISODES)
    state = np.zeros((len(world.state), _EPISODES), np.float32)
    world.reset(uniform(_SEED, Stream.RESET, np.arange(_EPISODES), 0, 0, world.reset_draws), state)
    following, action = np.zeros_like(state), np.zeros((world.action.dim, _EPISODES), np.float32)
    reward, ended = np.zeros(_EPISODES, np.float32), np.zeros(_EPISODES, np.bool_)
    running = np.ones(_EPISODES, np.bool_)
    for step in range(steps):
        obs = _observed(world, state)
        sums[:, step] = first.weight @ normalized_obs(checkpoint, obs) + first.bias[:, None]
        values[step], counted[step] = value(checkpoint, obs), running
        policy.act(obs, action)
        world.step(state, action, following, reward, ended)
        rewards[step], goes_on[step] = reward, ~ended
        running &= ~ended
        state, following = following, state
    values[steps] = value(checkpoint, _observed(world, state))
    return _Episodes(sums, values, rewards, goes_on, counted)


def _observed(world: ArrayWorld, state: Float32Array) -> Float32Array:
    obs = np.empty((len(world.obs), state.shape[1]), np.float32)
    world.observe(state, obs)
    return obs
