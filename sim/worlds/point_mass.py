"""A point mass on a line, to be brought to rest at the origin: the double integrator."""

from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, sqrt
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

STEP_S = 0.01
ONE, STEP, HALF_STEP_2 = np.float32(1), np.float32(STEP_S), np.float32(STEP_S**2 / 2)
START_RANGE, START_SPAN = np.float32(2), np.float32(4)
ACTION_COST = np.float32(0.01)


class PointMass(ElementwiseWorld):
    """x'' = a / mass with |a| <= 5: the double integrator, the textbook case of optimal control.

    Starts uniform in +-2 for position and velocity. The reward is that of the state acted in,
    -||state|| - 0.01 a^2. Terminates within 0.1 of the origin; truncates after 1,000 steps of 0.01 s.
    """

    name = "point_mass"
    goal = "come to rest at position 0"
    termination = "goal"
    source = "Bryson and Ho, Applied Optimal Control (1975), section 3.9"
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("position", "m", -3.0, 3.0),
        Variable("velocity", "m/s", -5.0, 5.0),
    )
    obs: ClassVar[tuple[Variable, ...]] = state
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("acceleration", "m/s²", -5.0, 5.0),))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("mass", "kg", 1.0, 0.1, 10.0),
        Parameter("goal_radius", "m", 0.1, 0.01, 1.0),
    )
    step_s = STEP_S
    max_episode_steps = 1000
    reset_draws = 2

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start uniform in +-2 (metres, metres per second)."""
        return draws[0] * START_SPAN - START_RANGE, draws[1] * START_SPAN - START_RANGE

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one classical Runge-Kutta (RK4) step.

        The action is constant over the step, so the four stages add up to the polynomial
        x + v h + a h^2 / 2, v + a h; a test compares it with a general RK4.
        """
        position, velocity = state
        mass, goal_radius = parameters
        acceleration = action[0] * (ONE / mass)  # what is in brackets is computed once for all agents
        reward = -sqrt(position * position + velocity * velocity)
        reward = reward - ACTION_COST * action[0] * action[0]
        position = position + velocity * STEP + acceleration * HALF_STEP_2
        velocity = velocity + acceleration * STEP
        arrived = position * position + velocity * velocity < goal_radius * goal_radius
        return (position, velocity), reward, arrived
