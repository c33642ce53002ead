"""The deterministic policy and the critic's value at given states, and one step of the world from there."""

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.policy.inference import BatchPolicy, value
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rng import Stream, uniform
from valuescape.sim.worlds.base import ArrayWorld, World, full_step
from valuescape.sim.worlds.parameters import middle_values


def observed(world: World, states: Float32Array) -> Float32Array:
    """Return the observations [obs_dim, n] float32 of states [state_dim, n]."""
    obs = np.empty((len(world.obs), states.shape[1]), np.float32)
    world.observe(states, obs)
    return obs


def values_at(world: World, checkpoint: Checkpoint, states: Float32Array) -> Float32Array:
    """Return the critic's V(s) of states [state_dim, n], [n] float32, in units of the world's rewards."""
    return value(checkpoint, observed(world, states))


def actions_at(world: World, checkpoint: Checkpoint, states: Float32Array) -> Float32Array:
    """Return the deterministic actions [action_dim, n] in states [state_dim, n], in the world's units.

    A discrete action is its index.
    """
    n = states.shape[1]
    actions = np.empty((world.action.dim, n), np.float32)
    BatchPolicy(checkpoint, world.action, max(n, 1)).act(observed(world, states), actions)
    return actions


def step_from(
    world: ArrayWorld, states: Float32Array, actions: Float32Array
) -> tuple[Float32Array, Float32Array, BoolArray]:
    """Return the states [state_dim, n] after one step, its rewards [n] and terminations [n] bool.

    Parameters that are spread over the agents have their middle value. Where steps are random, each state has
    draws of its own, the same in every call.
    """
    n = states.shape[1]
    following, reward, terminated = np.empty_like(states), np.empty(n, np.float32), np.zeros(n, np.bool_)
    draws = uniform(0, Stream.DYNAMICS, np.arange(n), 0, 0, world.step_draws)
    values = middle_values(world.ranges)
    full_step(world)(states, actions, following, reward, terminated, values, draws)
    return following, reward, terminated
