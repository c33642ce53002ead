"""The signals that there are: those of the program, those of a world, and those of plug-ins."""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.config.picture_sections import PLAIN_COLORS
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.coloring import signal_of
from valuescape.sim.insight.parameter_signals import is_alike, parameter_signals
from valuescape.sim.insight.signals import ENDING, Critic, Needs, Signal, SignalScale, SignalTick
from valuescape.sim.plugins.declarations import Kind
from valuescape.sim.plugins.registry import PLUGINS
from valuescape.sim.worlds import World
from valuescape.sim.worlds.base import TERMINATED, DiscreteAction, MultiDiscreteAction

GAE_LAMBDA = 0.95
"""Lambda of the advantage estimate (Schulman et al., 2016), as in Stable-Baselines3's PPO."""


def _speed(at: SignalTick) -> NDArray[Any]:
    """Return the speed over the map, in map widths per second."""
    now, before = at.state, at.state_before
    way = np.zeros(now.shape[1], np.float32)
    for axis in at.map_axes:
        variable = at.world.state[axis]
        step = (now[axis] - before[axis]) / np.float32(variable.high - variable.low)
        if variable.periodic:
            step -= np.round(step)
        way += step * step
    return np.sqrt(way) / np.float32(at.world.step_s)


def _outcomes(world: World, _: Critic | None) -> SignalScale:
    return SignalScale("outcome", 0.0, 2.0, names=("running", TERMINATED[world.termination], "truncated"))


def _actions(world: World, _: Critic | None) -> SignalScale:
    space = world.action
    if isinstance(space, DiscreteAction):
        return SignalScale("action", 0.0, float(space.n - 1), names=space.names)
    if isinstance(space, MultiDiscreteAction):
        part = space.parts[0]
        return SignalScale(part.name, 0.0, float(max(part.n - 1, 1)), names=part.names)
    if not space.dim:
        return SignalScale("action", 0.0, 1.0)
    first = space.variables[0]
    return SignalScale(first.label, first.low, first.high, signed=first.low == -first.high)


def _values(_: World, critic: Critic | None) -> SignalScale:
    assert critic
    return SignalScale(critic.value_title)


def _errors(name: str) -> Callable[[World, Critic | None], SignalScale]:
    """Return the scale of a TD error, or a sum of them, called `name`."""

    def scale(_: World, critic: Critic | None) -> SignalScale:
        assert critic
        return SignalScale(critic.error_title(name), signed=True)

    return scale


SPEED = Signal("speed", _speed, lambda *_: SignalScale("speed (widths/s)", low=0.0), of_step=True)
REWARD = Signal("reward", lambda at: at.reward, lambda *_: SignalScale("reward"), of_step=True)
VALUE = Signal(
    "value", lambda at: at.value, _values, Needs.CRITIC, meaning="the return that the critic expects"
)
TD_ERROR = Signal(
    "td_error",
    lambda at: at.td_error,
    _errors("TD error"),
    Needs.DISCOUNT,
    of_step=True,
    meaning="red is better than the critic expected, blue is worse",
)
ADVANTAGE = Signal(
    "advantage",
    lambda at: at.td_error,
    _errors("advantage"),
    Needs.DISCOUNT,
    of_step=True,
    later=lambda critic: (critic.gamma or 0.0) * GAE_LAMBDA,
    meaning="red is better than usual there, blue is worse",
)
ACTION = Signal("action", lambda at: at.action[0], _actions)
"""The first of several actions."""
OUTCOME = Signal("outcome", lambda at: at.ending, _outcomes, later=ENDING)

BUILT_IN = (SPEED, REWARD, VALUE, TD_ERROR, ADVANTAGE, ACTION, OUTCOME)
"""The signals of the program, in the order in which a key walks through them."""

TRAIL_COLORS = (*PLAIN_COLORS, *(each.name for each in BUILT_IN))
"""Values of `trails.color_by` in every world."""


def signals_of(world: World) -> dict[str, Signal]:
    """Return the signals of a run in a world by name: the program's, the world's, the plug-ins'.

    Raises UsageError for a plug-in whose name is taken by one of the program.
    """
    own = [each for kind in WORLD_SIGNALS for each in kind(world)]
    known = {each.name: each for each in (*own, *BUILT_IN)}  # a parameter may be called as one of these
    for declared in PLUGINS.of(Kind.COLORING):
        if declared.name in known or declared.name in PLAIN_COLORS:
            raise UsageError(
                f"{declared.place}: the name of the trail colouring {declared.name!r} is taken",
                f"expected another one than {', '.join((*PLAIN_COLORS, *known))}",
            )
        known[declared.name] = signal_of(declared)
    return known


WORLD_SIGNALS: list[Callable[[World], Iterable[Signal]]] = [parameter_signals]
"""Functions that return the signals which a world has of its own, as each of its parameters is one."""


def find_signal(name: str, world: World) -> Signal:
    """Return the signal called `name`. Raises UsageError, with the nearest name, if there is none."""
    known = signals_of(world)
    if name in known:
        return known[name]
    names = [*PLAIN_COLORS, *known]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known colours: {', '.join(names)}"
    raise UsageError(f"trails.color_by: {name!r} is unknown", hint)


def available(critic: Critic | None, world: World) -> list[Signal]:
    """Return the signals that this critic, or none, allows in a world, and that tell agents apart there."""
    known = signals_of(world).values()
    return [each for each in known if each.needs.met_by(critic) and not is_alike(each.name, world)]
