"""The advantage of one action over another, as the critic sees it."""

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.insight.acting import actions_at, observed, step_from, values_at
from valuescape.sim.insight.actions import Choice
from valuescape.sim.policy.inference import action_value, critic_inputs, forward_all
from valuescape.sim.policy.network import Checkpoint, CriticKind, value_critics
from valuescape.sim.worlds.base import ArrayWorld, ContinuousAction, DiscreteAction, World


def advantage(
    world: World, checkpoint: Checkpoint, better: Choice, worse: Choice, states: Float32Array
) -> Float32Array:
    """Return Q(s, better) - Q(s, worse) for states [state_dim, n], [n] float32, in the world's rewards.

    Of a critic of states Q(s, a) is r + gamma V(s') of one step of the world, r alone where that terminates.
    """
    if checkpoint.critic_kind is CriticKind.DISCRETE_ACTION_VALUE:
        scores = _scores(checkpoint, observed(world, states))
        return _picked(scores, better) - _picked(scores, worse)
    return action_values(world, checkpoint, better, states) - action_values(world, checkpoint, worse, states)


def action_values(world: World, checkpoint: Checkpoint, choice: Choice, states: Float32Array) -> Float32Array:
    """Return Q(s, a) of the chosen action in states [state_dim, n], [n] float32; see `advantage`."""
    match checkpoint.critic_kind:
        case CriticKind.DISCRETE_ACTION_VALUE:
            return _picked(_scores(checkpoint, observed(world, states)), choice)
        case CriticKind.STATE_VALUE:
            return _one_step_ahead(world, checkpoint, choice, states)
    return _of_outputs(world, checkpoint, choice, states)


def _scores(checkpoint: Checkpoint, obs: Float32Array) -> Float32Array:
    """Return Q of every discrete action, [actions, n]: the smallest of the critics'."""
    scores: Float32Array = forward_all(value_critics(checkpoint), critic_inputs(checkpoint, obs)).min(axis=0)
    return scores


def _picked(scores: Float32Array, choice: Choice) -> Float32Array:
    found: Float32Array
    if choice.index is not None:
        found = scores[choice.index]
    else:
        found = scores.mean(axis=0) if choice.mean else scores.max(axis=0)
    return found


def _of_outputs(world: World, checkpoint: Checkpoint, choice: Choice, states: Float32Array) -> Float32Array:
    """Return Q of an action that critics take as the actor's outputs, in [-1, 1] of each part's range."""
    obs, space = observed(world, states), world.action
    assert isinstance(space, ContinuousAction)
    inputs = critic_inputs(checkpoint, obs)
    outputs = inputs[len(obs) :]
    for row, number, part in zip(outputs, choice.parts, space.variables, strict=False):
        if number is not None:
            row[:] = 2 * (number - part.low) / (part.high - part.low) - 1
    return action_value(checkpoint, obs, outputs)


def _one_step_ahead(
    world: World, checkpoint: Checkpoint, choice: Choice, states: Float32Array
) -> Float32Array:
    assert isinstance(world, ArrayWorld)
    if choice.mean:
        assert isinstance(world.action, DiscreteAction)
        each = (Choice(index=index) for index in range(world.action.n))
        all_of_them = np.stack([_one_step_ahead(world, checkpoint, one, states) for one in each])
        mean: Float32Array = all_of_them.mean(axis=0)
        return mean
    if choice.index is not None:
        actions = np.full((1, states.shape[1]), choice.index, np.float32)
    else:
        actions = actions_at(world, checkpoint, states)
    for row, number in zip(actions, choice.parts, strict=False):
        if number is not None:
            row[:] = number
    following, reward, terminated = step_from(world, states, actions)
    ahead = np.float32(checkpoint.gamma) * values_at(world, checkpoint, following)
    return reward + np.where(terminated, np.float32(0), ahead)
