"""A crowd of agents as Stable-Baselines3's VecEnv."""

import warnings
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from valuescape.envs.vector_env import CrowdVectorEnv
from valuescape.sim.errors import UsageError

Infos = list[dict[str, Any]]


class SB3VecEnv(VecEnv):  # type: ignore[misc]  # Stable-Baselines3 is optional: not followed
    """A crowd as learners of Stable-Baselines3 take it: it behaves as DummyVecEnv does.

    vec: made with autoreset_mode="SameStep"; `close` closes it. The environments are no objects: `get_attr`
    and `set_attr` are those of `vec`, and `env_method` calls its methods. `seed` gives each environment a
    seed of its own; `set_options` takes the options of `vec.reset`. If `vec` has copy=False, observations
    are views that the next step but one overwrites.
    """

    def __init__(self, vec: CrowdVectorEnv) -> None:
        """Raises UsageError for another autoreset mode."""
        if vec.mode is not AutoresetMode.SAME_STEP:
            raise UsageError(
                f"SB3VecEnv: autoreset_mode is {vec.mode.value}",
                'Stable-Baselines3 needs make_vec(..., autoreset_mode="SameStep")',
            )
        self.vec = vec
        super().__init__(vec.num_envs, vec.single_observation_space, vec.single_action_space)
        self._actions: NDArray[Any] | None = None

    def reset(self) -> NDArray[np.float32]:
        """Start new episodes by the seeds and options that were given; return observations.

        Returns [num_envs, obs_dim] float32. Seeds and options hold for one reset. Raises ValueError for
        options that the world does not have or that differ between environments.
        """
        if any(options != self._options[0] for options in self._options):
            raise ValueError("set_options: the environments are one crowd; options are the same for all")
        seeded = any(seed is not None for seed in self._seeds)
        obs, _ = self.vec.reset(seed=self._seeds if seeded else None, options=self._options[0])
        self.reset_infos: Infos = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the next step, [num_envs, ...]; `step_wait` makes it."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], Infos]:
        """Return obs [num_envs, obs_dim] and rewards [num_envs] float32, dones [num_envs] bool, and infos.

        There is one info for each environment, with "TimeLimit.truncated". Where an episode ended it also has
        "terminal_observation", and the observation is that of the next start.
        """
        if self._actions is None:
            raise RuntimeError("step_wait without a step_async before it")
        obs, rewards, terminated, truncated, infos = self.vec.step(self._actions)
        self._actions = None
        each: Infos = [{"TimeLimit.truncated": False} for _ in range(self.num_envs)]
        dones = terminated | truncated
        for env in np.flatnonzero(dones):
            each[env]["TimeLimit.truncated"] = bool(truncated[env] and not terminated[env])
            each[env]["terminal_observation"] = infos["final_obs"][env]
        return obs, rewards.astype(np.float32), dones, each

    def close(self) -> None:
        """Close the crowd."""
        self.vec.close()

    def get_images(self) -> list[NDArray[np.uint8] | None]:
        """Return one picture of the whole crowd, or None for each environment without `render_mode`."""
        pictures = self.vec.render()
        if pictures is None:
            warnings.warn("there are no images: make_vec was called without render_mode", stacklevel=2)
            return [None] * self.num_envs
        return list(pictures)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return `vec.get_attr` for the environments `indices`."""
        values = self.vec.get_attr(attr_name)
        return [values[index] for index in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the crowd. Raises ValueError unless it is for all, or if it cannot be set."""
        self._require_all(attr_name, indices)
        self.vec.set_attr(attr_name, [value] * self.num_envs)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the crowd, once, and return its result once for each environment.

        Raises ValueError unless it is for all environments.
        """
        self._require_all(method_name, indices)
        return [getattr(self.vec, method_name)(*args, **kwargs)] * self.num_envs

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return False for each of the environments `indices`: wrappers are around the crowd, not inside."""
        return [False for _ in self._get_indices(indices)]

    def _require_all(self, name: str, indices: Any) -> None:
        if len(set(self._get_indices(indices))) != self.num_envs:
            raise ValueError(f"{name}: the environments are one crowd; it is for all of them or none")
