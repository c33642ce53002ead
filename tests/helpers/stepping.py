"""One step of a world, for tests: arrays in, new arrays out; and random states and actions for it."""

import numpy as np

from valuescape.sim.worlds import DiscreteAction


def allocate(world, n):
    """Return out, reward and terminated for `n` agents, full of what no step would write."""
    return (
        np.full((len(world.state), n), np.nan, np.float32),
        np.full(n, np.nan, np.float32),
        np.ones(n, bool),
    )


def step(world, state, action):
    """Step `state` [state_dim, n]; return the next state, reward and terminated."""
    out, reward, terminated = allocate(world, state.shape[1])
    world.step(state, action, out, reward, terminated)
    return out, reward, terminated


def observe(world, state):
    """Return the observations of `state`."""
    out = np.full((len(world.obs), state.shape[1]), np.nan, np.float32)
    world.observe(state, out)
    return out


def reset(world, draws):
    """Return the start states that belong to `draws`."""
    out = np.full((len(world.state), draws.shape[1]), np.nan, np.float32)
    world.reset(draws, out)
    return out


def bounds(variables):
    """Return the variables' lower and upper bounds as float32 arrays."""
    return tuple(np.array([getattr(v, end) for v in variables], np.float32) for end in ("low", "high"))


def random_states(world, rng, n):
    """Return `n` random states from all over the map."""
    low, high = bounds(world.state)
    return rng.uniform(low[:, None], high[:, None], (len(low), n)).astype(np.float32)


def random_actions(world, rng, state):
    """Return uniformly random actions, as many as there are states."""
    n = state.shape[1]
    if isinstance(world.action, DiscreteAction):
        return rng.integers(world.action.n, size=(1, n)).astype(np.float32)
    low, high = world.action.low[:, None], world.action.high[:, None]
    return rng.uniform(low, high, (len(low), n)).astype(np.float32)
