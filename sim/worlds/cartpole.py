"""Gymnasium's CartPole-v1: keep a pole upright by pushing the cart it stands on."""

import math
from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, cos, sin, symmetric
from valuescape.sim.worlds.base import (
    ActionSpace,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

STEP_S = 0.02
MAX_DISTANCE, MAX_ANGLE = 2.4, math.radians(12)

ONE, TWO, HALF, FOUR_THIRDS = np.float32(1), np.float32(2), np.float32(0.5), np.float32(4 / 3)
STEP = np.float32(STEP_S)
RIM, TILT = np.float32(MAX_DISTANCE), np.float32(MAX_ANGLE)
START = np.float32(0.05)


class CartPole(ElementwiseWorld):
    """A pole on a cart, pushed left or right with 10 N. Reward 1 a step, the last one too.

    `pole_length` is the whole pole's; Gymnasium's `length` is half of it.

    Terminates with the cart beyond +-2.4 m or the pole beyond +-12 degrees; truncates after 500 steps of
    0.02 s. Gymnasium's observation space is twice as wide, so that the state that ends an episode is inside;
    the bounds here are the window of the map.
    """

    name = "cartpole"
    goal = "keep the pole upright and the cart on its track"
    termination = "failure"
    source = (
        "Gymnasium 1.x, envs/classic_control/cartpole.py (CartPole-v1); "
        "Barto, Sutton and Anderson (1983); Florian, Correct equations for the cart-pole (2005)"
    )
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("cart position", "m", -MAX_DISTANCE, MAX_DISTANCE),
        Variable("cart velocity", "m/s", -3.0, 3.0),
        Variable("pole angle", "rad", -MAX_ANGLE, MAX_ANGLE),
        Variable("pole velocity", "rad/s", -3.0, 3.0),
    )
    obs: ClassVar[tuple[Variable, ...]] = state
    action: ClassVar[ActionSpace] = DiscreteAction(("push left", "push right"))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gravity", "m/s²", 9.8, 0.0, 50.0),
        Parameter("cart_mass", "kg", 1.0, 0.1, 10.0),
        Parameter("pole_mass", "kg", 0.1, 0.01, 2.0),
        Parameter("pole_length", "m", 1.0, 0.2, 5.0),
        Parameter("force", "N", 10.0, 0.0, 50.0),
    )
    map_axes = (0, 2)
    step_s = STEP_S
    max_episode_steps = 500
    reset_draws = 4

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start almost at rest and upright: each variable uniform in +-0.05."""
        return (
            symmetric(draws[0], START),
            symmetric(draws[1], START),
            symmetric(draws[2], START),
            symmetric(draws[3], START),
        )

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one explicit Euler step; actions 0, 1 push left, right."""
        position, velocity, angle, turning = state
        gravity, cart_mass, pole_mass, pole_length, push = parameters
        mass, half_length = cart_mass + pole_mass, pole_length * HALF
        moment = pole_mass * half_length
        inertia, inertia_lost = half_length * FOUR_THIRDS, moment / mass
        force = (action[0] * TWO - ONE) * push  # NaN for NaN, which shows
        cosine, sine = cos(angle), sin(angle)
        drive = (force + moment * turning * turning * sine) / mass
        tipping = (gravity * sine - cosine * drive) / (inertia - inertia_lost * cosine * cosine)
        acceleration = drive - moment * tipping * cosine / mass
        position = position + STEP * velocity
        angle = angle + STEP * turning
        fallen = (position < -RIM) | (position > RIM) | (angle < -TILT) | (angle > TILT)
        return (position, velocity + STEP * acceleration, angle, turning + STEP * tipping), ONE, fallen
