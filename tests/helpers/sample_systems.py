"""Systems in the workers that tests compose with worlds: with parameters, memory and chance, or none."""

import numpy as np

from valuescape.api import AfterArrays, AfterStep, BeforeStep, Memory, Parameter, where
from valuescape.sim.worlds.systems.declared import System

KEPT, HALF, ZERO, ONE = np.float32(0.9), np.float32(0.5), np.float32(0), np.float32(1)
PATIENCE = np.float32(40)


def gust(step: AfterStep):
    """Push the second variable with a force that lasts."""
    (strength,) = step.parameters
    memory = step.memory[0] * KEPT + (step.draws[0] - HALF) * strength
    position, velocity = step.next_state
    return (position, velocity + memory), step.reward, step.terminated, (memory,)


def gust_arrays(step: AfterArrays):
    """Do the same with arrays."""
    step.memory[0] = step.memory[0] * KEPT + (step.draws[0] - HALF) * step.parameters[0]
    step.next_state[1] += step.memory[0]


def slip(step: BeforeStep):
    """Replace some of the actions by the number 0."""
    return (where(step.draws[0] < step.parameters[0], ZERO, step.action[0]),)


def lag(step: BeforeStep):
    """Act as the policy said a step ago."""
    return step.memory, step.action


def double(step: BeforeStep):
    """Act twice as much, beyond the action's bounds."""
    return (step.action[0] + step.action[0],)


def hurry(step: AfterStep):
    """Take another tenth of a point for every step of the episode, and end it after PATIENCE steps."""
    steps, total = step.memory
    steps = steps + ONE
    reward = step.reward - steps * np.float32(0.1)
    return step.next_state, reward, step.terminated | (steps > PATIENCE), (steps, total + step.reward)


WIND = Parameter("wind", "1/step²", 0.004, 0.0, 0.01)
GUST = Memory("gust", "1/step²", -0.01, 0.01, start=0.001)

wind = System("wind", "after", gust, parameters=(WIND,), memory=(GUST,), draws=1)
wind_arrays = System("wind", "after", gust_arrays, True, parameters=(WIND,), memory=(GUST,), draws=1)
slipping = System("slipping", "before", slip, parameters=(Parameter("slip", "", 0.1, 0.0, 1.0),), draws=1)
lagging = System("lagging", "before", lag, memory=(Memory("last", "", -1.0, 1.0),))
doubling = System("doubling", "before", double)
hurrying = System(
    "hurrying", "after", hurry, memory=(Memory("steps", "", 0.0, 200.0), Memory("total", "", -1.0, 0.0))
)
