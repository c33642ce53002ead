"""Worlds so small that values have a closed form, and policies for them."""

from dataclasses import replace

import numpy as np
from networks import checkpoint_of

from valuescape.api import ContinuousAction, DiscreteAction, ElementwiseWorld, Parameter, Variable, where
from valuescape.sim.policy.network import Activation, ActorHead, Layer, Mlp

STEP = np.float32(0.05)
NONE, ONE, END, SECOND = np.float32(0), np.float32(1), np.float32(9), np.float32(2)


class Regulator(ElementwiseWorld):
    """A double integrator with quadratic cost: what a linear policy costs has a closed form."""

    name = "regulator"
    state = obs = (Variable("x", "m", -1.0, 1.0), Variable("v", "m/s", -1.0, 1.0))
    action = ContinuousAction((Variable("a", "m/s²", -100.0, 100.0),))
    step_s, max_episode_steps, reset_draws = 0.05, 200, 2

    @staticmethod
    def start(draws):
        return draws

    @staticmethod
    def dynamics(state, action):
        x, v = state
        reward = -(x * x + v * v + action[0] * action[0])
        return (x + STEP * v, v + STEP * action[0]), reward, x > END


class Chain(ElementwiseWorld):
    """Ten places in a row; a step to the right each, or back by a random one. The last one ends it."""

    name = "chain"
    state = obs = (Variable("place", "", 0.0, 10.0), Variable("nothing", "", 0.0, 1.0))
    action = DiscreteAction(("back", "on"))
    step_s, max_episode_steps, reset_draws = 1.0, 100, 1

    @staticmethod
    def start(draws):
        return NONE * draws[0], draws[0]

    @staticmethod
    def dynamics(state, action):
        place, nothing = state
        following = where(action[0] > np.float32(0.5), place + ONE, where(place > ONE, place - ONE, place))
        return (following, nothing), -ONE + SECOND * (following > END), following > END


class Gusty(ElementwiseWorld):
    """A point that a side wind and gusts push: `x` drifts by the wind, `v` by five draws of a step."""

    name = "gusty"
    state = obs = (Variable("x", "m", -9.0, 9.0), Variable("v", "m/s", -9.0, 9.0))
    action = ContinuousAction((Variable("a", "m/s²", -1.0, 1.0),))
    parameters = (
        Parameter("wind", "m/s", 0.5, -2.0, 2.0),
        Parameter("mass", "kg", 1.0, 0.5, 2.0),
        Parameter("gust", "m/s", 1.0, 0.0, 4.0),
    )
    step_s, max_episode_steps, reset_draws, step_draws = 0.05, 40, 2, 5

    @staticmethod
    def start(draws):
        return draws

    @staticmethod
    def dynamics(state, action, parameters, draws):
        (x, v), (wind, mass, gust) = state, parameters
        blow = draws[0] + draws[1] + draws[2] + draws[3] - draws[4]
        return (x + STEP * wind, v + STEP * action[0] / mass + gust * blow), -x * x, x > END


def linear_policy(gain):
    """A checkpoint that acts by a = -gain @ obs."""
    layer = Layer(-np.array([gain], np.float32), np.zeros(1, np.float32), Activation.IDENTITY)
    return replace(checkpoint_of(Mlp((layer,))), actor_head=ActorHead.CLIPPED, gamma=0.9)


def chain_values(share, gamma):
    """Solve the chain's Bellman equation, where a share of the steps goes either way: values of places."""
    step_on = 1 - share / 2
    moves = np.zeros((10, 10))
    rewards = np.full(10, -1.0)
    for place in range(10):
        if place < 9:
            moves[place, place + 1] += step_on
        else:
            rewards[place] += 2 * step_on
        moves[place, place - 1 if place > 1 else place] += 1 - step_on
    return np.linalg.solve(np.eye(10) - gamma * moves, rewards)


def always_on(n_actions=2):
    """A checkpoint that takes the last action everywhere, also where it draws actions."""
    bias = 100 * np.arange(n_actions, dtype=np.float32)
    layer = Layer(np.zeros((n_actions, 2), np.float32), bias, Activation.IDENTITY)
    return replace(checkpoint_of(Mlp((layer,))), actor_head=ActorHead.ARGMAX)


def chain_critic(slope, level):
    """The chain's policy that goes on, with the critic V(place) = level + slope place."""
    layer = Layer(np.float32([[slope, 0]]), np.float32([level]), Activation.IDENTITY)
    return replace(always_on(), critics=(Mlp((layer,)),), gamma=0.9)


def critic_of(values):
    """Return a chain's policy with a critic that is V(place) = a + b place, as least squares has it."""
    return chain_critic(*np.polyfit(np.arange(10), values, 1))
