"""A robot with two driven wheels, to be brought to the origin; it cannot go sideways."""

import math
from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, cos, sin, sqrt, wrap_angle
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

STEP_S, TOP_SPEED = 0.1, 0.5

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
PI = np.float32(math.pi)
HALF_STEP = np.float32(STEP_S / 2)
SIXTH, TWENTIETH = np.float32(1 / 6), np.float32(1 / 20)
START = np.float32(2)
EFFORT = np.float32(0.1)


class DifferentialDrive(ElementwiseWorld):
    """Wheels 0.3 m apart, each at up to 0.5 m/s either way; heading 0 looks along x.

    Starts uniform in a square of +-2 m, at any heading. It observes where the origin is: so far ahead, so far
    to the left. The reward is that of the state acted in, -distance - 0.1 (left^2 + right^2). Terminates
    within 0.1 m of the origin; truncates after 300 steps of 0.1 s.
    """

    name = "differential_drive"
    goal = "drive to the origin"
    termination = "goal"
    source = (
        "LaValle, Planning Algorithms (2006), section 13.1.2.2; the exact arc as in Dudek and Jenkin, "
        "Computational Principles of Mobile Robotics (2000), chapter 3"
    )
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("x", "m", -2.5, 2.5),
        Variable("y", "m", -2.5, 2.5),
        Variable("heading", "rad", -math.pi, math.pi, periodic=True),
    )
    obs: ClassVar[tuple[Variable, ...]] = (
        Variable("goal ahead", "m", -3.6, 3.6),
        Variable("goal to the left", "m", -3.6, 3.6),
    )
    action: ClassVar[ActionSpace] = ContinuousAction(
        (
            Variable("left wheel", "m/s", -TOP_SPEED, TOP_SPEED),
            Variable("right wheel", "m/s", -TOP_SPEED, TOP_SPEED),
        )
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("track", "m", 0.3, 0.15, 1.0),
        Parameter("goal_radius", "m", 0.1, 0.01, 1.0),
    )
    step_s = STEP_S
    max_episode_steps = 300
    reset_draws = 3

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start anywhere in the square, looking anywhere."""
        return (
            (draws[0] * TWO - ONE) * START,
            (draws[1] * TWO - ONE) * START,
            (draws[2] * TWO - ONE) * PI,
        )

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one step along the exact arc of constant wheel speeds.

        The chord of an arc that turns by 2a is sin(a) / a of its length, in the direction half-way. Here
        |a| <= 1/6, where three terms of the series give sin(a) / a to 5e-9, and no division by a straight
        line's zero is needed; with the least track |a| <= 1/3, and it is 3e-7.
        """
        x, y, heading = state
        left, right = action
        effort = EFFORT * (left * left + right * right)
        track, goal_radius = parameters
        half = (right - left) * (HALF_STEP * (ONE / track))
        square = half * half
        chord = (left + right) * HALF_STEP * (ONE - square * SIXTH * (ONE - square * TWENTIETH))
        reward = -sqrt(x * x + y * y) - effort
        x = x + chord * cos(heading + half)
        y = y + chord * sin(heading + half)
        heading = wrap_angle(heading + half + half)
        return (x, y, heading), reward, x * x + y * y < goal_radius * goal_radius

    @staticmethod
    def observation(state: Elements) -> Elements:
        """Observe the origin in the robot's frame: metres ahead, metres to the left."""
        x, y, heading = state
        cosine, sine = cos(heading), sin(heading)
        return -(x * cosine + y * sine), x * sine - y * cosine
