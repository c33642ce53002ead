"""Any environment of Gymnasium as a world: its flattened observation is the state."""

import difflib
import math
from typing import Any, ClassVar

from sim.errors import UsageError
from sim.worlds.base import (
    ActionSpace,
    ContinuousAction,
    DiscreteAction,
    Variable,
    World,
)

_WINDOW = 10.0
"""The map's window, to both sides, of an observation without finite bounds."""


class GymnasiumWorld(World):
    """A world that steps environment objects, one for each agent: see `sim.gym_stepper`."""

    source = "Gymnasium"
    reset_draws = 0
    env_id: ClassVar[str]


def gymnasium_world(env_id: str) -> World:
    """Return the world of the environment that Gymnasium registers as `env_id`.

    Raises UsageError if Gymnasium or the environment is missing, or if it has other spaces than a Box of
    two or more observed numbers and a Box or Discrete of actions, or no time limit.
    """
    env = make_env(env_id)
    try:
        name = f"gymnasium:{env_id}"
        limit = env.spec.max_episode_steps
        if not limit:
            raise _misfit(name, "has no time limit", "an environment with max_episode_steps")
        attributes: dict[str, Any] = {
            "name": name,
            "env_id": env_id,
            "max_episode_steps": int(limit),
            "step_s": 1 / (env.metadata.get("render_fps") or 60),
            "state": _state(env.observation_space, name),
            "action": _action(env.action_space, name),
        }
    finally:
        env.close()
    attributes["obs"] = attributes["state"]
    made: GymnasiumWorld = type("GymnasiumWorld", (GymnasiumWorld,), attributes)()
    return made


def make_env(env_id: str) -> Any:
    """Return a new environment. Raises UsageError if there is none of that id, or it lacks something."""
    try:
        import gymnasium
    except ModuleNotFoundError:
        raise UsageError(
            f"world.name: 'gymnasium:{env_id}' needs gymnasium, which is not installed",
            "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
        ) from None
    if env_id not in gymnasium.registry:  # nor a module's name before a colon, which would be imported
        near = difflib.get_close_matches(env_id, list(gymnasium.registry), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "expected an id as CartPole-v1"
        raise UsageError(f"world.name: Gymnasium has no environment {env_id!r}", hint)
    try:
        return gymnasium.make(env_id, disable_env_checker=True)
    except (gymnasium.error.Error, ImportError) as error:
        said = (str(error).splitlines() or [""])[0]
        raise UsageError(
            f"world.name: 'gymnasium:{env_id}' cannot be made: {type(error).__name__}: {said}"
        ) from error


def _state(space: Any, name: str) -> tuple[Variable, ...]:
    from gymnasium import spaces

    if not isinstance(space, spaces.Box) or math.prod(space.shape) < 2:
        raise _misfit(name, f"observes {space}", "a Box of two or more numbers")
    bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
    return tuple(Variable(f"obs[{i}]", "", *_window(*each)) for i, each in enumerate(bounds))


def _window(low: float, high: float) -> tuple[float, float]:
    """Return the bounds, where they are ones that a map can show."""
    shows = low < high and max(abs(low), abs(high)) < 1e6
    return (float(low), float(high)) if shows else (-_WINDOW, _WINDOW)


def _action(space: Any, name: str) -> ActionSpace:
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return DiscreteAction(tuple(str(space.start + i) for i in range(int(space.n))))
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and space.is_bounded():
        bounds = zip(space.low.tolist(), space.high.tolist(), strict=True)
        return ContinuousAction(tuple(Variable(f"action[{i}]", "", *each) for i, each in enumerate(bounds)))
    raise _misfit(name, f"acts in {space}", "a Discrete, or a bounded Box of one dimension")


def _misfit(name: str, found: str, expected: str) -> UsageError:
    return UsageError(f"world.name: {name!r} {found}", f"expected {expected}")
