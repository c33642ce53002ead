"""First episodes of a few agents in this process: measures a policy without workers or shared memory."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds.base import ArrayWorld, World, full_step
from valuescape.sim.worlds.gym_making import closed
from valuescape.sim.worlds.gym_results import observed_at_reset
from valuescape.sim.worlds.gym_vector import Autoreset, autoreset_of, batch_stepped
from valuescape.sim.worlds.gymnasium_world import GymnasiumWorld
from valuescape.sim.worlds.parameters import agents_values


class Trials(Protocol):
    """Agents in their first episodes."""

    obs: Float32Array
    """Their observations [obs_dim, n] float32, a new array each step."""
    parameters: Float32Array
    """Their parameters [parameters, n] float32, which stay."""

    @property
    def state(self) -> Float32Array:
        """The states [state_dim, n], in the world's units."""

    def step(self, action: Float32Array) -> tuple[Float32Array, BoolArray, BoolArray]:
        """Advance all agents by `action` [action_dim, n], in the world's units.

        Returns, as new arrays [n], the rewards, whether the episode terminated, and whether the environment
        truncated it. Values of episodes that had ended before are undefined.
        """


def trials(world: World, episodes: int, seed: int, owned: ExitStack, first: int = 0) -> Trials | None:
    """Return `episodes` agents of `world` at their starts, which depend on `seed` and their numbers alone.

    owned: closes the environments. first: the number of the first agent. None if the world's agents cannot be
    simulated alone. Raises ValueError where one object steps all agents and they are not numbered from 0.
    """
    if isinstance(world, ArrayWorld):
        return _ArrayTrials(world, np.arange(first, first + episodes), seed)
    if not isinstance(world, GymnasiumWorld):
        return None
    if world.making.is_vector:
        if first:
            raise ValueError(f"first = {first}: one object steps all agents of {world.name}")
        env = world.making.vector_env(episodes)
        owned.callback(closed, env)
        return _VectorTrials(world, env, seed)
    return _GymnasiumTrials(world, _environments(world, episodes, owned), seed + first)


def trials_from(world: World, states: Float32Array, seed: int, owned: ExitStack) -> Trials | None:
    """Return agents of `world` in the states [state_dim, n], which begin their episodes there.

    seed: of what chance has a part in. As `trials` otherwise; environments of Gymnasium have to be such that
    `sim.rollouts.choose.why_no_rollouts` has no objection.
    """
    if isinstance(world, ArrayWorld):
        return _ArrayTrials(world, np.arange(states.shape[1]), seed, states)
    if not isinstance(world, GymnasiumWorld) or not world.making.has_single:
        return None
    return _GymnasiumTrials(world, _environments(world, states.shape[1], owned), seed, states)


def _environments(world: GymnasiumWorld, count: int, owned: ExitStack) -> list[Any]:
    envs = []
    for _ in range(count):
        envs.append(world.making.env())
        owned.callback(closed, envs[-1])
    return envs


class _ArrayTrials:
    def __init__(
        self, world: ArrayWorld, agents: NDArray[np.int64], seed: int, states: Float32Array | None = None
    ) -> None:
        self._world, self._agents, self._seed, self._steps = world, agents, seed, 0
        self._step, self.parameters = full_step(world), agents_values(world.ranges, seed, agents)
        self._state = np.zeros((len(world.state), len(agents)), np.float32)
        if states is None:
            draws = uniform(seed, Stream.RESET, agents, 0, 0, world.reset_draws)
            world.reset(draws, self._state)
        else:
            self._state[:] = states
        self.obs = np.zeros((len(world.obs), len(agents)), np.float32)
        world.observe(self._state, self.obs)

    @property
    def state(self) -> Float32Array:
        return self._state

    def step(self, action: Float32Array) -> tuple[Float32Array, BoolArray, BoolArray]:
        n = len(self._agents)
        reward, terminated = np.zeros(n, np.float32), np.zeros(n, np.bool_)
        following = np.empty_like(self._state)
        count = self._world.step_draws
        draws = uniform(self._seed, Stream.DYNAMICS, self._agents, 0, self._steps, count)
        self._step(self._state, action, following, reward, terminated, self.parameters, draws)
        self._state, self._steps = following, self._steps + 1
        self.obs = np.empty_like(self.obs)
        self._world.observe(following, self.obs)
        return reward, terminated, np.zeros(n, np.bool_)


class _GymnasiumTrials:
    def __init__(
        self, world: GymnasiumWorld, envs: Sequence[Any], seed: int, states: Float32Array | None = None
    ) -> None:
        self._world, self._envs = world, envs
        self._over = np.zeros(len(envs), np.bool_)
        self.parameters = np.zeros((0, len(envs)), np.float32)
        starts = [env.reset(seed=seed + index)[0] for index, env in enumerate(envs)]
        self._observed = np.concatenate([world.observed.states("reset", each) for each in starts], axis=1)
        self.obs = self._obs()
        if states is not None:
            for env, state in zip(envs, states.T.astype(np.float64), strict=True):
                world.way.write(env, state)
            if world.twin is None:
                self._observed[:] = states
            world.observe(states, self.obs)

    @property
    def state(self) -> Float32Array:
        columns = ((env, self._observed[:, [index]]) for index, env in enumerate(self._envs))
        return np.stack([self._world.state_in(*each) for each in columns], axis=1)

    def step(self, action: Float32Array) -> tuple[Float32Array, BoolArray, BoolArray]:
        n = len(self._envs)
        reward, terminated, cut = np.zeros(n, np.float32), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        for index in np.flatnonzero(~self._over).tolist():
            done = self._envs[index].step(self._world.acted.one(action[:, index]))
            obs, reward[index], terminated[index], cut[index], _ = done
            self._observed[:, [index]] = self._world.observed.states("step", obs)
        self.obs = self._obs()
        self._over |= terminated | cut
        return reward, terminated, cut

    def _obs(self) -> Float32Array:
        obs = np.empty((len(self._world.obs), len(self._envs)), np.float32)
        self._world.observed.observe(self._observed, obs)
        return obs


class _VectorTrials:
    """One object of many environments; those whose first episode has ended go on, and do not count."""

    state: Float32Array

    def __init__(self, world: GymnasiumWorld, env: Any, seed: int) -> None:
        self._world, self._env, self._mode = world, env, autoreset_of(env)
        self.parameters = np.zeros((0, env.num_envs), np.float32)
        self.state = observed_at_reset(env.reset(seed=seed), self._read).copy()
        self.obs = _seen(world, self.state)

    def _read(self, method: str, raw: Any) -> Float32Array:
        return self._world.observed.states(method, raw, self._env.num_envs)

    def step(self, action: Float32Array) -> tuple[Float32Array, BoolArray, BoolArray]:
        # of an episode that has ended before, the policy may have seen what makes it NaN
        chosen = self._world.acted.batch(np.nan_to_num(action))
        done = batch_stepped(self._env.step(chosen), self._world.observed, self._env.num_envs, self._mode)
        if self._mode is Autoreset.DISABLED and done.over.any():
            self._env.reset(options={"reset_mask": done.over.copy()})
        self.state = done.last
        self.obs = _seen(self._world, done.last)
        return done.reward, done.terminated, done.truncated


def _seen(world: World, state: Float32Array) -> Float32Array:
    """Return what agents in `state` [state_dim, n] observe, [obs_dim, n] float32, a new array."""
    obs = np.empty((len(world.obs), state.shape[1]), np.float32)
    world.observe(state, obs)
    return obs
