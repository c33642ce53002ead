"""Checks of what callers pass: rows of numbers, whole numbers and seeds."""

import contextlib
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.errors import UsageError, shown
from valuescape.sim.worlds.base import Variable

_NAMED = 6


def columns_of(rows: ArrayLike, variables: Sequence[Variable], what: str) -> tuple[Float32Array, bool]:
    """Return rows [n, k] or one row [k] as new columns [k, n] float32, and whether it was one row alone.

    variables: the k columns, for the message. what: the name of the argument. Raises UsageError for another
    shape, or for what holds no numbers.
    """
    if isinstance(rows, tuple) and len(rows) == 2 and isinstance(rows[1], dict):
        raise UsageError(f"{what}: got a pair, as env.reset() returns it", "pass its first part")
    given = numbers_in(rows, what)
    if given.ndim not in (1, 2) or given.shape[-1] != len(variables):
        named = ", ".join(each.name for each in variables[:_NAMED])
        more = ", …" if len(variables) > _NAMED else ""
        width = len(variables)
        raise UsageError(
            f"{what} has the shape {given.shape}, expected ({width},) or (n, {width}): {named}{more}"
        )
    alone = given.ndim == 1
    columns = np.atleast_2d(given).T
    with np.errstate(over="ignore"):  # a number beyond float32's becomes infinite
        return np.array(columns, np.float32, order="C"), alone


def numbers_in(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return numbers as an array, which may alias them.

    Raises UsageError, naming the argument, if they are none; for a tensor of torch's that NumPy cannot read,
    it says what to pass.
    """
    with contextlib.suppress(TypeError, ValueError, RuntimeError):
        given = np.asarray(values)
        if given.dtype.kind in "fiub":
            return given
    first: Any = values[0] if isinstance(values, list | tuple) and values else values
    if hasattr(first, "detach") and hasattr(first, "device"):
        read = ".detach()" * first.requires_grad + ".cpu()" * (first.device.type != "cpu")
        said = "with gradients" if first.requires_grad else f"on {first.device}, of {first.dtype}"
        raise UsageError(f"{what}: is a tensor {said}", f"pass {what}{read or '.float()'}")
    raise UsageError(f"{what}: expected numbers, got {type(values).__name__} {shown(values)}")


def whole(value: Any, what: str, low: int, high: float = math.inf) -> int:
    """Return a whole number. Raises UsageError, naming the argument, if it is none or out of bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UsageError(f"{what} = {shown(value)}: expected a whole number") from None
    if not low <= number <= high:
        expected = f"{low} or more" if math.isinf(high) else f"{low} to {high:,}"
        raise UsageError(f"{what} = {number}: expected {expected}")
    return number


def positive(value: Any, what: str) -> float:
    """Return a finite number above 0. Raises UsageError, naming the argument, if it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise UsageError(f"{what} = {shown(value)}: expected a number above 0")
    return number
