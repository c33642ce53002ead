"""Compares a critic's values with the returns that its own policy gets in some episodes of a world."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.policy.inference import BatchPolicy, normalized_obs, value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.trials import Trials, trials
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.worlds.base import ArrayWorld, World

_EPISODES = 32
_ENVIRONMENTS = 8
_MAX_STEPS = 1000
_PATIENCE_S = 2.0
"""Time for Gymnasium's environments, whose steps may be slow; the steps until then are compared."""
_SEED = 7
_GAMMAS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)
_BETTER, _GOOD = 0.4, 0.3
"""The share of the error that is left with another discount, and that error, for the discount to be named."""
_FAR = 9.99
"""Standard deviations, just below the bound that VecNormalize clips at."""


@dataclass(frozen=True, slots=True)
class CriticFit:
    """The critic's V(s) against the discounted returns from s, in units of the world's rewards."""

    value: float
    """Mean V of the first states."""
    realised: float
    """Mean discounted return from them."""
    error: float
    """RMS of V - return over all steps, divided by the RMS of the returns; inf if these are all 0."""
    spread: float
    """Standard deviation of the first layer's sums over the visited states, the median of its units."""
    beyond: float
    """Share of the states where an observation is more than 10 standard deviations from its mean in training,
    of the observation with most of them; 0 if none are normalised."""
    factor: float
    """The one number k for which V / k is nearest to the returns, by the median; NaN if there is none above
    0."""
    factor_error: float
    """`error` of V / factor, whose returns are continued with V / factor where they are cut short."""
    size: float
    """RMS of V divided by the RMS of the returns; inf if these are all 0."""
    gamma: float | None
    """Another discount, of those that are usual, with whose returns V agrees far better; None without one."""
    cut: bool
    """Whether some of the returns are continued with V, where episodes are cut short."""
    gained: float | None
    """Mean undiscounted return of whole episodes; None if some were not played to their end."""


def critic_fit(checkpoint: Checkpoint, world: World) -> CriticFit | None:
    """Return how well V fits the returns of the deterministic policy in `world`.

    Plays 32 episodes of at most 1,000 steps, 8 in Gymnasium's environments; a return that is cut short goes
    on with V of the last state. A critic that learned in this world errs by a tenth to a half of the
    returns; one that sees other observations, or counts in other units, by about all of them. Returns None
    if the world's agents cannot be simulated alone, or if the world fails.
    """
    try:
        # Networks this small only wait for more threads; an untrained one may drive a world out of bounds
        with ExitStack() as owned, one_blas_thread(), np.errstate(all="ignore"):
            episodes = _EPISODES if isinstance(world, ArrayWorld) else _ENVIRONMENTS
            agents = trials(world, episodes, _SEED, owned)
            return _fit(_run(checkpoint, world, agents), checkpoint.gamma) if agents else None
    except Exception:  # a user's own world may raise anything; workers report it in full
        return None


@dataclass(frozen=True, slots=True)
class _Episodes:
    """Some episodes, each array [steps, episodes]; `values` has one more row, for the last states."""

    sums: Float32Array
    """Sums of the actor's first layer, before its activation: [units, steps, episodes]."""
    values: Float32Array
    rewards: Float32Array
    terminated: BoolArray
    cut: BoolArray
    counted: BoolArray
    """False after an episode's end."""
    seen: Float32Array
    """The observations as the networks see them, [obs_dim, steps, episodes]; empty if not normalised."""
    whole: bool
    """Whether all episodes were played to their end."""


def _run(checkpoint: Checkpoint, world: World, agents: Trials) -> _Episodes:
    n, first = agents.obs.shape[1], checkpoint.actor.layers[0]
    policy = BatchPolicy(checkpoint, world.action, n)
    action = np.zeros((world.action.dim, n), np.float32)
    running = np.ones(n, np.bool_)
    values, rows = [value(checkpoint, agents.obs)], []
    give_up = time.monotonic() + (np.inf if isinstance(world, ArrayWorld) else _PATIENCE_S)
    for _ in range(min(world.max_episode_steps, _MAX_STEPS)):
        seen = normalized_obs(checkpoint, agents.obs)
        sums = first.weight @ seen + first.bias[:, None]
        policy.act(agents.obs, action)
        reward, terminated, cut = agents.step(action)
        rows.append((sums, reward, terminated, cut, running.copy(), seen))
        values.append(value(checkpoint, agents.obs))
        running &= ~(terminated | cut)
        if not running.any() or time.monotonic() > give_up:
            break
    sums, rewards, ends, cuts, counted, saw = (np.stack(column) for column in zip(*rows, strict=True))
    saw = saw[:, : 0 if checkpoint.obs_normalization is None else None]
    whole = not running.any() or len(rows) == world.max_episode_steps
    turned = sums.transpose(1, 0, 2), np.stack(values)
    return _Episodes(*turned, rewards, ends, cuts, counted, saw.transpose(1, 0, 2), whole)


def _fit(run: _Episodes, gamma: float) -> CriticFit:
    none = np.zeros_like
    received = _returns(run, run.rewards, none(run.values), gamma)
    continued = _returns(run, none(run.rewards), run.values, gamma)
    values, returns = run.values[:-1], received + continued
    factor = _factor((values - continued)[run.counted], received[run.counted])
    scaled = received + continued / factor
    spread = float(np.median(run.sums[:, run.counted].std(axis=1)))
    seen = np.abs(run.seen[:, run.counted])
    error = _error(values[run.counted], returns[run.counted])
    return CriticFit(
        value=float(run.values[0].mean()),
        realised=float(returns[0].mean()),
        error=error,
        size=_share(values[run.counted], returns[run.counted]),
        gamma=_discount(run, gamma, error),
        cut=bool(continued[run.counted].any()),
        spread=spread,
        factor=factor,
        factor_error=_error(values[run.counted] / factor, scaled[run.counted]),
        beyond=float((seen > _FAR).mean(axis=1).max()) if seen.size else 0.0,
        gained=float((run.rewards * run.counted).sum(axis=0).mean()) if run.whole else None,
    )


def _returns(run: _Episodes, rewards: Float32Array, values: Float32Array, gamma: float) -> Float64Array:
    """Return the discounted sums of rewards, continued with values where an episode is cut short."""
    returns = np.zeros(rewards.shape)
    following = values[-1].astype(np.float64)
    for step in reversed(range(len(returns))):
        following = np.where(run.cut[step], values[step + 1], following)
        following = rewards[step] + gamma * np.where(run.terminated[step], 0, following)
        returns[step] = following
    return returns


def _error(values: NDArray[Any], returns: Float64Array) -> float:
    return _share(values - returns, returns)


def _share(values: NDArray[Any], returns: Float64Array) -> float:
    """Return the RMS of values divided by that of the returns."""
    size = float(np.sqrt((returns**2).mean()))
    return float(np.sqrt((values**2).mean())) / size if size > 0 else np.inf


def _discount(run: _Episodes, gamma: float, error: float) -> float | None:
    """Return another discount with which V errs far less. Performance: 2 ms for each that is tried."""
    if not error > _GOOD:
        return None

    def remaining(other: float) -> float:
        returns = _returns(run, run.rewards, run.values, other)
        return _error(run.values[:-1][run.counted], returns[run.counted])

    best = min((each for each in _GAMMAS if abs(each - gamma) > 1e-6), key=remaining)
    return best if remaining(best) <= min(_GOOD, _BETTER * error) else None


def _factor(values: NDArray[Any], received: NDArray[Any]) -> float:
    """Return k above 0 that makes the sum of |values - k received| least; NaN without one.

    It is the median of the quotients, each weighted by the size of what was received.
    """
    paid = np.flatnonzero(received)
    quotients = values[paid] / received[paid]
    order = np.argsort(quotients)
    weights = np.cumsum(np.abs(received[paid])[order])
    if not len(paid) or not np.isfinite(weights[-1]):
        return float("nan")
    middle = float(quotients[order[np.searchsorted(weights, weights[-1] / 2)]])
    return middle if middle > 0 else float("nan")
