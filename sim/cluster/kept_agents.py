"""The agents of which the main process of a run on a cluster has rows in every tick."""

import math

import numpy as np

from valuescape.sim.arrays import IndexArray

MOST_EVENLY = 2048
"""Agents at most that are kept evenly spaced: maps and numbers of the crowd are made from so many."""

FIRST = 256
"""The first agents are kept, too, which searches for findings watch."""


def step_of(agents: int) -> int:
    """Return the distance of agents that are kept evenly spaced; 1 if all are kept."""
    return max(1, math.ceil(agents / MOST_EVENLY))


def kept_agents(agents: int) -> IndexArray:
    """Return the numbers of the agents that are kept, ascending: all of a small crowd."""
    evenly, first = np.arange(0, agents, step_of(agents)), np.arange(min(FIRST, agents))
    return np.union1d(evenly, first).astype(np.intp)
