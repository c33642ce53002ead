"""`rollouts`: episodes of a model's policy as arrays."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuescape.library.arguments import columns_of, whole
from valuescape.library.exchange import optional
from valuescape.library.loading import ModelSource, load
from valuescape.library.model import Model, taken_actions
from valuescape.sim.arrays import BoolArray, Float32Array, Int64Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.sampling import SampledPolicy, Sampling, reward_alpha, sampling_of
from valuescape.sim.policy.trials import Trials, trials, trials_from
from valuescape.sim.resources import one_blas_thread
from valuescape.sim.rollouts.choose import why_no_rollouts
from valuescape.sim.worlds.base import DiscreteAction

EPISODE = np.dtype(
    [
        ("first", np.int64),
        ("length", np.int64),
        ("return", np.float64),
        ("discounted_return", np.float64),
        ("value", np.float32),
        ("terminated", np.bool_),
        ("truncated", np.bool_),
    ]
)
"""A row of `Rollouts.episodes`."""

_MOST_EPISODES = 1_000_000

Progress = Callable[[float], object]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Rollouts:
    """Episodes of a policy. Arrays of steps are [n, …], one episode after another; all are new arrays."""

    model: Model
    """The model whose policy acted."""
    episode: Int64Array
    """[n] the index of each step's episode."""
    step: Int64Array
    """[n] the step's number in its episode, from 0."""
    state: Float32Array
    """[n, state_dim] before the step, in the world's units."""
    obs: Float32Array
    """[n, obs_dim] what the policy saw."""
    action: NDArray[Any]
    """[n, action_dim] float32 in the world's units; [n] int64 of discrete actions."""
    reward: Float32Array
    """[n] of the step."""
    value: Float32Array
    """[n] the critic's V(s) before the step; NaN without a critic."""
    final_state: Float32Array
    """[episodes, state_dim] after each episode's last step."""
    episodes: NDArray[np.void]
    """[episodes] a structured array: `first` (index of the first step), `length` (steps), `return`,
    `discounted_return`, `value` (V of the start), `terminated` (the world ended it), `truncated` (the time
    limit did)."""

    def __len__(self) -> int:
        return len(self.episodes)

    def __repr__(self) -> str:
        mean = float(self.episodes["return"].mean()) if len(self) else float("nan")
        return (
            f"<valuescape.Rollouts {len(self):,} episodes, {len(self.reward):,} steps in "
            f"{self.model.world.name}; mean return {mean:.4g}>"
        )

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame` with a row for each step, columns named as states and actions are.

        Raises UsageError if pandas is not installed.
        """
        pandas = optional("pandas", "Rollouts.to_pandas")
        world = self.model.world
        columns: dict[str, Any] = {"episode": self.episode, "step": self.step}
        columns |= {f"state {each.name}": self.state[:, at] for at, each in enumerate(world.state)}
        actions = self.action.reshape(len(self.step), -1).T
        names = ("",) if isinstance(world.action, DiscreteAction) else self.model.action_names
        for name, column in zip(names, actions, strict=True):
            columns[f"action {name}".rstrip()] = column
        return pandas.DataFrame(columns | {"reward": self.reward, "value": self.value})


def rollouts(
    model: ModelSource,
    episodes: int = 64,
    *,
    starts: ArrayLike | None = None,
    seed: int = 0,
    deterministic: bool = True,
    max_steps: int | None = None,
    on_progress: Progress | None = None,
) -> Rollouts:
    """Return episodes of the model's policy, run side by side in this thread.

    episodes: how many, from starts that follow from `seed`; those of `valuescape analyze` with the same seed.
    starts: states [episodes, state_dim] to begin in, in their place. deterministic: False draws actions as in
    training, which follow from `seed`, too. max_steps: an episode is truncated after so many; None: after the
    world's time limit. on_progress: called before each step with the share of steps that are made at most; if
    it returns False, no further step is made, and what runs counts as truncated. Raises UsageError for a
    world whose agents cannot live alone, or cannot be put into states.

        found = valuescape.rollouts("pendulum", 100)
        found.episodes["return"].mean()
    """
    found = load(model)
    states = None if starts is None else _states(found, starts)
    count = whole(episodes, "episodes", 1, _MOST_EPISODES) if states is None else states.shape[1]
    limit = found.world.max_episode_steps
    if max_steps is not None:
        limit = min(limit, whole(max_steps, "max_steps", 1))
    number = whole(seed, "seed", 0)
    with ExitStack() as owned, one_blas_thread(), np.errstate(all="ignore"):
        agents = (
            trials(found.world, count, number, owned)
            if states is None
            else trials_from(found.world, states, number, owned)
        )
        if agents is None:
            raise UsageError(f"rollouts: agents of {found.world.name} cannot live alone")
        act = _deterministic(found, count) if deterministic else _drawing(found, count, number)
        return _gathered(found, _run(found, agents, act, limit, on_progress or (lambda _: None)))


def _states(model: Model, starts: ArrayLike) -> Float32Array:
    reason = why_no_rollouts(model.world)
    if reason:
        raise UsageError(f"starts: agents of {model.world.name} cannot be put into states: {reason}")
    states, _ = columns_of(starts, model.world.state, "starts")
    if not states.shape[1]:
        raise UsageError("starts: expected at least one state")
    return states


_Act = Callable[[Float32Array, int], Float32Array]
"""Returns actions [action_dim, n] for observations [obs_dim, n] at a step."""


def _deterministic(model: Model, count: int) -> _Act:
    policy = BatchPolicy(model.checkpoint, model.world.action, count)

    def act(obs: Float32Array, _: int) -> Float32Array:
        action = np.empty((model.world.action.dim, count), np.float32)
        policy.act(obs, action)
        return action

    return act


def _drawing(model: Model, count: int, seed: int) -> _Act:
    if sampling_of(model.checkpoint) is Sampling.NONE:
        return _deterministic(model, count)
    alpha = reward_alpha(model.checkpoint) or 0.0
    policy = SampledPolicy(model.checkpoint, model.world.action, seed, alpha)
    agents = np.arange(count, dtype=np.uint64)
    return lambda obs, step: policy.act(obs, agents, 0, step)[0]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What happened, [steps, …, episodes]; `running` marks the steps that count."""

    state: Float32Array
    obs: Float32Array
    action: Float32Array
    value: Float32Array
    reward: Float32Array
    running: BoolArray
    terminated: BoolArray
    final: Float32Array  # [state_dim, episodes]


def _run(model: Model, agents: Trials, act: _Act, limit: int, tell: Progress) -> _Rows:
    count = agents.obs.shape[1]
    running, final, rows = np.ones(count, np.bool_), agents.state.copy(), []
    unknown = np.full(count, np.nan, np.float32)
    for step in range(limit):
        if not running.any() or (tell(step / limit) is False and step):
            break
        state, obs = agents.state.copy(), agents.obs
        action = act(obs, step)
        valued = value(model.checkpoint, obs) if model.checkpoint.critics else unknown
        reward, terminated, cut = agents.step(action)
        rows.append((state, obs, action, valued, reward.copy(), running.copy(), terminated & running))
        final[:, running] = agents.state[:, running]
        running &= ~(terminated | cut)
    tell(1.0)
    state, obs, action, valued, reward, ran, ended = (np.array(each) for each in zip(*rows, strict=True))
    return _Rows(state, obs, action, valued, reward, ran, ended, final)


def _gathered(model: Model, rows: _Rows) -> Rollouts:
    at = rows.running.T.nonzero()  # episode by episode
    lengths = rows.running.sum(axis=0)
    return Rollouts(
        model=model,
        episode=at[0],
        step=at[1],
        state=rows.state.transpose(2, 0, 1)[at],
        obs=rows.obs.transpose(2, 0, 1)[at],
        action=taken_actions(model.world, rows.action.transpose(2, 0, 1)[at].T),
        reward=rows.reward.T[at],
        value=rows.value.T[at],
        final_state=np.ascontiguousarray(rows.final.T),
        episodes=_episodes(rows, lengths, model.gamma),
    )


def _episodes(rows: _Rows, lengths: Int64Array, gamma: float) -> NDArray[np.void]:
    found = np.zeros(len(lengths), EPISODE)
    rewards = np.where(rows.running, rows.reward, 0).astype(np.float64)
    weights = gamma ** np.arange(len(rewards), dtype=np.float64)
    found["first"] = np.cumsum(lengths) - lengths
    found["length"] = lengths
    found["return"] = rewards.sum(axis=0)
    found["discounted_return"] = weights @ rewards
    found["value"] = rows.value[0]
    found["terminated"] = rows.terminated.any(axis=0)
    found["truncated"] = ~found["terminated"]
    return found
