"""Gymnasium's Acrobot-v1: swing up a chain of two links with a motor in the joint between them."""

import math
from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, clip, cos, sin, symmetric, where, wrap_angle
from valuescape.sim.worlds.base import (
    ActionSpace,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

STEP_S = 0.2
TOP_SPEED_1, TOP_SPEED_2 = 4 * math.pi, 9 * math.pi

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
STEP, HALF_STEP, SIXTH_STEP = np.float32(STEP_S), np.float32(STEP_S / 2), np.float32(STEP_S / 6)
LINK_INERTIA = np.float32(1)  # kg m², of each link about its centre
MAX_SPEED_1, MAX_SPEED_2 = np.float32(TOP_SPEED_1), np.float32(TOP_SPEED_2)
START = np.float32(0.1)


def chain(parameters: Elements) -> Elements:
    """Return what the equations are made of: coupling, both inertias, both weights' torques.

    A link's centre is its middle. Division by the reciprocal gives the same bits as rounding 14.7 N·m once.
    """
    gravity, mass_1, mass_2, length_1, length_2 = parameters
    centre_1, centre_2 = length_1 * HALF, length_2 * HALF
    inertia_2 = mass_2 * centre_2 * centre_2 + LINK_INERTIA
    inertia_1 = mass_1 * centre_1 * centre_1 + mass_2 * length_1 * length_1 + LINK_INERTIA + inertia_2
    weight_1 = gravity / (ONE / (mass_1 * centre_1 + mass_2 * length_1))
    return mass_2 * length_1 * centre_2, inertia_1, inertia_2, weight_1, mass_2 * centre_2 * gravity


def derivative(state: Elements, torque: Element, links: Elements) -> Elements:
    """Return how fast each of the four state variables changes under a torque (N·m) on the second joint.

    links: as `chain` returns them. These are the book's equations, with the term in `speed_1**2` that the
    paper of 1996 lacks.
    """
    angle_1, angle_2, speed_1, speed_2 = state
    coupling, inertia_1, inertia_2, weight_1, weight_2 = links
    bend, side = coupling * cos(angle_2), coupling * sin(angle_2)
    d1, d2 = inertia_1 + TWO * bend, inertia_2 + bend
    phi_2 = weight_2 * sin(angle_1 + angle_2)
    phi_1 = weight_1 * sin(angle_1) + phi_2 - side * speed_2 * (speed_2 + TWO * speed_1)
    ratio = d2 / d1
    turning_2 = (torque + ratio * phi_1 - side * speed_1 * speed_1 - phi_2) / (inertia_2 - ratio * d2)
    turning_1 = -(d2 * turning_2 + phi_1) / d1
    return speed_1, speed_2, turning_1, turning_2


def advance(state: Elements, slope: Elements, seconds: Element) -> Elements:
    """Return the state after moving along a constant `slope`."""
    return (
        state[0] + seconds * slope[0],
        state[1] + seconds * slope[1],
        state[2] + seconds * slope[2],
        state[3] + seconds * slope[3],
    )


class Acrobot(ElementwiseWorld):
    """Two links of 1 m and 1 kg; torque -1, 0 or +1 N·m. Reward -1 a step, 0 for the one that arrives.

    Angle 1 is 0 when the first link hangs down; angle 2 is that of the second relative to the first.
    Terminates with the free end 1 m above the fixed one; truncates after 500 steps of 0.2 s.
    """

    name = "acrobot"
    goal = "swing the free end 1 m above the fixed one"
    termination = "goal"
    source = (
        "Gymnasium 1.x, envs/classic_control/acrobot.py (Acrobot-v1); "
        "Sutton and Barto, Reinforcement Learning (1998), section 11.3"
    )
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("angle 1", "rad", -math.pi, math.pi, periodic=True),
        Variable("angle 2", "rad", -math.pi, math.pi, periodic=True),
        Variable("velocity 1", "rad/s", -TOP_SPEED_1, TOP_SPEED_1),
        Variable("velocity 2", "rad/s", -TOP_SPEED_2, TOP_SPEED_2),
    )
    obs: ClassVar[tuple[Variable, ...]] = (
        Variable("cos(angle 1)", "", -1.0, 1.0),
        Variable("sin(angle 1)", "", -1.0, 1.0),
        Variable("cos(angle 2)", "", -1.0, 1.0),
        Variable("sin(angle 2)", "", -1.0, 1.0),
        *state[2:],
    )
    action: ClassVar[ActionSpace] = DiscreteAction(("torque -1", "no torque", "torque +1"))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gravity", "m/s²", 9.8, 0.1, 50.0),
        Parameter("mass_1", "kg", 1.0, 0.1, 10.0),
        Parameter("mass_2", "kg", 1.0, 0.1, 10.0),
        Parameter("length_1", "m", 1.0, 0.2, 5.0),
        Parameter("length_2", "m", 1.0, 0.2, 5.0),
    )
    step_s = STEP_S
    max_episode_steps = 500
    reset_draws = 4

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start hanging down almost at rest: each variable uniform in +-0.1."""
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
        """Advance one classical Runge-Kutta (RK4) step; actions 0, 1, 2 are torques of -1, 0, +1 N·m."""
        torque, links = action[0] - ONE, chain(parameters)
        k1 = derivative(state, torque, links)
        k2 = derivative(advance(state, k1, HALF_STEP), torque, links)
        k3 = derivative(advance(state, k2, HALF_STEP), torque, links)
        k4 = derivative(advance(state, k3, STEP), torque, links)
        moved = advance(advance(state, k1, SIXTH_STEP), k4, SIXTH_STEP)
        moved = advance(advance(moved, k2, TWO * SIXTH_STEP), k3, TWO * SIXTH_STEP)
        angle_1, angle_2 = wrap_angle(moved[0]), wrap_angle(moved[1])
        speed_1 = clip(moved[2], -MAX_SPEED_1, MAX_SPEED_1)
        speed_2 = clip(moved[3], -MAX_SPEED_2, MAX_SPEED_2)
        length_1, length_2 = parameters[3:]
        arrived = -(length_1 * cos(angle_1)) - length_2 * cos(angle_1 + angle_2) > ONE
        return (angle_1, angle_2, speed_1, speed_2), where(arrived, ZERO, -ONE), arrived

    @staticmethod
    def observation(state: Elements) -> Elements:
        """Observe cosine and sine of both angles, and both velocities."""
        angle_1, angle_2, speed_1, speed_2 = state
        return cos(angle_1), sin(angle_1), cos(angle_2), sin(angle_2), speed_1, speed_2
