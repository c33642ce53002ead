"""Makes a world of any environment of Gymnasium.

Its state is the flattened observation. Of Gymnasium's classic control it is the environment's own state, with
the names and the windows that this program's worlds have.
"""

import contextlib
import difflib
import importlib
import math
import traceback
from pathlib import Path
from typing import Any, ClassVar

import multiprocess
import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import (
    ActionSpace,
    ArrayWorld,
    ContinuousAction,
    DiscreteAction,
    Variable,
    World,
)
from valuescape.sim.worlds.gym_results import NotANumberError, ResultError, observed_at_reset, stepped
from valuescape.sim.worlds.gym_state import StateTrial, read_state, try_states, twin_of

_NAME = "gymnasium:"
_WINDOW = 10.0
"""Half the width of the map's window for an observation without finite bounds."""


class GymnasiumWorld(World):
    """A world of environment objects, one for each agent; `sim.stepping.gym_stepper` steps them."""

    source = "Gymnasium"
    reset_draws = 0
    env_id: ClassVar[str]
    twin: ClassVar[ArrayWorld | None] = None
    """The world that has the same state and observation; None where the state is the observation."""

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` [state_dim, n] into `out` [obs_dim, n]."""
        if self.twin is None:
            super().observe(state, out)
        else:
            self.twin.observe(state, out)

    def state_in(self, env: Any, obs: Float32Array) -> Float32Array:
        """Return the state [state_dim] of an environment that observes `obs` [obs_dim], which may be it."""
        return obs if self.twin is None else read_state(env).astype(np.float32)


def gymnasium_world(env_id: str) -> World:
    """Return the world of the environment that is registered with Gymnasium as `env_id`.

    `module:ID` imports the module first, which must register it. Raises UsageError if Gymnasium or the
    environment is missing; if it cannot be made; if it does not observe a Box of two or more numbers, act
    in a Box or Discrete, and have a time limit; or if its first `reset` or `step` breaks Gymnasium's rules.
    """
    env = make_env(env_id)
    name = f"{_NAME}{env_id}"
    try:
        world = _world_of(env, name, env_id)
        if multiprocess.parent_process() is None:  # workers need not try it again
            _try(env, world)
    finally:
        with contextlib.suppress(Exception):  # an error of the user's close would hide the one that counts
            env.close()
    return world


def _world_of(env: Any, name: str, env_id: str) -> GymnasiumWorld:
    limit = env.spec.max_episode_steps
    if not limit:
        raise _misfit(name, "has no time limit", "an environment with max_episode_steps")
    for needed in ("observation_space", "action_space"):
        if not hasattr(env.unwrapped, needed):
            raise _misfit(name, f"has no {needed}", "one of gymnasium.spaces, set in __init__")
    attributes: dict[str, Any] = {
        "name": name,
        "env_id": env_id,
        "max_episode_steps": int(limit),
        "step_s": 1 / (env.metadata.get("render_fps") or 60),
        "action": _action(env.action_space, name),
    }
    attributes["state"] = attributes["obs"] = _state(env.observation_space, name)
    if twin := twin_of(env):
        attributes["twin"] = twin
        attributes |= {key: getattr(twin, key) for key in ("state", "obs", "map_axes", "map_slice")}
    made: GymnasiumWorld = type("GymnasiumWorld", (GymnasiumWorld,), attributes)()
    return made


def _try(env: Any, world: GymnasiumWorld) -> None:
    """Reset and step once. Raises UsageError if that fails, or returns something that is not allowed.

    NaN is left to the run, which can name its tick.
    """
    try:
        observed_at_reset(env.reset(seed=0), len(world.obs))
        stepped(env.step(_any_action(env.action_space)), len(world.obs))
    except NotANumberError:
        pass
    except ResultError as error:
        raise UsageError(f"world.name: {world.name!r}: {error}", _CHECK) from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"world.name: {world.name!r} cannot be used: {_told(error)}", _CHECK) from error


_CHECK = "expected Gymnasium's reset(seed, options) and step(action); gymnasium.utils.env_checker tells more"


def _any_action(space: Any) -> Any:
    """Return an action in the middle of the space."""
    if hasattr(space, "low"):
        return ((space.low + space.high) / 2).astype(space.dtype)
    return int(space.start)


def try_states_of(world: GymnasiumWorld) -> StateTrial:
    """Return whether agents of a world can be put into states; makes and closes an environment."""
    env = make_env(world.env_id)
    low, high = (
        np.array([getattr(each, end) for each in world.state], np.float32) for end in ("low", "high")
    )
    try:
        return try_states(env, world.observe, low, high)
    finally:
        with contextlib.suppress(Exception):  # as in `gymnasium_world`
            env.close()


def make_env(env_id: str, *, time_limit: bool = True) -> Any:
    """Return a new environment. Raises UsageError if there is none of that id, or it cannot be made.

    time_limit: whether episodes are truncated after the `max_episode_steps` that it is registered with.
    """
    try:
        import gymnasium
    except ModuleNotFoundError:
        raise UsageError(
            f"world.name: '{_NAME}{env_id}' needs gymnasium, which is not installed",
            "pip install 'valuescape[train]' (in a clone: pip install -e '.[train]')",
        ) from None
    module, colon, registered = env_id.rpartition(":")
    if colon:
        _import(module, env_id)
    if registered not in gymnasium.registry:
        near = difflib.get_close_matches(registered, list(gymnasium.registry), n=3)
        where = "an id as CartPole-v1, module:ID, or --world-file with a file that registers it"
        hint = f"did you mean {' or '.join(near)}?" if near else f"expected {where}"
        raise UsageError(f"world.name: Gymnasium has no environment {env_id!r}", hint)
    try:
        limit = {} if time_limit else {"max_episode_steps": -1}
        return gymnasium.make(registered, disable_env_checker=True, **limit)
    except (Exception, SystemExit) as error:
        said = f"world.name: '{_NAME}{env_id}' cannot be made: {_told(error)}"
        raise UsageError(said, f"expected that gymnasium.make({registered!r}) makes it") from error


def _import(module: str, env_id: str) -> None:
    """Import a module or package that registers environments, from where this Python finds modules.

    The current folder is not among those: a configuration can name the module, and one from a stranger must
    not bring its own code.
    """
    try:
        importlib.import_module(module)
    except Exception as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]
        hint = "install it, put its folder into PYTHONPATH, or name its file: --world-file" if missing else ""
        raise UsageError(
            f"world.name: '{_NAME}{env_id}': importing {module}: {_told(error)}", hint
        ) from error


def _told(error: BaseException) -> str:
    """Describe an error, with the last line of the user's code that it came through, on one line."""
    said = (str(error).splitlines() or [""])[0]
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not any(part in frame.filename for part in _NOT_THE_USERS)
    ]
    where = f"{Path(frames[-1].filename).name} line {frames[-1].lineno}: " if frames else ""
    return f"{where}{type(error).__name__}: {said}"


_NOT_THE_USERS = ("/gymnasium/", "/numpy/", "/importlib/", "<frozen", str(Path(__file__).parents[1]))
"""Parts of the paths of files that are not the user's."""


def _state(space: Any, name: str) -> tuple[Variable, ...]:
    from gymnasium import spaces

    if not isinstance(space, spaces.Box) or math.prod(space.shape) < 2:
        kind = f"{space}" if isinstance(space, spaces.Box | spaces.Discrete) else f"a {type(space).__name__}"
        raise _misfit(
            name, f"observes {kind}", "a Box of two or more numbers; gymnasium.wrappers can make one"
        )
    bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
    return tuple(Variable(f"obs[{i}]", "", *_window(*each)) for i, each in enumerate(bounds))


def _window(low: float, high: float) -> tuple[float, float]:
    """Return the bounds if a map can show them, else `_WINDOW` on both sides of 0."""
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
