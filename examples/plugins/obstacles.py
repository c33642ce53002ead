"""Obstacles for the robots, and a map of them: a system in the workers and a map layer in NumPy.

    valuescape run demo --plugin examples/plugins/obstacles.py --set world.name=differential_drive \
        --set heatmap.layer=clearance --set heatmap.beside=value

A robot that would drive into a disc stays where it is, and its reward is lower. The critic has never seen a
disc: the map of its values, at the right, promises too much to the robots before them.
"""

import numpy as np

from valuescape.api import LayerLook, map_layer, maximum, minimum, sqrt, system, where

DISCS = np.array([(-1.2, 0.9, 0.35), (0.9, 1.3, 0.45), (1.3, -0.8, 0.3), (-0.6, -1.2, 0.4)], np.float32)
EACH = tuple(tuple(disc) for disc in DISCS)  # (x, y, radius), m
PENALTY = np.float32(0.5)
FAR = np.float32(10)
ZERO = np.float32(0)


def distance(x, y):
    """Return the distance to the nearest disc's edge, m; negative inside a disc."""
    nearest = x * ZERO + FAR
    for disc_x, disc_y, radius in EACH:
        across, up = x - disc_x, y - disc_y
        nearest = minimum(nearest, sqrt(across * across + up * up) - radius)
    return nearest


@system(when="after", worlds=("differential_drive",))
def obstacles(step):
    """Let a robot that would drive into a disc turn on the spot instead."""
    x, y, heading = step.next_state
    hit = distance(x, y) < ZERO
    x, y = where(hit, step.state[0], x), where(hit, step.state[1], y)
    return (x, y, heading), where(hit, step.reward - PENALTY, step.reward), step.terminated


@map_layer(LayerLook("clearance", "m", "distance to the nearest obstacle", low=0.0, contours=True))
def clearance(at):
    """Return the distance from each place of the map to the nearest obstacle, m."""
    return maximum(distance(at.x, at.y), ZERO)
