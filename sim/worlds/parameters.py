"""Parameters of worlds: their declaration, their values in a run, and the values of each agent."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.rng import Stream, uniform


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a world's dynamics depend on: `Parameter("gravity", "m/s²", 9.81, 1.0, 20.0)`.

    `[world.parameters]` gives it another value, or each agent its own from a range.
    """

    name: str
    """The name that settings and pictures use: "gravity"; letters, digits and "_"."""

    unit: str
    """The unit as pictures show it: "m/s²"; "" for a number without one."""

    default: float
    """The value where nothing else is set."""

    low: float
    """The lowest value that a setting may have, in `unit`."""

    high: float
    """The highest value that a setting may have."""

    @property
    def label(self) -> str:
        """The axis label: "gravity (m/s²)"."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Range:
    """The values of a parameter in a run: one for all agents, or one for each, from low to high."""

    low: float
    high: float

    @property
    def spread(self) -> bool:
        """Whether agents have values of their own."""
        return self.high > self.low

    @property
    def middle(self) -> float:
        """The value of all agents, or the mean of theirs."""
        return (self.low + self.high) / 2

    def __str__(self) -> str:
        """Return the value as a setting says it: "9.81", or "8.0..12.0"."""
        return f"{self.low!r}..{self.high!r}" if self.spread else repr(self.low)


def given_ranges(
    declared: Sequence[Parameter], given: Mapping[str, float | str], world: str
) -> dict[str, Range]:
    """Return what `world.parameters` gives the parameters of a world, by name.

    given: a number each, or text "8..12" for values from 8 to 12. world: the world's name. Raises UsageError,
    with the nearest name, if there is no such parameter, and with the bounds if it cannot have that value.
    """
    known, found = {each.name: each for each in declared}, {}
    for name, value in given.items():
        if name not in known:
            raise _unknown(name, list(known), world)
        found[name] = _range(known[name], value)
    return found


def spread_names(given: Mapping[str, float | str]) -> frozenset[str]:
    """Return the names of the parameters that `world.parameters` spreads over the agents."""
    ends = {name: _ends(value) for name, value in given.items()}
    return frozenset(name for name, (low, high) in ends.items() if low < high)


def _ends(value: float | str) -> tuple[float, float]:
    """Return the lowest and the highest value that a setting says; NaN if it says none."""
    try:
        low, high = map(float, value.split("..") if isinstance(value, str) else (value, value))
    except ValueError:
        return math.nan, math.nan
    return low, high


def _unknown(name: str, known: list[str], world: str) -> UsageError:
    if not known:
        return UsageError(f"world.parameters: {shown(name)} is unknown; world {world} has no parameters")
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
    return UsageError(f"world.parameters: {shown(name)} is no parameter of world {world}", hint)


def _range(parameter: Parameter, value: float | str) -> Range:
    low, high = _ends(value)
    if parameter.low <= low <= high <= parameter.high:
        return Range(low, high)
    where = f"world.parameters.{parameter.name} = {shown(value)}"
    if low > high:
        raise UsageError(f"{where}: the lower end comes first: {high:g}..{low:g}")
    unit = f" {parameter.unit}" if parameter.unit else ""
    raise UsageError(
        f"{where}, expected a number from {parameter.low:g} to "
        f'{parameter.high:g}{unit}, or a range within that: "{parameter.low:g}..{parameter.high:g}"'
    )


def spread_bits(ranges: Sequence[Range]) -> int:
    """Return a number whose bit i says whether parameter i is spread over the agents."""
    return sum(1 << index for index, each in enumerate(ranges) if each.spread)


def middle_values(ranges: Sequence[Range]) -> Float32Array:
    """Return one value of each parameter, the middle of its range: [parameters, 1] float32, a new array."""
    return np.array([[each.middle] for each in ranges], np.float32).reshape(len(ranges), 1)


def agents_values(
    ranges: Sequence[Range], seed: ArrayLike, agent: ArrayLike, episode: ArrayLike = 0
) -> Float32Array:
    """Return the parameters of agents, [parameters, n] float32, a new array.

    Those that are spread follow from `seed` (64 bits, a scalar or [n]), `agent` [n] and `episode` alone:
    uniform draws of a stream of their own, one for each parameter.
    """
    low = middle_values(ranges)
    span = np.array([[each.high - each.low] for each in ranges], np.float32).reshape(len(ranges), 1)
    if not span.any():
        return np.repeat(low, np.size(agent), axis=1)
    low[:] = np.array([[each.low] for each in ranges], np.float32)
    draws = uniform(seed, Stream.PARAMETER, agent, episode, 0, len(ranges))
    values: Float32Array = low + draws * span
    return values
