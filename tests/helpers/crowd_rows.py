"""Rows of ticks as the arena has them, of worlds that are stepped right here."""

import numpy as np

from valuescape.sim.shared.layout import Ending


def crowd_rows(world, agents, ticks, act, seed=0):
    """Return state [ticks, state_dim, agents], reward and ending [ticks, agents].

    act: returns actions [action_dim, agents] for (states [state_dim, agents], random generator). Episodes end
    as in the engine: the tick of an end shows the last state, the next one the new start.
    """
    random = np.random.default_rng(seed)
    state = np.zeros((ticks, len(world.state), agents), np.float32)
    reward, ending = np.zeros((ticks, agents), np.float32), np.zeros((ticks, agents), np.uint8)
    began, terminated = np.zeros(agents, int), np.zeros(agents, bool)
    world.reset(random.random((world.reset_draws, agents), np.float32), state[0])
    for tick in range(1, ticks):
        action = np.asarray(act(state[tick - 1], random), np.float32)
        world.step(state[tick - 1], action, state[tick], reward[tick], terminated)
        cut = tick - began >= world.max_episode_steps
        ending[tick] = np.where(terminated, Ending.TERMINATED, cut * Ending.TRUNCATED)
        fresh = np.flatnonzero(ending[tick - 1])
        start = np.zeros((len(world.state), len(fresh)), np.float32)
        world.reset(random.random((world.reset_draws, len(fresh)), np.float32), start)
        state[tick][:, fresh], reward[tick, fresh], ending[tick, fresh] = start, 0, 0
        began[fresh] = tick
    return state, reward, ending
