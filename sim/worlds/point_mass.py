"""A point mass on a line, to be brought to rest at the origin: the double integrator."""

from typing import ClassVar

import numpy as np

from sim.worlds.base import ActionSpace, BoolArray, ContinuousAction, Float32Array, Variable, World


class PointMass(World):
    """x'' = a with |a| <= 5: the double integrator, the textbook case of optimal control.

    Starts uniform in +-2 for position and velocity. The reward is that of the state acted in,
    -||state|| - 0.01 a^2. Terminates within 0.1 of the origin; truncates after 1,000 steps of 0.01 s.
    """

    name = "point_mass"
    source = "Bryson and Ho, Applied Optimal Control (1975), section 3.9"
    state: ClassVar[tuple[Variable, ...]] = (
        Variable("position", "m", -3.0, 3.0),
        Variable("velocity", "m/s", -5.0, 5.0),
    )
    obs: ClassVar[tuple[Variable, ...]] = state
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("acceleration", "m/s²", -5.0, 5.0),))
    step_s = 0.01
    max_episode_steps = 1000
    reset_draws = 2

    start_range = np.float32(2.0)
    goal_radius = np.float32(0.1)

    def reset(self, draws: Float32Array, out: Float32Array) -> None:
        """Start uniform in +-2 (metres, metres per second)."""
        np.multiply(draws, 2 * self.start_range, out=out)
        out -= self.start_range

    def step(
        self,
        state: Float32Array,
        action: Float32Array,
        out: Float32Array,
        reward: Float32Array,
        terminated: BoolArray,
    ) -> None:
        """Advance one classical Runge-Kutta (RK4) step.

        The action is constant over the step, so the four stages add up to the polynomial
        x + v h + a h^2 / 2, v + a h; a test compares it with a general RK4.
        """
        h = np.float32(self.step_s)
        position, velocity = state
        acceleration = action[0]
        out[0] = position + velocity * h + acceleration * (h * h / 2)
        out[1] = velocity + acceleration * h
        reward[:] = -np.sqrt(position * position + velocity * velocity)
        reward -= np.float32(0.01) * acceleration * acceleration
        np.less(out[0] * out[0] + out[1] * out[1], self.goal_radius**2, out=terminated)
