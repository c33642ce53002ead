"""A world without forces, and linear actors and critics: their maps have closed forms."""

from dataclasses import replace

import numpy as np
from networks import checkpoint_of

from valuescape.api import ContinuousAction, ElementwiseWorld, Variable
from valuescape.sim.config.files import load_config
from valuescape.sim.insight.plane import MapPlane, own_plane
from valuescape.sim.insight.subject import MapRequest, Subject
from valuescape.sim.policy.network import Activation, Layer, Mlp

TENTH, FAR = np.float32(0.1), np.float32(0.9)


class Drift(ElementwiseWorld):
    """Agents move by a tenth of their action; an angle runs round; beyond x = 0.9 an episode ends."""

    name = "drift"
    state = obs = (
        Variable("x", "m", -1.0, 1.0),
        Variable("angle", "rad", -5.0, 5.0, periodic=True),
        Variable("depth", "m", 0.0, 4.0),
    )
    action = ContinuousAction((Variable("east", "m", -2.0, 2.0), Variable("turn", "rad", -60.0, 60.0)))
    step_s, max_episode_steps, reset_draws = 1.0, 10, 3

    @staticmethod
    def start(draws):
        return draws

    @staticmethod
    def dynamics(state, action):
        x, angle, depth = state
        return (x + TENTH * action[0], angle + TENTH * action[1], depth), action[0], x > FAR


def linear(weight, bias):
    """A network of one layer."""
    weight, bias = (np.array(each, np.float32) for each in (weight, bias))
    return Mlp((Layer(np.atleast_2d(weight), np.atleast_1d(bias), Activation.IDENTITY),))


def linear_checkpoint(slopes=(0, 0, 0), level=0.0, action=(0, 0)):
    """V = slopes @ state + level, and the same action everywhere."""
    critic = linear(slopes, level)
    actor = linear(np.zeros((len(action), len(slopes))), action)
    return replace(checkpoint_of(actor), critics=(critic,), gamma=0.9)


def request_of(checkpoint, *settings, other=None, edge=8, states=None, world=None):
    """What maps are asked for."""
    world = world or Drift()
    config = load_config(None, list(settings))
    plane: MapPlane = own_plane(world)
    return MapRequest(Subject(config, world, checkpoint, other), config.insight, plane, edge, states)
