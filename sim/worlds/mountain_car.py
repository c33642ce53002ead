"""Gymnasium's MountainCar-v0 and MountainCarContinuous-v0: rock an underpowered car out of a valley."""

from typing import ClassVar

import numpy as np

from sim.worlds.base import (
    ActionSpace,
    BoolArray,
    ContinuousAction,
    DiscreteAction,
    Float32Array,
    Variable,
    World,
)


class _Valley(World):
    """The valley both cars share: its state, its bounds, its start, its gravity."""

    state: ClassVar[tuple[Variable, ...]] = (
        Variable("position", "", -1.2, 0.6),
        Variable("velocity", "1/step", -0.07, 0.07),
    )
    obs: ClassVar[tuple[Variable, ...]] = state
    step_s = 1.0
    reset_draws = 1

    gravity = np.float32(0.0025)
    goal_position: ClassVar[np.float32]

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Start at rest, position uniform in [-0.6, -0.4]."""
        np.multiply(draws[0], np.float32(0.2), out=out[0])
        out[0] -= np.float32(0.6)
        out[1] = 0

    def roll(self, state: Float32Array, push: Float32Array, out: Float32Array, terminated: BoolArray) -> None:
        """Move one step under `push` [n] (velocity per step) and gravity; the left wall stops the car."""
        low, high = (np.float32(bound) for bound in (self.state[0].low, self.state[0].high))
        max_speed = np.float32(self.state[1].high)
        position, velocity = out
        velocity[:] = state[1] + push - np.cos(np.float32(3) * state[0]) * self.gravity
        np.clip(velocity, -max_speed, max_speed, out=velocity)
        np.add(state[0], velocity, out=position)
        np.clip(position, low, high, out=position)
        velocity[(position == low) & (velocity < 0)] = 0
        np.logical_and(position >= self.goal_position, velocity >= 0, out=terminated)


class MountainCar(_Valley):
    """Three actions; reward -1 a step; terminates at position 0.5; truncates after 200 steps."""

    name = "mountain_car"
    source = "Gymnasium 1.x, envs/classic_control/mountain_car.py (MountainCar-v0); Moore (1990)"
    action: ClassVar[ActionSpace] = DiscreteAction(("push left", "coast", "push right"))
    max_episode_steps = 200
    goal_position = np.float32(0.5)
    force = np.float32(0.001)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Advance one step; actions 0, 1, 2 push left, not at all, right."""
        self.roll(state, (action[0] - np.float32(1)) * self.force, out, terminated)
        reward[:] = -1


class MountainCarContinuous(_Valley):
    """A force in +-1; reward 100 at the goal less 0.1 force^2; terminates at 0.45; truncates after 999."""

    name = "mountain_car_continuous"
    source = "Gymnasium 1.x, envs/classic_control/continuous_mountain_car.py (MountainCarContinuous-v0)"
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("force", "", -1.0, 1.0),))
    max_episode_steps = 999
    goal_position = np.float32(0.45)
    power = np.float32(0.0015)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Advance one step under a force in +-1."""
        self.roll(state, action[0] * self.power, out, terminated)
        reward[:] = np.float32(-0.1) * action[0] * action[0]
        reward[terminated] += 100
