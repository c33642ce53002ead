"""A world without dynamics: its tick is the hand-over alone."""

from typing import ClassVar

import numpy as np

from valuescape.sim.worlds.base import ActionSpace, ContinuousAction, ElementwiseWorld, Variable

ZERO = np.float32(0)


class Empty(ElementwiseWorld):
    """A state of two constant numbers."""

    name = "empty"
    source = "none"
    state: ClassVar[tuple[Variable, ...]] = (Variable("x", "", -1.0, 1.0), Variable("y", "", -1.0, 1.0))
    obs: ClassVar[tuple[Variable, ...]] = state
    action: ClassVar[ActionSpace] = ContinuousAction((Variable("none", "", -1.0, 1.0),))
    step_s = 1.0
    max_episode_steps = 1_000_000_000
    reset_draws = 1

    @staticmethod
    def start(draws):
        return draws[0], ZERO

    @staticmethod
    def dynamics(state, action):
        return state, ZERO, False
