"""Attributes of a crowd's environments, as Gymnasium's vector environments offer them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv

from valuescape.sim.engine import Engine
from valuescape.sim.stepping.stepper import Stepper

_SINGLE = {"observation_space": "single_observation_space", "action_space": "single_action_space"}


class SharedAttributes(VectorEnv):  # type: ignore[misc]  # Gymnasium is optional: not followed
    """`get_attr`, `set_attr` and `call`, for environments that share all but their state."""

    engine: Engine
    _restarter: Stepper
    _tick: int
    _require: Callable[..., None]  # raises while a step is pending, and once closed
    _notes: set[str]  # names that `set_attr` has added

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return an attribute, once for each environment.

        `state` is each environment's own, a copy of [state_dim] float32. All others are attributes of the
        crowd or of its world, which the environments share. Raises AttributeError if neither has it.
        """
        if name == "state":
            self._require(reset=True)
            return tuple(self.engine.row("state", self._tick).T.copy())
        for owner, attribute in ((self, _SINGLE.get(name, name)), (self.engine.world, name)):
            if hasattr(owner, attribute):
                shared: tuple[Any, ...] = (getattr(owner, attribute),) * self.num_envs
                return shared
        raise AttributeError(f"{name}: neither the crowd nor its world {self.engine.world.name} has it")

    def set_attr(self, name: str, values: Any) -> None:
        """Set `state`, one for each environment or one for all; or add an attribute that all share.

        Raises ValueError for another number of values, for different values of a shared attribute, and for
        attributes that the world or the crowd is made with.
        """
        values = list(values) if isinstance(values, list | tuple) else [values] * self.num_envs
        if len(values) != self.num_envs:
            raise ValueError(f"{name}: {len(values)} values for {self.num_envs} environments")
        if name == "state":
            self._require(reset=True)
            self._set_states(values)
            return
        if name not in self._notes and (hasattr(self, name) or hasattr(self.engine.world, name)):
            raise ValueError(
                f"{name}: the environments share it and are made with it; for another one "
                "load a world file of your own and call make_vec again"
            )
        if any(value is not values[0] and value != values[0] for value in values):
            raise ValueError(f"{name}: the environments are one crowd and share one value, got several")
        self._notes.add(name)
        setattr(self, name, values[0])

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return an attribute, once for each environment, as `get_attr` does.

        Raises NotImplementedError for a method: there are no objects to call it of.
        """
        found = self.get_attr(name)
        if callable(found[0]) or args or kwargs:
            raise NotImplementedError(
                f"call({name!r}): the environments are one crowd, without objects of their own; "
                "use what the vector environment itself can do"
            )
        return found

    def _set_states(self, values: list[Any]) -> None:
        state = np.array(values, np.float32).T
        expected = (len(self.engine.world.state), self.num_envs)
        if state.shape != expected:
            raise ValueError(f"state: expected {expected[0]} numbers for each environment")
        self._restarter.place(np.arange(self.num_envs), self._tick, state)
