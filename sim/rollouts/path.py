"""The states of one episode from a given state: what a rollout passes through."""

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.rollouts.conditions import Conditions
from valuescape.sim.rollouts.rules import RolloutRules
from valuescape.sim.rollouts.steps import Actor
from valuescape.sim.worlds.base import ArrayWorld

MOST = 2000
"""States of a path at most."""


def path_from(
    world: ArrayWorld, checkpoint: Checkpoint | None, rules: RolloutRules, state: Float32Array
) -> Float32Array:
    """Return the states [state_dim, n] of the first rollout from `state` [state_dim], that one included.

    It is the rollout that `StateRollouts.run` makes as number 0 from a state that is the first of its array;
    n is its steps + 1, or MOST. checkpoint: None for random actions.
    """
    actor, first = Actor(world.action, checkpoint, rules, 1), np.zeros(1, np.intp)
    conditions = Conditions(world, rules.seed, first, 0)
    path, now = [state.astype(np.float32)[:, None]], state.astype(np.float32)[:, None]
    for step in range(min(rules.max_steps, MOST - 1)):
        obs = np.empty((len(world.obs), 1), np.float32)
        world.observe(now, obs)
        action, _ = actor.act(obs, first, 0, step)
        now, _, terminated = conditions.step(now, action, step)
        path.append(now)
        if terminated[0]:
            break
    return np.concatenate(path, axis=1)
