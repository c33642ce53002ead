"""Episodes of a checkpoint's own policy: at every step the critic's value beside the return that followed."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.trials import Trials, trials
from valuescape.sim.rollouts.rules import horizon
from valuescape.sim.worlds.base import ArrayWorld, Float32Array, World

Float64Array = NDArray[np.float64]
Step = Callable[[int, int], bool]
"""Told (step, steps at most) of a run; returns whether to go on."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """What E episodes came to. Steps are [n], all episodes' one after another; episodes are [E]."""

    episode: NDArray[np.int64]
    """Which episode a step is of."""
    predicted: Float64Array
    """V(s), in units of the world's rewards; NaN without a critic."""
    realised: Float64Array
    """The discounted return that followed."""
    td_error: Float64Array
    """r + gamma V(s') - V(s), where V(s') = 0 if the episode terminated."""
    obs: Float32Array
    """[n, obs_dim], what the policy saw."""
    returns: Float64Array
    lengths: NDArray[np.int64]
    terminated: NDArray[np.bool_]
    """Whether the world ended an episode before its time limit."""
    bootstrapped: float
    """The share of steps whose return ends with the critic's value, for nothing is known beyond."""

    @property
    def first(self) -> NDArray[np.int64]:
        """The index of each episode's first step."""
        return np.searchsorted(self.episode, np.arange(len(self.returns)))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Rows of a run, each [steps, episodes]; `values` and `obs` have one row more, for the last states."""

    obs: Float32Array  # [steps + 1, obs_dim, episodes]
    values: Float32Array
    rewards: Float64Array
    terminated: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    running: NDArray[np.bool_]


def run_episodes(
    checkpoint: Checkpoint, world: World, episodes: int, seed: int, on_step: Step = lambda *_: True
) -> Episodes:
    """Run `episodes` episodes of the deterministic policy side by side, from starts that depend on `seed`.

    Where the world can go on beyond its time limit, the steps before it have the return that follows without
    one: what a critic predicts that was trained with bootstrapping at the limit. Environments of Gymnasium
    end there, and the return goes on with the critic's value of the last state; `bootstrapped` says of how
    many steps. on_step: asked before each step; if it says no, what is there so far counts. Raises UsageError
    for worlds whose agents cannot live alone.
    """
    with ExitStack() as owned, threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
        agents = trials(world, episodes, seed, owned)
        if agents is None:
            raise UsageError(
                f"world {world.name}: agents cannot live alone, so an episode of one says little"
            )
        limit = world.max_episode_steps
        beyond = horizon(checkpoint.gamma) if isinstance(world, ArrayWorld) and checkpoint.gamma < 1 else 0
        steps = _run(checkpoint, world, agents, limit + beyond, on_step)
    return _episodes(steps, checkpoint.gamma, limit)


def _run(checkpoint: Checkpoint, world: World, agents: Trials, most: int, on_step: Step) -> _Steps:
    n = agents.obs.shape[1]
    policy, action = BatchPolicy(checkpoint, world.action, n), np.zeros((world.action.dim, n), np.float32)
    running = np.ones(n, np.bool_)
    seen, values, rows = [agents.obs], [_value(checkpoint, agents.obs)], []
    for step in range(most):
        if not running.any() or not on_step(step, most):
            break
        policy.act(agents.obs, action)
        reward, terminated, cut = agents.step(action)
        rows.append((reward.astype(np.float64), terminated.copy(), cut.copy(), running.copy()))
        seen.append(agents.obs)
        values.append(_value(checkpoint, agents.obs))
        running &= ~(terminated | cut)
    rewards, ends, cuts, counted = (np.array(column) for column in zip(*rows, strict=True))
    return _Steps(np.array(seen), np.array(values), rewards, ends, cuts, counted)


def _value(checkpoint: Checkpoint, obs: Float32Array) -> Float32Array:
    if not checkpoint.critics:
        return np.full(obs.shape[1], np.nan, np.float32)
    return value(checkpoint, obs)


def _episodes(steps: _Steps, gamma: float, limit: int) -> Episodes:
    returns, ends_in_value = _discounted(steps, gamma)
    counted = steps.running.copy()
    counted[limit:] = False
    following = np.where(steps.terminated, 0, steps.values[1:])
    td_error = steps.rewards + gamma * following - steps.values[:-1]
    lengths = counted.sum(axis=0)
    terminated = np.any(counted & steps.terminated, axis=0)
    at = counted.T.nonzero()  # episode by episode

    def taken(rows: NDArray[np.generic]) -> Float64Array:
        return rows.T[at].astype(np.float64)

    return Episodes(
        episode=at[0],
        predicted=taken(steps.values[:-1]),
        realised=taken(returns),
        td_error=taken(td_error),
        obs=steps.obs[:-1].transpose(2, 0, 1)[at],
        returns=np.where(counted, steps.rewards, 0).sum(axis=0),
        lengths=lengths,
        terminated=terminated,
        bootstrapped=float(taken(ends_in_value).mean()) if len(at[0]) else 0.0,
    )


def _discounted(steps: _Steps, gamma: float) -> tuple[Float64Array, NDArray[np.bool_]]:
    """Return the discounted returns [steps, episodes], and where the critic's value is part of one."""
    rows, n = steps.rewards.shape
    returns, bootstraps = np.zeros((rows, n)), np.zeros((rows, n), np.bool_)
    following, by_value = np.zeros(n), np.zeros(n, np.bool_)
    for row in reversed(range(rows)):
        over = steps.terminated[row]
        following = np.where(steps.cut[row] & ~over, steps.values[row + 1], np.where(over, 0, following))
        by_value = np.where(steps.cut[row] & ~over, True, by_value & ~over)
        following = np.where(steps.running[row], steps.rewards[row] + gamma * following, following)
        returns[row], bootstraps[row] = following, by_value
    return returns, bootstraps
