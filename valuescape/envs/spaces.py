"""A world's Gymnasium spaces and specification, as Gymnasium's own environment of that name has them."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec

from valuescape.envs.world_env import gym_action_space
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import ElementwiseWorld, World, make_world

WORLD_OF_ID = {
    "MountainCar-v0": "mountain_car",
    "MountainCarContinuous-v0": "mountain_car_continuous",
    "Pendulum-v1": "pendulum",
    "CartPole-v1": "cartpole",
    "Acrobot-v1": "acrobot",
}
"""Gymnasium's names of the worlds that we have."""

_ID_OF_WORLD = {world: name for name, world in WORLD_OF_ID.items()}


def world_of(id: str) -> World:  # noqa: A002 (Gymnasium's name for it)
    """Return the world of that name, or of Gymnasium's id. Raises UsageError if there is none to be had."""
    world = make_world(WORLD_OF_ID.get(id, id))
    if not isinstance(world, ElementwiseWorld):
        raise UsageError(
            f"make_vec: the agents of {id} cannot start again one by one",
            "they see each other, or they live in environments of Gymnasium's own",
        )
    return world


def single_observation_space(world: World) -> spaces.Box:
    """Return the Box of one agent's observations, equal to Gymnasium's for its worlds.

    Unbounded for other worlds: their bounds are the window of a map, which an agent may leave.
    """
    if world.name == "cartpole":
        # Gymnasium doubles the bounds of what ends an episode, and has none for velocities.
        high = np.array([2 * world.obs[0].high, np.inf, 2 * world.obs[2].high, np.inf], np.float32)
        return spaces.Box(-high, high, dtype=np.float32)
    if world.name in _ID_OF_WORLD:
        low, high = (
            np.array([getattr(each, end) for each in world.obs], np.float32) for end in ("low", "high")
        )
        return spaces.Box(low, high, dtype=np.float32)
    return spaces.Box(-np.inf, np.inf, (len(world.obs),), np.float32)


def single_action_space(world: World) -> spaces.Space:
    """Return the Box or Discrete of one agent's actions."""
    return gym_action_space(world.action)


def make_spec(world: World, arguments: dict[str, Any]) -> EnvSpec:
    """Return what `gymnasium.make_vec` needs to make the crowd again, but for `num_envs`.

    arguments: what else `valuescape.make_vec` was called with.
    """
    return EnvSpec(
        id=_ID_OF_WORLD.get(world.name, world.name),
        max_episode_steps=world.max_episode_steps,
        kwargs={"id": world.name} | arguments,
        vector_entry_point="valuescape.envs.vector_env:make_from_spec",
    )
