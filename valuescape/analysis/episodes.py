"""Episodes of a checkpoint's own policy: at every step the critic's value beside the return that followed."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy, action_value, value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, sampling_of
from valuescape.sim.policy.trials import Trials, trials
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.rollouts.rules import LONGEST, horizon
from valuescape.sim.worlds.base import ArrayWorld, World

Step = Callable[[int, int], bool]
"""Told (step, steps at most) of a run; returns whether to go on."""


@dataclass(frozen=True, slots=True)
class Episodes:
    """Results of E episodes. Arrays of steps are [n], one episode after another; of episodes, [E]."""

    episode: NDArray[np.int64]
    """The index of each step's episode."""
    predicted: Float64Array
    """V(s), or Q(s, a) where actions are drawn and scored; in units of the world's rewards."""
    realised: Float64Array
    """The discounted return that followed."""
    reward: Float64Array
    td_error: Float64Array
    """r + gamma V(s') - V(s), where V(s') = 0 if the episode terminated."""
    state: Float32Array
    """[n, state_dim], in the world's units."""
    asked: Float32Array
    """[n, obs_dim + outputs], what critics of quantiles were asked about: observations, then what the actor
    drew where actions are drawn. [n, 0] of other critics."""
    returns: Float64Array
    """NaN of an episode that was interrupted."""
    lengths: NDArray[np.int64]
    terminated: NDArray[np.bool_]
    """Whether the world ended an episode before its time limit."""
    ends_in_value: NDArray[np.bool_]
    """[n], whether a step's return ends with the critic's value, for nothing is known beyond."""
    interrupted: int = 0
    """Number of episodes that were interrupted before they ended: how they end is unknown."""
    parameters: Float32Array = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """[parameters, E], the values of the world's parameters in each episode."""

    @property
    def first(self) -> NDArray[np.int64]:
        """The index of each episode's first step."""
        return np.searchsorted(self.episode, np.arange(len(self.returns)))

    @property
    def bootstrapped(self) -> float:
        """The share of steps whose return ends with the critic's value."""
        return float(self.ends_in_value.mean())


_Actor = Callable[[Float32Array, int], tuple[Float32Array, ...]]
"""Takes observations [obs_dim, n] and the step; returns actions [action_dim, n], the critic's values [n],
entropy bonuses [n], and what `Episodes.asked` has, [rows, n]."""


@dataclass(frozen=True, slots=True)
class _Steps:
    """Rows of a run, each [steps, episodes]; those of states have one row more, for the last ones."""

    state: Float32Array  # [steps + 1, state_dim, episodes]
    values: Float32Array  # [steps + 1, episodes]
    bonuses: Float32Array  # [steps + 1, episodes]
    asked: Float32Array  # [steps + 1, rows, episodes]
    rewards: Float64Array
    terminated: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    running: NDArray[np.bool_]
    cut_short: NDArray[np.bool_]  # [episodes], of those that ran on when `on_step` said no
    followed: NDArray[np.bool_]  # [episodes], of those whose value in the last state is part of the returns


def run_episodes(
    checkpoint: Checkpoint,
    world: World,
    episodes: int,
    seed: int,
    *,
    alpha: float | None = None,
    on_step: Step = lambda *_: True,
    first: int = 0,
) -> Episodes:
    """Run `episodes` episodes of a checkpoint's policy side by side, from starts that depend on `seed`.

    alpha: None runs the deterministic policy, and `predicted` is V. A number runs the policy that draws its
    actions as in training, whose returns the critic learned; where critics score actions, `predicted` is
    Q(s, a) of the action drawn, and returns are soft with that entropy coefficient (0: not).

    Where the world can go on beyond its time limit, the steps before it have the return that follows without
    one: what a critic predicts that was trained with bootstrapping at the limit. Environments of Gymnasium
    end there, and the return goes on with the critic's value of the last state; so it does where LONGEST
    steps beyond the limit do not exhaust gamma, and where episodes are interrupted. `bootstrapped` says of
    how many steps. on_step: asked before each step; if it says no, what is there so far counts. Raises
    UsageError for worlds whose agents cannot live alone.
    """
    with ExitStack() as owned, one_blas_thread(), np.errstate(all="ignore"):
        agents = trials(world, episodes, seed, owned, first)
        if agents is None:
            raise UsageError(f"world {world.name}: agents cannot live alone, so episodes of one say little")
        limit = world.max_episode_steps
        beyond = horizon(checkpoint.gamma) if isinstance(world, ArrayWorld) and checkpoint.gamma < 1 else 0
        numbers = np.arange(first, first + episodes, dtype=np.uint64)
        actor = _actor(checkpoint, world, numbers, seed, alpha)
        steps = _run(actor, agents, limit + beyond, on_step, goes_on=beyond == LONGEST)
    return replace(_episodes(steps, checkpoint.gamma, limit), parameters=agents.parameters)


def _actor(
    checkpoint: Checkpoint, world: World, agents: NDArray[np.uint64], seed: int, alpha: float | None
) -> _Actor:
    n, kept = len(agents), slice(None if checkpoint.quantile_layers else 0)
    none = np.zeros(n, np.float32)
    if alpha is None or sampling_of(checkpoint) is Sampling.NONE:
        policy = BatchPolicy(checkpoint, world.action, n)
        action = np.zeros((world.action.dim, n), np.float32)

        def deterministic(obs: Float32Array, _: int) -> tuple[Float32Array, ...]:
            policy.act(obs, action)
            return action, value(checkpoint, obs), none, obs[kept]

        return deterministic
    sampled = SampledPolicy(checkpoint, world.action, seed, alpha)

    def drawing(obs: Float32Array, step: int) -> tuple[Float32Array, ...]:
        drawn, outputs, bonus = sampled.act(obs, agents, 0, step)
        scored = sampled.asks_of_actions
        predicted = action_value(checkpoint, obs, outputs) if scored else value(checkpoint, obs)
        return drawn, predicted, bonus, np.concatenate([obs, outputs])[kept]

    return drawing


def _run(actor: _Actor, agents: Trials, most: int, on_step: Step, *, goes_on: bool) -> _Steps:
    """Run the agents for `most` steps at most. goes_on: whether what follows those still counts."""
    running, states, rows = np.ones(agents.obs.shape[1], np.bool_), [], []
    for step in range(most + 1):
        action, predicted, bonus, asked = actor(agents.obs, step)
        states.append((agents.state, predicted, bonus, asked))
        if step == most or not running.any() or not on_step(step, most):
            break
        reward, terminated, cut = agents.step(action)
        rows.append((reward.astype(np.float64), terminated.copy(), cut.copy(), running.copy()))
        running &= ~(terminated | cut)
    seen = (np.array(column) for column in zip(*states, strict=True))
    done = (np.array(column) for column in zip(*rows, strict=True))
    cut_short = running & (len(rows) < most)
    ends = [cut_short, cut_short | (running & goes_on)]
    return _Steps(*seen, *done, *ends)


def _episodes(steps: _Steps, gamma: float, limit: int) -> Episodes:
    returns, ends_in_value = _discounted(steps, gamma)
    counted = steps.running.copy()
    counted[limit:] = False
    following = np.where(steps.terminated, 0, steps.values[1:] + steps.bonuses[1:])
    td_error = steps.rewards + gamma * following - steps.values[:-1]
    unknown = steps.cut_short & (len(counted) < limit)
    at = counted.T.nonzero()  # episode by episode

    def taken(rows: NDArray[np.generic]) -> Float64Array:
        return rows.T[at].astype(np.float64)

    return Episodes(
        episode=at[0],
        predicted=taken(steps.values[:-1]),
        realised=taken(returns),
        reward=taken(steps.rewards),
        td_error=taken(td_error),
        state=steps.state[:-1].transpose(2, 0, 1)[at],
        asked=steps.asked[:-1].transpose(2, 0, 1)[at],
        returns=np.where(unknown, np.nan, np.where(counted, steps.rewards, 0).sum(axis=0)),
        lengths=counted.sum(axis=0),
        terminated=np.any(counted & steps.terminated, axis=0),
        ends_in_value=ends_in_value.T[at],
        interrupted=int(unknown.sum()),
    )


def _discounted(steps: _Steps, gamma: float) -> tuple[Float64Array, NDArray[np.bool_]]:
    """Return the discounted returns [steps, episodes], and where the critic's value is part of one."""
    rows, n = steps.rewards.shape
    returns, bootstraps = np.zeros((rows, n)), np.zeros((rows, n), np.bool_)
    following, by_value = np.where(steps.followed, steps.values[-1], 0.0), steps.followed
    for row in reversed(range(rows)):
        over = steps.terminated[row]
        asked = steps.cut[row] & ~over
        following = np.where(asked, steps.values[row + 1], following) + steps.bonuses[row + 1]
        following = steps.rewards[row] + gamma * np.where(over, 0, following)
        by_value = asked | (by_value & ~over)
        following = np.where(steps.running[row], following, 0)
        returns[row], bootstraps[row] = following, by_value
    return returns, bootstraps


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Return the episodes of several runs as one, in their order: new arrays, which alias none of the parts.

    Parts that begin at multiples of `inference.BLOCK` make, bit by bit, what one run makes.
    """
    begins = np.cumsum([0, *(len(each.returns) for each in parts[:-1])])
    columns = {name: np.concatenate([getattr(each, name) for each in parts]) for name in _COLUMNS}
    return Episodes(
        episode=np.concatenate([each.episode + begin for each, begin in zip(parts, begins, strict=True)]),
        interrupted=sum(each.interrupted for each in parts),
        parameters=np.concatenate([each.parameters for each in parts], axis=1),
        **columns,
    )


_COLUMNS = tuple(
    each.name for each in fields(Episodes) if each.name not in ("episode", "interrupted", "parameters")
)
"""Arrays of `Episodes` that are joined end to end."""
