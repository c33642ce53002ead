"""A crowd of agents as Stable-Baselines3's VecEnv."""

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from sim.errors import UsageError
from valuescape.vector_env import CrowdVectorEnv

Infos = list[dict[str, Any]]


class SB3VecEnv(VecEnv):  # type: ignore[misc]  # Stable-Baselines3 is optional: not followed
    """What DummyVecEnv would be of the crowd's environments, for learners of Stable-Baselines3.

    `vec` must have been made with autoreset_mode="SameStep"; closing this closes it. There are no
    environments to call: `get_attr` reads attributes of `vec`, the same for all, and `env_method` calls its
    methods.
    With `copy=False` observations are views that the next step but one overwrites.
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
        """Start new episodes, from the seed that `seed` was given if it was; return obs [num_envs, obs_dim].

        Raises ValueError for options: the worlds have none.
        """
        if any(self._options):
            raise ValueError("set_options: the worlds have no options")
        obs, _ = self.vec.reset(seed=self._seeds[0])
        self.reset_infos: Infos = [{} for _ in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return obs

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the next step, [num_envs, ...]; `step_wait` makes it."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], Infos]:
        """Return obs, rewards (float32), dones and one info for each environment.

        An info has "TimeLimit.truncated", and "terminal_observation" where an episode ended; the observation
        is then that of the next start.
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

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the crowd's attribute once for each environment of `indices`."""
        return [getattr(self.vec, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the crowd. Raises ValueError unless it is for all environments."""
        self._require_all(attr_name, indices)
        setattr(self.vec, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the crowd, once, and return its result once for each environment.

        Raises ValueError unless it is for all environments.
        """
        self._require_all(method_name, indices)
        return [getattr(self.vec, method_name)(*args, **kwargs)] * self.num_envs

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return False for each environment of `indices`."""
        return [False for _ in self._get_indices(indices)]

    def _require_all(self, name: str, indices: Any) -> None:
        if len(set(self._get_indices(indices))) != self.num_envs:
            raise ValueError(f"{name}: the environments are one crowd; it is for all of them or none")
