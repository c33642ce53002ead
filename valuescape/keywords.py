"""Readers of keyword arguments.

A reader takes the argument's name, for messages, and its value. It raises UsageError, with name, value and
what was expected, for a value that does not fit.
"""

import contextlib
import difflib
import math
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from valuescape.sim.errors import UsageError, shown
from valuescape.sim.policy.formats.algorithms import algorithm_named
from valuescape.sim.policy.formats.given import activation_named
from valuescape.sim.policy.network import Activation

Reader = Callable[[str, Any], Any]

_LISTED = 12


def require_known(options: Mapping[str, Any], kind: type, what: str) -> None:
    """Raise UsageError unless all options are keys of a TypedDict. what: the function that takes them."""
    for name in options:
        one_of(name, typing.get_type_hints(kind), f"{what}: the option")


def one_of(value: str, known: Iterable[str], what: str) -> str:
    """Return a text that is one of those known. Raises UsageError, with the nearest, if it is not."""
    names = list(known)
    if value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    known_names = ", ".join(names[:_LISTED]) + ", …" * (len(names) > _LISTED)
    hint = f"did you mean {near[0]}?" if near else f"known: {known_names}"
    raise UsageError(f"{what} {shown(value)} is unknown", hint)


def read_stated(
    options: Mapping[str, Any], readers: Mapping[str, Reader], prefix: str = ""
) -> dict[str, Any]:
    """Return the keyword arguments that there are readers of, each read, without those that are None.

    prefix: goes before the arguments' names in messages. Raises UsageError for a value that does not fit.
    """
    given = {name: value for name, value in options.items() if name in readers and value is not None}
    return {name: readers[name](f"{prefix}{name}", value) for name, value in given.items()}


def word(kind: type[StrEnum]) -> Reader:
    """Return a reader of one of an enumeration's words."""
    return lambda name, value: kind(one_of(value, list(kind), name))


def number(expected: str, fits: Callable[[float], bool]) -> Reader:
    """Return a reader of finite numbers that `fits` accepts; expected: these numbers, in words."""

    def read(name: str, value: Any) -> float:
        try:
            found = float(value)
        except (TypeError, ValueError, RuntimeError):  # RuntimeError: a tensor of several numbers
            found = math.nan
        if not (math.isfinite(found) and fits(found)):
            raise UsageError(f"{name} = {shown(value)}: expected {expected}")
        return found

    return read


def activation(name: str, value: Any) -> Activation:
    """Return an activation by any of its spellings: "relu", "ReLU"."""
    spelt = activation_named(value) if isinstance(value, str) else value
    return Activation(one_of(spelt, list(Activation), name))


def numbers(name: str, value: Any) -> tuple[float, ...]:
    """Return finite numbers, or one alone."""
    with contextlib.suppress(TypeError, ValueError):
        found = np.atleast_1d(np.asarray(value, np.float64))
        if found.ndim == 1 and found.size and np.isfinite(found).all():
            return tuple(found.tolist())
    raise UsageError(f"{name} = {shown(value)}: expected a number, or one for each action")


def sizes(name: str, value: Any) -> tuple[int, ...]:
    """Return the sizes of several choices."""
    found = numbers(name, value)
    if not all(each >= 1 and each == int(each) for each in found):
        raise UsageError(f"{name} = {shown(value)}: expected a whole number above 0 for each choice")
    return tuple(int(each) for each in found)


def path(name: str, value: Any) -> Path:
    """Return the path of a file, in which `~` is the user's folder."""
    try:
        return Path(value).expanduser()
    except (TypeError, RuntimeError):
        raise UsageError(f"{name} = {shown(value)}: expected the name of a file") from None


def algorithm(name: str, value: Any) -> str:
    """Return an algorithm's name as it is spelt here."""
    if isinstance(value, str) and value:
        return algorithm_named(value)
    raise UsageError(f'{name} = {shown(value)}: expected a name, such as "ppo"')


def truth(name: str, value: Any) -> bool:
    """Return True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise UsageError(f"{name} = {shown(value)}: expected True or False")


GAMMA = number("a number from 0 to 1", lambda it: 0 <= it <= 1)


def critic_actions(name: str, value: Any) -> str:
    """Return the units of the actions that critics take: "scaled" or "world"."""
    return one_of(value, ("scaled", "world"), name)
