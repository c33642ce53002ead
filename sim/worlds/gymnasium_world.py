"""Makes a world of any environment of Gymnasium, registered or of the user's own.

Its state is what it observes, with one number in the place of each one-hot row. Of Gymnasium's classic
control it is the environment's own state, with the names and the windows that this program's worlds have.
"""

from typing import Any, ClassVar

import multiprocess
import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.worlds.base import ArrayWorld, ElementwiseWorld, World
from valuescape.sim.worlds.gym_actions import ActedSpace
from valuescape.sim.worlds.gym_making import Making, closed, stated_limit, told
from valuescape.sim.worlds.gym_results import NotANumberError, ResultError
from valuescape.sim.worlds.gym_spaces import ObservedSpace, UnfitSpaceError, grid_of
from valuescape.sim.worlds.gym_state import (
    StateTrial,
    StateWay,
    cell_way,
    read_state,
    row_way,
    try_states,
    twin_of,
)
from valuescape.sim.worlds.gym_trial import place_of_method, try_single


class GymnasiumWorld(World):
    """A world of environment objects; `sim.stepping.gym_stepper` steps them, one for each agent.

    Of a vectorised environment `sim.stepping.gym_vector_stepper` has one object for each worker.
    """

    source = "Gymnasium"
    reset_draws = 0
    making: ClassVar[Making]
    observed: ClassVar[ObservedSpace]
    acted: ClassVar[ActedSpace]
    twin: ClassVar[ArrayWorld | None] = None
    """The world that has the same state and observation; None where the state is what it observes."""

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` [state_dim, n] into `out` [obs_dim, n]."""
        if self.twin is None:
            self.observed.observe(state, out)
        else:
            self.twin.observe(state, out)

    def state_in(self, env: Any, observed: Float32Array) -> Float32Array:
        """Return the state [state_dim] of an environment. observed: as `ObservedSpace.states` reads it."""
        return observed[:, 0] if self.twin is None else read_state(env).astype(np.float32)

    @property
    def way(self) -> StateWay:
        """How states of its environments are read and written."""
        cells = self.observed.cells

        def flat(obs: Any) -> Float32Array:
            return self.obs_in(self.observed.states("step", obs))

        return cell_way(cells, flat) if cells else row_way(flat)

    def obs_in(self, observed: Float32Array) -> Float32Array:
        """Return the observation [obs_dim] that `ObservedSpace.states` has read."""
        seen = np.empty((len(self.obs), 1), np.float32)
        self.observed.observe(observed, seen)
        return seen[:, 0]


def is_one_environment(world: World) -> bool:
    """Return whether one vectorised environment steps all agents, so that they cannot be divided."""
    return isinstance(world, GymnasiumWorld) and world.making.is_vector


def gymnasium_world(making: Making) -> World:
    """Return the world of an environment.

    Raises UsageError if Gymnasium or the environment is missing; if it cannot be made; if what it observes
    cannot be shown, or agents cannot act in it; if it has no time limit; or if its first `reset` or `step`
    breaks Gymnasium's rules.
    """
    env = making.vector_env(2) if making.is_vector else making.env()
    try:
        world = _world_of(env, making)
        if multiprocess.parent_process() is None:  # workers need not try it again
            world.remarks = _try(env, world)
    finally:
        closed(env)
    return world


def _world_of(env: Any, making: Making) -> GymnasiumWorld:
    name, one = making.name, "single_" if making.is_vector else ""
    for needed in ("observation_space", "action_space"):
        if getattr(env, f"{one}{needed}", None) is None:
            raise _misfit(name, f"has no {one}{needed}", "one of gymnasium.spaces, set in __init__")
    try:
        observed = ObservedSpace(getattr(env, f"{one}observation_space"), grid_of(env))
        acted = ActedSpace(getattr(env, f"{one}action_space"))
    except UnfitSpaceError as error:
        raise _misfit(name, str(error), error.expected) from None
    attributes: dict[str, Any] = {
        "name": name,
        "making": making,
        "observed": observed,
        "acted": acted,
        "max_episode_steps": _limit(env, making),
        "step_s": 1 / ((getattr(env, "metadata", None) or {}).get("render_fps") or 60),
        "state": observed.state,
        "obs": observed.obs,
        "action": acted.action,
        "map_axes": observed.map_axes,
        "map_slice": observed.map_slice,
    }
    if twin := _twin(env, making):
        attributes["twin"] = twin
        attributes |= {key: getattr(twin, key) for key in ("state", "obs", "map_axes", "map_slice")}
    made: GymnasiumWorld = type("GymnasiumWorld", (GymnasiumWorld,), attributes)()
    return made


def _twin(env: Any, making: Making) -> ArrayWorld | None:
    """Return the world with the state of an environment; of vectorised ones, if they observe it."""
    if not making.is_vector:
        return twin_of(env)
    if not making.has_single:
        return None
    single = making.env()
    try:
        twin = twin_of(single)
    finally:
        closed(single)
    sees_state = isinstance(twin, ElementwiseWorld) and type(twin).observation is ElementwiseWorld.observation
    return twin if sees_state else None


def _limit(env: Any, making: Making) -> int:
    """Return the steps of an episode. Raises UsageError if neither environment nor configuration says."""
    found = making.limit or stated_limit(env)
    if not found:
        raise _misfit(
            making.name,
            "has no time limit",
            "one: --max-episode-steps 500 (world.max_episode_steps)",
        )
    return int(found)


def _try(env: Any, world: GymnasiumWorld) -> tuple[str, ...]:
    """Reset and step a few times; return remarks on what is observed.

    Raises UsageError if that fails, or returns something that is not allowed. NaN is left to the run, which
    can name its tick.
    """
    try:
        if world.making.is_vector:
            from valuescape.sim.worlds.gym_vector import try_vector

            try_vector(env, world.observed, world.acted)
            return ()
        found = try_single(env, world.observed, world.acted)
        return tuple(f"{world.name}{_place(env, each)}: {each}" for each in found)
    except NotANumberError:
        return ()
    except ResultError as error:
        said = f"world.name: {world.name!r}{_place(env, str(error))}: {error}"
        raise UsageError(said, _CHECK) from error
    except (Exception, SystemExit) as error:
        said = _OF_FOUR if "expected 5, got 4" in str(error) else f"cannot be used: {told(error)}"
        raise UsageError(f"world.name: {world.name!r} {said}", _CHECK) from error


def _place(env: Any, said: str) -> str:
    """Return where the method is that a message begins with: " (my_env.py line 25)"; "" if unknown."""
    place = place_of_method(env, said.partition(" ")[0])
    return f" ({place})" if place else ""


_OF_FOUR = (
    "cannot be used: step returns a tuple of 4: the old gym's way, expected "
    "(obs, reward, terminated, truncated, info)"
)
"""What wrappers of Gymnasium's say less clearly."""

_CHECK = "expected Gymnasium's reset(seed, options) and step(action); gymnasium.utils.env_checker tells more"


def try_states_of(world: GymnasiumWorld) -> StateTrial:
    """Return whether agents of a world can be put into states; makes and closes an environment."""
    if not world.making.has_single:
        return StateTrial("one object steps all its agents")
    env = world.making.env()
    low, high = (
        np.array([getattr(each, end) for each in world.state], np.float32) for end in ("low", "high")
    )
    try:
        return try_states(env, world.way, world.observe, low, high)
    finally:
        closed(env)


def _misfit(name: str, found: str, expected: str) -> UsageError:
    return UsageError(f"world.name: {name!r} {found}", f"expected {expected}")
