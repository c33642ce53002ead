"""How well a critic's values fit what its own policy gets in a world: by running some episodes."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from valuescape.sim.policy.inference import BatchPolicy, normalized_obs, value
from valuescape.sim.policy.network import Checkpoint, Float32Array
from valuescape.sim.policy.trials import Trials, trials
from valuescape.sim.worlds.base import ArrayWorld, World

_EPISODES = 32
_ENVIRONMENTS = 8
_MAX_STEPS = 1000
_PATIENCE_S = 2.0
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
        # Networks this small only wait for more threads; an untrained one may drive a world out of bounds
        with ExitStack() as owned, threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
            episodes = _EPISODES if isinstance(world, ArrayWorld) else _ENVIRONMENTS
            agents = trials(world, episodes, _SEED, owned)
            return _fit(_run(checkpoint, world, agents), checkpoint.gamma) if agents else None
    except Exception:  # of a world of the user's own, whose errors a worker reports better
        return None


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


def _run(checkpoint: Checkpoint, world: World, agents: Trials) -> _Episodes:
    n, first = agents.obs.shape[1], checkpoint.actor.layers[0]
    policy = BatchPolicy(checkpoint, world.action, n)
    action = np.zeros((world.action.dim, n), np.float32)
    running = np.ones(n, np.bool_)
    values, rows = [value(checkpoint, agents.obs)], []
    give_up = time.monotonic() + (np.inf if isinstance(world, ArrayWorld) else _PATIENCE_S)
    for _ in range(min(world.max_episode_steps, _MAX_STEPS)):
        sums = first.weight @ normalized_obs(checkpoint, agents.obs) + first.bias[:, None]
        policy.act(agents.obs, action)
        reward, terminated, cut = agents.step(action)
        rows.append((sums, reward, terminated, cut, running.copy()))
        values.append(value(checkpoint, agents.obs))
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
