"""How well a critic's values fit what its own policy gets in a world: by running some episodes."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sim.policy.inference import BatchPolicy, normalized_obs, value
from sim.policy.network import Checkpoint, Float32Array
from sim.rng import Stream, uniform
from sim.worlds.base import ArrayWorld, DiscreteAction, World
from sim.worlds.gymnasium_world import GymnasiumWorld, make_env

_EPISODES = 32
_ENVIRONMENTS = 8
_MAX_STEPS = 1000
_PATIENCE_S = 5.0
"""For environments whose steps are slow; what was seen by then is what is compared."""
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


def critic_fit(checkpoint: Checkpoint, world: World) -> CriticFit | None:
    """Return how well V fits the deterministic policy's returns over some episodes of at most 1,000 steps.

    These are 32, in environments of Gymnasium's 8. What follows a cut is V of the last state. A critic that
    learned in this world errs by a tenth to a half of the returns; one that sees other observations or counts
    in other units by about all of them. None where agents cannot live alone, or where the world fails.
    """
    try:
        with ExitStack() as owned, threadpool_limits(1, user_api="blas"):  # networks this small: more wait
            crowd = _crowd(world, owned)
            return _fit(_run(checkpoint, world, crowd), checkpoint.gamma) if crowd else None
    except Exception:  # of a world of the user's own, whose errors a worker reports better
        return None


class _Crowd(Protocol):
    """Some agents, each in its first episode; `obs` [obs_dim, n] is what they see now."""

    obs: Float32Array

    def step(self, action: Float32Array) -> tuple[Float32Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Advance all; return rewards [n], and where the episode terminated and where it was cut off.

        What it returns of episodes that are over means nothing.
        """


class _ArrayCrowd:
    def __init__(self, world: ArrayWorld) -> None:
        self._world, n = world, _EPISODES
        self._state = np.zeros((len(world.state), n), np.float32)
        world.reset(uniform(_SEED, Stream.RESET, np.arange(n), 0, 0, world.reset_draws), self._state)
        self.obs = self._observed()

    def step(self, action: Float32Array) -> tuple[Float32Array, NDArray[np.bool_], NDArray[np.bool_]]:
        n = _EPISODES
        following, reward, terminated = (
            np.zeros_like(self._state),
            np.zeros(n, np.float32),
            np.zeros(n, np.bool_),
        )
        self._world.step(self._state, action, following, reward, terminated)
        self._state = following
        self.obs = self._observed()
        return reward, terminated, np.zeros(n, np.bool_)

    def _observed(self) -> Float32Array:
        obs = np.empty((len(self._world.obs), _EPISODES), np.float32)
        self._world.observe(self._state, obs)
        return obs


class _GymnasiumCrowd:
    def __init__(self, world: GymnasiumWorld, envs: Sequence[Any]) -> None:
        self._envs = envs
        self._first = int(envs[0].action_space.start) if isinstance(world.action, DiscreteAction) else None
        self._over = np.zeros(len(envs), np.bool_)
        self.obs = np.stack(
            [np.ravel(env.reset(seed=_SEED + index)[0]) for index, env in enumerate(envs)], axis=1
        ).astype(np.float32)

    def step(self, action: Float32Array) -> tuple[Float32Array, NDArray[np.bool_], NDArray[np.bool_]]:
        n = len(self._envs)
        reward, terminated, cut = np.zeros(n, np.float32), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self.obs = self.obs.copy()
        for index in np.flatnonzero(~self._over).tolist():
            env, chosen = self._envs[index], action[:, index]
            done = int(chosen[0]) + self._first if self._first is not None else chosen
            obs, reward[index], terminated[index], cut[index], _ = env.step(done)
            self.obs[:, index] = np.ravel(obs)
        self._over |= terminated | cut
        return reward, terminated, cut


def _crowd(world: World, owned: ExitStack) -> _Crowd | None:
    if isinstance(world, ArrayWorld):
        return _ArrayCrowd(world)
    if not isinstance(world, GymnasiumWorld):
        return None
    envs = [make_env(world.env_id) for _ in range(_ENVIRONMENTS)]
    for env in envs:
        owned.callback(env.close)
    return _GymnasiumCrowd(world, envs)


@dataclass(frozen=True, slots=True)
class _Episodes:
    """What happened, each [steps, episodes]; `values` has one row more, for the last states."""

    sums: Float32Array
    """Of the actor's first layer, before its activation: [units, steps, episodes]."""
    values: Float32Array
    rewards: Float32Array
    terminated: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    """False once an episode is over."""


def _run(checkpoint: Checkpoint, world: World, crowd: _Crowd) -> _Episodes:
    n, first = crowd.obs.shape[1], checkpoint.actor.layers[0]
    policy = BatchPolicy(checkpoint, world.action, n)
    action = np.zeros((world.action.dim, n), np.float32)
    running = np.ones(n, np.bool_)
    values, rows = [value(checkpoint, crowd.obs)], []
    give_up = time.monotonic() + (np.inf if isinstance(world, ArrayWorld) else _PATIENCE_S)
    for _ in range(min(world.max_episode_steps, _MAX_STEPS)):
        sums = first.weight @ normalized_obs(checkpoint, crowd.obs) + first.bias[:, None]
        policy.act(crowd.obs, action)
        reward, terminated, cut = crowd.step(action)
        rows.append((sums, reward, terminated, cut, running.copy()))
        values.append(value(checkpoint, crowd.obs))
        running &= ~(terminated | cut)
        if not running.any() or time.monotonic() > give_up:
            break
    sums, rewards, ends, cuts, counted = (np.stack(column) for column in zip(*rows, strict=True))
    return _Episodes(sums.transpose(1, 0, 2), np.stack(values), rewards, ends, cuts, counted)


def _fit(run: _Episodes, gamma: float) -> CriticFit:
    returns = np.zeros(run.rewards.shape)
    following = run.values[-1].astype(np.float64)
    for step in reversed(range(len(returns))):
        following = np.where(run.cut[step], run.values[step + 1], following)
        following = run.rewards[step] + gamma * np.where(run.terminated[step], 0, following)
        returns[step] = following
    errors = (run.values[:-1] - returns)[run.counted]
    size = float(np.sqrt((returns[run.counted] ** 2).mean()))
    error = float(np.sqrt((errors**2).mean())) / size if size > 0 else np.inf
    spread = float(np.median(run.sums[:, run.counted].std(axis=1)))
    return CriticFit(float(run.values[0].mean()), float(returns[0].mean()), error, spread)
