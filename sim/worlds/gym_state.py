"""Environments of Gymnasium that are put into a state, which is read, written and tried out.

It is `env.unwrapped.state`, or the number of a cell, `env.unwrapped.s`.

Nothing that an environment says of itself is believed: one that is put into a state has to go on from there,
and from nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from valuescape.sim.arrays import Float32Array, Float64Array
from valuescape.sim.worlds.acrobot import Acrobot
from valuescape.sim.worlds.base import ArrayWorld
from valuescape.sim.worlds.cartpole import CartPole
from valuescape.sim.worlds.mountain_car import MountainCar, MountainCarContinuous
from valuescape.sim.worlds.pendulum import Pendulum

Observe = Callable[[Float32Array, Float32Array], None]
"""Writes the observations of states [state_dim, n] to [obs_dim, n], as `World.observe`."""

_CLASSES: dict[str, type[ArrayWorld]] = {
    "cartpole.CartPoleEnv": CartPole,
    "mountain_car.MountainCarEnv": MountainCar,
    "continuous_mountain_car.Continuous_MountainCarEnv": MountainCarContinuous,
    "pendulum.PendulumEnv": Pendulum,
    "acrobot.AcrobotEnv": Acrobot,
}
"""Gymnasium's classes in envs/classic_control, and the worlds that have the same state and observation."""

_TRIED, _STEPS = 6, 6
"""States that an environment is put into for a trial, and steps from each."""
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class StateTrial:
    """What was found when an environment was put into states."""

    reason: str
    """Why it cannot be put into a state, to follow "…:"; empty if it can."""
    random: bool = False
    """Whether chance has a part in what follows from a state."""


@dataclass(frozen=True, slots=True)
class StateWay:
    """How the states [state_dim] of an environment are read and written.

    name: of its attribute. read: raises ValueError if there is no such. flat: returns what it observes as
    [obs_dim] float32. whole: whether states are whole numbers.
    """

    name: str
    read: Callable[[Any], Float64Array]
    write: Callable[[Any, Float64Array], None]
    flat: Callable[[Any], Float32Array]
    whole: bool = False


class _UnfitError(Exception):
    """The trial failed; the message says why."""


def twin_of(env: Any) -> ArrayWorld | None:
    """Return the world that has the state and the observation of an environment; None if there is none.

    Known are Gymnasium's classic control environments and classes derived from them, unless a wrapper or the
    class observes something else. Resets and steps the environment.
    """
    names = {f"{each.__module__}.{each.__qualname__}" for each in type(env.unwrapped).__mro__}
    for name, world in _CLASSES.items():
        if f"gymnasium.envs.classic_control.{name}" in names:
            twin = world()
            try:
                way = row_way(lambda obs: np.ravel(np.asarray(obs, np.float32)))
                _require_observed(env, way, env.reset(seed=0)[0], twin.observe)
                _require_observed(env, way, env.step(env.action_space.sample())[0], twin.observe)
            except Exception:
                return None
            return twin
    return None


def read_state(env: Any) -> Float64Array:
    """Return `env.unwrapped.state`, [state_dim] float64, a new array. Raises ValueError if it is no such."""
    found = getattr(env.unwrapped, "state", None)
    try:
        values = np.array(found, np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if found is None or values.ndim != 1 or not len(values):
        raise ValueError("its environment has no `state` that is a row of numbers")
    return values


def write_state(env: Any, values: Float64Array) -> None:
    """Put an environment that was reset into the state `values` [state_dim], in the sequence that it has."""
    inner = env.unwrapped
    kind = type(inner.state)
    inner.state = kind(values.tolist()) if kind in (tuple, list) else values.astype(inner.state.dtype)


def cell_way(sizes: tuple[int, ...], flat: Callable[[Any], Float32Array]) -> StateWay:
    """Return the way to the states of an environment of numbered cells, which has the number as `s`."""

    def read(env: Any) -> Float64Array:
        found = getattr(env.unwrapped, "s", None)
        if not isinstance(found, int | np.integer) or not 0 <= found < np.prod(sizes):
            raise ValueError("its environment has no `s` that is the number of a cell")
        return np.array(np.unravel_index(int(found), sizes), np.float64)

    def write(env: Any, values: Float64Array) -> None:
        digits = np.clip(np.floor(values + 0.5), 0, np.array(sizes) - 1).astype(np.intp)
        env.unwrapped.s = int(np.ravel_multi_index(tuple(digits), sizes))

    return StateWay("s", read, write, flat, whole=True)


def row_way(flat: Callable[[Any], Float32Array]) -> StateWay:
    """Return the way to the states of an environment whose `state` is a row of numbers."""
    return StateWay("state", read_state, write_state, flat)


def seed_chance(env: Any, words: list[int]) -> None:
    """Let an environment that was reset draw the random numbers that `words` stand for from now on."""
    env.unwrapped.np_random = np.random.Generator(np.random.Philox(words))


def try_states(
    env: Any, way: StateWay, observe: Observe, low: Float32Array, high: Float32Array
) -> StateTrial:
    """Put an environment into states between `low` and `high` [state_dim], and see how it goes on from there.

    observe: the way from states to observations that has to hold. What follows from a state must be the same
    whatever was before, with the same random numbers; and it must differ between states.
    """
    try:
        start = _observed_start(env, way, observe)
        share = np.random.default_rng(3).uniform(0.25, 0.75, (_TRIED, len(low)))
        states = [start, *(low + share * (high - low)).astype(np.float64)]
        states = [np.floor(each + 0.5) for each in states] if way.whole else states
        first = [_play(env, way, observe, state, history=0, chance=1) for state in states]
        again = [_play(env, way, observe, state, history=3, chance=1) for state in states]
        other = [_play(env, way, observe, state, history=0, chance=2) for state in states]
    except _UnfitError as error:
        return StateTrial(str(error))
    except Exception as error:  # a user's environment may raise anything
        said = (str(error).splitlines() or [""])[0]
        return StateTrial(f"writing its `{way.name}` fails with {type(error).__name__}: {said}")
    if all(_same(first[0], each) for each in first[1:]):
        return StateTrial(f"what it does next does not depend on what is written to its `{way.name}`")
    if not all(map(_same, first, again)):
        return StateTrial(f"what it does next depends on more than its `{way.name}`")
    return StateTrial("", random=not all(map(_same, first, other)))


def _observed_start(env: Any, way: StateWay, observe: Observe) -> Float64Array:
    obs = env.reset(seed=0)[0]
    try:
        state = way.read(env)
    except ValueError as error:
        raise _UnfitError(str(error)) from None
    _require_observed(env, way, obs, observe)
    return state


def _require_observed(env: Any, way: StateWay, obs: Any, observe: Observe) -> None:
    """Raise _UnfitError unless `obs` is what `observe` makes of the environment's state."""
    state, seen = way.read(env).astype(np.float32)[:, None], way.flat(obs)
    expected = np.full((len(seen), 1), np.nan, np.float32)
    try:
        observe(state, expected)
        agrees = np.allclose(expected[:, 0], seen, rtol=_TOLERANCE, atol=_TOLERANCE)
    except ValueError:  # another number of variables
        agrees = False
    if not agrees:
        raise _UnfitError(
            f"what it observes is not its `{way.name}`, and no way from one to the other is known"
        )


def _play(
    env: Any, way: StateWay, observe: Observe, state: Float64Array, *, history: int, chance: int
) -> list[Any]:
    """Return what follows from `state`: a row of numbers for each step.

    history: the seed of the episode before, and its length. chance: what random numbers are drawn.
    """
    env.reset(seed=history)
    env.action_space.seed(history)
    for _ in range(history):
        if any(env.step(env.action_space.sample())[2:4]):
            break
    env.reset()
    way.write(env, state)
    if not np.allclose(way.read(env), state, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise _UnfitError(f"its `{way.name}` does not keep what is written to it")
    seed_chance(env, [chance])
    env.action_space.seed(7)
    rows = []
    for _ in range(_STEPS):
        obs, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        _require_observed(env, way, obs, observe)
        rows.append([*way.flat(obs), float(reward), bool(terminated)])
        if terminated or truncated:
            break
    return rows


def _same(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True))
