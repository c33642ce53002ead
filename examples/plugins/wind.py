"""Gusts of wind on the mountain car, each agent's its own: a system in the workers, with memory and chance.

    valuescape run valley --plugin examples/plugins/wind.py

`--set world.parameters.wind=0.0006` makes it stronger, `--set world.parameters.wind=0..0.001` gives each
agent a wind of its own strength. A gust is an autoregressive process of order one: it lasts about twenty
steps, and its standard deviation is the parameter. The car's engine pushes with 0.001, in the continuous
world with 0.0015.
"""

import math

import numpy as np

from valuescape.api import Memory, Parameter, clip, normal_pair, system

KEPT = np.float32(0.95)  # the share of a gust that is left after a step
NEW = np.float32(math.sqrt(1 - 0.95**2))
MAX_SPEED = np.float32(0.07)


@system(
    when="after",
    worlds=("mountain_car", "mountain_car_continuous"),
    parameters=(Parameter("wind", "1/step²", 0.0003, 0.0, 0.002),),
    memory=(Memory("gust", "1/step²", -0.002, 0.002, start=0.0),),
    draws=2,
)
def wind(step):
    """Let a gust push the car after its own step."""
    (strength,) = step.parameters
    (gust,) = step.memory
    noise, _ = normal_pair(step.draws[0], step.draws[1])
    gust = KEPT * gust + NEW * strength * noise
    position, velocity = step.next_state
    velocity = clip(velocity + gust, -MAX_SPEED, MAX_SPEED)
    return (position, velocity), step.reward, step.terminated, (gust,)
