"""Writes the agents' parameters into the arena, where ticks read them."""

import numpy as np

from valuescape.sim.shared.arena import Arena
from valuescape.sim.worlds import World
from valuescape.sim.worlds.parameters import agents_values


def give_parameters(arena: Arena, world: World, who: slice | np.ndarray = slice(None)) -> None:
    """Write the parameters of the agents `who`, a slice or indices, as `world.ranges` says.

    Call it once the seed is given: at the start, for agents that are added, after a change; not while a tick
    is made. Spread ones follow from seed and number of the agent, or where agents have keys of their own
    (`start_key`), from those. So an agent keeps its value however many others there are.
    """
    rows = arena["parameter"]
    if not len(rows):
        return
    keys = arena["start_key"]
    if len(keys):
        seed, agent = keys["seed"][who], keys["agent"][who]
    else:
        main = arena["main"][0]
        seed, agent = main["seed"], (np.arange(rows.shape[1]) + main["first_agent"])[who]
    rows[:, who] = agents_values(world.ranges, seed, agent)
