"""Gymnasium's MountainCar-v0 and MountainCarContinuous-v0: rock an underpowered car out of a valley."""

from typing import ClassVar

import numpy as np

from valuescape.sim.elementwise import Element, clip, cos, where
from valuescape.sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    DiscreteAction,
    Elements,
    ElementwiseWorld,
    Parameter,
    Variable,
)

ZERO, ONE, THREE = np.float32(0), np.float32(1), np.float32(3)
LEFT_WALL, RIGHT_EDGE = np.float32(-1.2), np.float32(0.6)
MAX_SPEED = np.float32(0.07)
GRAVITY = Parameter("gravity", "1/step²", 0.0025, 0.0, 0.01)
START_LOW, START_SPAN = np.float32(-0.6), np.float32(0.2)
GOAL_REWARD = np.float32(100)
FORCE_COST = np.float32(0.1)


def roll(state: Elements, push: Element, gravity: Element) -> Elements:
    """Return position and velocity after a step under `push` and gravity; the left wall stops the car."""
    position, velocity = state
    velocity = clip(velocity + push - cos(THREE * position) * gravity, -MAX_SPEED, MAX_SPEED)
    position = clip(position + velocity, LEFT_WALL, RIGHT_EDGE)
    return position, where((position == LEFT_WALL) & (velocity < ZERO), ZERO, velocity)


class _Valley(ElementwiseWorld):
    """The valley both cars share: its state, its bounds, its start."""

    state: ClassVar[tuple[Variable, ...]] = (
        Variable("position", "", -1.2, 0.6),
        Variable("velocity", "1/step", -0.07, 0.07),
    )
    obs: ClassVar[tuple[Variable, ...]] = state
    step_s = 1.0
    reset_draws = 1

    @staticmethod
    def start(draws: Elements) -> Elements:
        """Start at rest, position uniform in [-0.6, -0.4]."""
        return draws[0] * START_SPAN + START_LOW, ZERO


class MountainCar(_Valley):
    """Three actions; reward -1 a step; terminates at position 0.5; truncates after 200 steps."""

    name = "mountain_car"
    goal = "reach the flag at position 0.5"
    termination = "goal"
    source = "Gymnasium 1.x, envs/classic_control/mountain_car.py (MountainCar-v0); Moore (1990)"
    action: ClassVar[ActionSpace] = DiscreteAction(("push left", "coast", "push right"))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        GRAVITY,
        Parameter("force", "1/step²", 0.001, 0.0, 0.01),
        Parameter("goal", "", 0.5, -0.3, 0.6),
    )
    max_episode_steps = 200

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one step; actions 0, 1, 2 push left, not at all, right."""
        gravity, force, goal = parameters
        position, velocity = roll(state, (action[0] - ONE) * force, gravity)
        return (position, velocity), -ONE, (position >= goal) & (velocity >= ZERO)


class MountainCarContinuous(_Valley):
    """A force in +-1; reward 100 at the goal less 0.1 force^2; terminates at 0.45; truncates after 999."""

    name = "mountain_car_continuous"
    goal = "reach the flag at position 0.45"
    termination = "goal"
    source = "Gymnasium 1.x, envs/classic_control/continuous_mountain_car.py (MountainCarContinuous-v0)"
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("force", "", -1.0, 1.0),))
    parameters: ClassVar[tuple[Parameter, ...]] = (
        GRAVITY,
        Parameter("power", "1/step²", 0.0015, 0.0, 0.01),
        Parameter("goal", "", 0.45, -0.3, 0.6),
    )
    max_episode_steps = 999

    @staticmethod
    def dynamics(
        state: Elements, action: Elements, parameters: Elements
    ) -> tuple[Elements, Element, Element]:
        """Advance one step under a force in +-1."""
        force = action[0]
        gravity, power, goal = parameters
        position, velocity = roll(state, force * power, gravity)
        terminated = (position >= goal) & (velocity >= ZERO)
        reward = where(terminated, GOAL_REWARD, ZERO) - FORCE_COST * force * force
        return (position, velocity), reward, terminated
