"""Gymnasium's Pendulum-v1: swing a pendulum up with less torque than its weight needs."""

from typing import ClassVar

import numpy as np

from sim.worlds.base import ActionSpace, BoolArray, ContinuousAction, Float32Array, Variable, World, wrap


class Pendulum(World):
    """The pendulum swing-up; angle 0 is upright. Never terminates; truncates after 200 steps of 0.05 s.

    The angle is not wrapped in the state (as in Gymnasium); the map wraps it. The reward is that of the
    state acted in: -(angle^2 + 0.1 speed^2 + 0.001 torque^2).
    """

    name = "pendulum"
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
    step_s = 0.05
    max_episode_steps = 200
    reset_draws = 2

    gravity = 10.0
    mass = 1.0
    length = 1.0
    max_speed = np.float32(8.0)

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Start uniform in +-pi rad and +-1 rad/s."""
        np.multiply(draws, np.float32(2), out=out)
        out -= np.float32(1)
        out[0] *= np.float32(np.pi)

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Advance one semi-implicit Euler step."""
        angle, speed = state
        torque = action[0]
        pull = np.float32(3 * self.gravity / (2 * self.length) * self.step_s)
        push = np.float32(3 / (self.mass * self.length**2) * self.step_s)
        wrapped = wrap(angle)
        reward[:] = -(
            wrapped * wrapped + np.float32(0.1) * speed * speed + np.float32(0.001) * torque * torque
        )
        out[1] = np.clip(speed + pull * np.sin(angle) + push * torque, -self.max_speed, self.max_speed)
        out[0] = angle + out[1] * np.float32(self.step_s)
        terminated[:] = False

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write cosine and sine of the angle, and the angular speed."""
        np.cos(state[0], out=out[0])
        np.sin(state[0], out=out[1])
        out[2] = state[1]
