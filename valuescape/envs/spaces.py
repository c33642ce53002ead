"""The Gymnasium spaces, metadata and specification of a world, equal to those of Gymnasium's own."""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from valuescape.envs.ids import WORLD_OF_ID
from valuescape.envs.world_env import gym_action_space
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds import ArrayWorld, World, make_world

_ID_OF_WORLD = {world: name for name, world in WORLD_OF_ID.items()}


def world_of(id: str) -> World:  # noqa: A002 (Gymnasium's name for it)
    """Return the world of that name, or of that id of Gymnasium's. Raises UsageError if it will not do."""
    world = make_world(WORLD_OF_ID.get(id, id))
    if not isinstance(world, ArrayWorld):
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
        # Gymnasium doubles the bounds at which an episode ends, and has none for velocities.
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


def make_metadata(world: World, mode: AutoresetMode) -> dict[str, Any]:
    """Return the metadata of a vector environment; frames per second are steps per simulated second."""
    fps = max(1, round(1 / world.step_s))
    return {"render_modes": ["rgb_array"], "render_fps": fps, "autoreset_mode": mode}


def checked_render_mode(render_mode: str | None, metadata: dict[str, Any]) -> str | None:
    """Return `render_mode`. Raises UsageError if it is neither None nor one of the metadata's."""
    if render_mode not in (None, *metadata["render_modes"]):
        raise UsageError(f"make_vec: render_mode={render_mode!r} is unknown", "expected rgb_array, or None")
    return render_mode


def make_spec(world: World, arguments: dict[str, Any]) -> EnvSpec:
    """Return the specification with which `gymnasium.make_vec` makes the crowd again, given `num_envs`.

    arguments: the other arguments of `valuescape.make_vec`.
    """
    return EnvSpec(
        id=_ID_OF_WORLD.get(world.name, world.name),
        max_episode_steps=world.max_episode_steps,
        kwargs={"id": world.name} | arguments,
        vector_entry_point="valuescape.envs.vector_env:make_from_spec",
    )
