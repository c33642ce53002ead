"""Gymnasium's Pendulum-v1: swing a pendulum up with less torque than its weight needs."""

import math
from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, clip, cos, sin, symmetric, wrap_angle
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

ONE, TWO, THREE, PI = np.float32(1), np.float32(2), np.float32(3), np.float32(math.pi)
STEP_S = 0.05
STEP = np.float32(STEP_S)
MAX_SPEED = np.float32(8)
SPEED_COST, TORQUE_COST = np.float32(0.1), np.float32(0.001)


class Pendulum(ElementwiseWorld):
    """The pendulum swing-up; angle 0 is upright. Never terminates; truncates after 200 steps of 0.05 s.

    The angle is not wrapped in the state (as in Gymnasium); the map wraps it. The reward is that of the
    state acted in: -(angle^2 + 0.1 speed^2 + 0.001 torque^2).
    """

    name = "pendulum"
    goal = "swing up and stay upright, at angle 0"
    termination = "never"
    source = "Gymnasium 1.x, envs/classic_control/pendulum.py (Pendulum-v1)"
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("angle", "rad", -np.pi, np.pi, periodic=True),
        Variable("angular speed", "rad/s", -8.0, 8.0),
    )
    obs: ClassVar[tuple[Variable, ...]] = (
        Variable("cos(angle)", "", -1.0, 1.0),
        Variable("sin(angle)", "", -1.0, 1.0),
        Variable("angular speed", "rad/s", -8.0, 8.0),
    )
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("torque", "N·m", -2.0, 2.0),))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gravity", "m/s²", 10.0, 0.0, 50.0),
        Parameter("mass", "kg", 1.0, 0.1, 10.0),
        Parameter("length", "m", 1.0, 0.2, 5.0),
    )
    step_s = STEP_S
    max_episode_steps = 200
    reset_draws = 2

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start uniform in +-pi rad and +-1 rad/s."""
        return symmetric(draws[0], PI), symmetric(draws[1], ONE)

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one semi-implicit Euler step."""
        angle, speed = state
        torque = action[0]
        gravity, mass, length = parameters
        pull = THREE * gravity / (TWO * length) * STEP
        push = THREE / (mass * length * length) * STEP
        wrapped = wrap_angle(angle)
        reward = -(wrapped * wrapped + SPEED_COST * speed * speed + TORQUE_COST * torque * torque)
        speed = clip(speed + pull * sin(angle) + push * torque, -MAX_SPEED, MAX_SPEED)
        return (angle + speed * STEP, speed), reward, False

    @staticmethod
    def observation(state: Elements) -> Elements:
        """Observe cosine and sine of the angle, and the angular speed."""
        angle, speed = state
        return cos(angle), sin(angle), speed
