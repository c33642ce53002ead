"""A world's parameters as colours of trails: each agent's own value, where they are spread."""

from functools import partial
from typing import Any

from numpy.typing import NDArray

from valuescape.sim.insight.signals import Critic, Signal, SignalScale, SignalTick
from valuescape.sim.worlds import World


def parameter_signals(world: World) -> list[Signal]:
    """Return a signal for each parameter of a world, by its name."""
    return [
        Signal(
            each.name,
            partial(_numbers, index=index),
            partial(_scale, index=index),
            meaning="each agent's own value of the world's parameter",
        )
        for index, each in enumerate(world.parameters)
    ]


def is_alike(name: str, world: World) -> bool:
    """Return whether `name` is a parameter of which all agents have the same value."""
    parameters = zip(world.parameters, world.ranges, strict=True)
    return any(each.name == name and not values.spread for each, values in parameters)


def _numbers(at: SignalTick, index: int) -> NDArray[Any]:
    values: NDArray[Any] = at.row("parameter", at.tick)[index]
    return values


def _scale(world: World, _: Critic | None, index: int) -> SignalScale:
    values, label = world.ranges[index], world.parameters[index].label
    return SignalScale(label, values.low, values.high) if values.spread else SignalScale(label)
