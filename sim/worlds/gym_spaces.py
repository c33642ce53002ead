"""Gymnasium's spaces as variables: observations flattened in Gymnasium's order, actions as rows of numbers.

A state is what an environment observes with one number in the place of each one-hot row, so that a choice
among many is one axis of a map. Policies see what `gymnasium.spaces.flatten` returns.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import Float32Array
from valuescape.sim.worlds.base import Variable
from valuescape.sim.worlds.gym_results import NotANumberError, ResultError, described

_WINDOW = 10.0
"""Half the width of the map's window for an observation without finite bounds."""

_MOST = 4096
"""The most numbers that an observation may have: more are pictures, which no map shows."""


class UnfitSpaceError(ValueError):
    """A space that cannot be shown; the message follows the world's name. expected: what would do."""

    def __init__(self, said: str, expected: str) -> None:
        super().__init__(said)
        self.expected = expected


class Grid(NamedTuple):
    """The digits that a single number is shown as, the most significant first: (row, column)."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A Box or a MultiBinary: as many variables of the state as of the observation.

    path: the keys that lead to it in an observation. name: as messages call it. bits: whether each is 0 or 1.
    """

    path: tuple[Any, ...]
    name: str
    state: tuple[Variable, ...]
    bits: bool = False

    @property
    def obs(self) -> tuple[Variable, ...]:
        return self.state

    def columns(self, method: str, value: Any, count: int) -> Float32Array:
        """Return `count` values as [state_dim, count] float32. Raises ResultError."""
        size = len(self.state)
        try:
            with np.errstate(over="ignore"):
                found = np.asarray(value, np.float32)
        except (TypeError, ValueError):
            raise ResultError(f"{method} observes {described(value)}, expected {size} numbers") from None
        if found.size != size * count:
            where = "" if self.name == "obs" else f" as {self.name}"
            raise ResultError(
                f"{method} observes {np.shape(value)}{where}, {found.size} numbers; "
                f"observation_space has {size * count}"
            )
        if not np.isfinite(found).all():
            self._complain(method, found.ravel(), np.ravel(value))
        return np.ascontiguousarray(found.reshape(count, size).T, np.float32)

    def _complain(self, method: str, found: Float32Array, given: NDArray[Any]) -> None:
        """Raise ResultError for NaN, and for numbers beyond float32; infinite ones are let through."""
        names = [variable.name for variable in self.state]
        bad = np.flatnonzero(np.isnan(found))
        if len(bad):
            raise NotANumberError(f"{method} observes NaN: {names[bad[0] % len(names)]}")
        bad = np.flatnonzero(np.isinf(found) & np.isfinite(given))
        if len(bad):
            name = names[bad[0] % len(names)]
            raise ResultError(f"{method} observes {name} = {given[bad[0]]}, too large for float32")

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of states: the same numbers; of bits, the nearer one."""
        out[:] = np.clip(np.floor(state + np.float32(0.5)), 0, 1) if self.bits else state


@dataclass(frozen=True, slots=True)
class _Digits:
    """A Discrete or a MultiDiscrete: one variable of the state for each choice, a one-hot row of each.

    sizes: of the choices. start: of each choice. grid: the digits that a single choice is shown as.
    """

    path: tuple[Any, ...]
    name: str
    state: tuple[Variable, ...]
    obs: tuple[Variable, ...]
    sizes: tuple[int, ...]
    start: tuple[int, ...]
    grid: tuple[int, ...] = ()

    def columns(self, method: str, value: Any, count: int) -> Float32Array:
        """Return `count` values as [state_dim, count] float32. Raises ResultError."""
        choices = len(self.sizes)
        try:
            found = np.asarray(value, np.float64)
        except (TypeError, ValueError):
            found = np.zeros(0)
        if found.size != choices * count:
            raise ResultError(
                f"{method} observes {described(value)} as {self.name}, expected {choices} whole numbers"
            )
        index = found.reshape(count, choices) - np.array(self.start)
        bad = ~((index >= 0) & (index < np.array(self.sizes)) & (index == np.floor(index)))
        if bad.any():
            at = np.argwhere(bad)[0]
            low, size = self.start[at[1]], self.sizes[at[1]]
            said = f"{index[tuple(at)] + low:g}, expected a whole number from {low} to {low + size - 1}"
            raise ResultError(f"{method} observes {self.name} = {said}")
        if self.grid:
            return np.array(np.unravel_index(index[:, 0].astype(np.intp), self.grid), np.float32)
        digits: Float32Array = index.T.astype(np.float32)
        return digits

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write one-hot rows of states; a state between two numbers counts as the nearer one."""
        sizes = self.grid or self.sizes
        whole = [
            np.clip(np.floor(row + np.float32(0.5)), 0, size - 1).astype(np.intp)
            for row, size in zip(state, sizes, strict=True)
        ]
        if self.grid:
            whole = [np.ravel_multi_index(tuple(whole), self.grid)]
        first = 0
        for index, size in zip(whole, self.sizes, strict=True):
            out[first : first + size] = np.arange(size)[:, None] == index
            first += size


class ObservedSpace:
    """An observation space as variables, and the way from what an environment observes to them.

    shape: of what one environment observes; None for a dict or a tuple. Raises UnfitSpaceError, with its
    name, for a space that cannot be shown.
    """

    def __init__(self, space: Any, grid: Grid | None = None) -> None:
        """Take any of Gymnasium's spaces. grid: how a single Discrete is shown."""
        self.shape: tuple[int, ...] | None = space.shape
        self._leaves = [_leaf(*each) for each in _leaves(space)]
        if len(self._leaves) == 1 and len(self._leaves[0].state) == 1:
            self._leaves = [_folded(self._leaves[0], grid)]
        self.state: tuple[Variable, ...] = _distinct([v for each in self._leaves for v in each.state])
        self.obs: tuple[Variable, ...] = _distinct([v for each in self._leaves for v in each.obs])
        if not 2 <= len(self.obs) <= _MOST:
            raise UnfitSpaceError(f"observes {_shown(space)}, {len(self.obs)} numbers", _expected())

    @property
    def map_axes(self) -> tuple[int, int]:
        """The axes of the map: of numbered cells the columns go from left to right.

        Of a Dict they are the first two variables of the keys that fit best: a position, other numbers, a
        goal, choices and bits.
        """
        if self.cells or len(self._leaves) == 1:
            return (1, 0) if self.cells else (0, 1)
        fits = [_as_axis(leaf) for leaf in self._leaves for _ in leaf.state]
        first, second, *_ = sorted(range(len(fits)), key=fits.__getitem__)
        return first, second

    @property
    def cells(self) -> tuple[int, ...]:
        """The numbers of cells along each variable of the state, if a single number is shown as cells."""
        first = self._leaves[0]
        return first.grid if isinstance(first, _Digits) else ()

    @property
    def map_slice(self) -> dict[str, float]:
        """The values at which choices and bits are held that are not on the map: whole ones."""
        found = zip(self.state, (each for leaf in self._leaves for each in _held(leaf)), strict=True)
        return {variable.name: value for variable, value in found if value is not None}

    def states(self, method: str, raw: Any, count: int = 1) -> Float32Array:
        """Return what one environment observes, or a batch of `count`, as states [state_dim, count] float32.

        method: that returned it, for messages. Raises ResultError for what is not in the space's form, and
        NotANumberError. Performance: 2 us for a Box.
        """
        parts = [each.columns(method, part_of(method, raw, each.path), count) for each in self._leaves]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def observe(self, state: Float32Array, out: Float32Array) -> None:
        """Write the observations of `state` [state_dim, n] into `out` [obs_dim, n]."""
        row = seen = 0
        for each in self._leaves:
            rows, columns = len(each.state), len(each.obs)
            each.observe(state[row : row + rows], out[seen : seen + columns])
            row, seen = row + rows, seen + columns


_POSITIONS = {"position", "pos", "place", "location", "loc", "xy", "x", "y", "coordinates", "achieved"}
_GOALS = {"goal", "target", "desired"}


def _as_axis(leaf: "_Numbers | _Digits") -> int:
    """Return how well the numbers of a part are seen as axes of a map: 0 best."""
    words = set(re.findall("[a-z]+", leaf.name.lower()))
    if isinstance(leaf, _Digits) or leaf.bits:
        return 3
    if words & _GOALS and "achieved" not in words:
        return 2
    return 0 if words & _POSITIONS else 1


def _held(leaf: "_Numbers | _Digits") -> list[float | None]:
    """Return a value for each variable of a state where whole numbers count; None elsewhere."""
    if isinstance(leaf, _Digits):
        return [float((size - 1) // 2) for size in leaf.grid or leaf.sizes]
    return [0.0 if leaf.bits else None] * len(leaf.state)


def part_of(method: str, raw: Any, path: tuple[Any, ...]) -> Any:
    """Return the part of an observation that `path` leads to. Raises ResultError if there is none."""
    for key in path:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            name = _name(path)
            raise ResultError(f"{method} observes {described(raw)} without {name}") from None
    return raw


def parts_of(space: Any) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """Yield path, name and space of the parts of an observation."""
    for path, part in _leaves(space):
        yield path, _name(path), part


def _leaves(space: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the spaces that a space is made of, in the order in which Gymnasium flattens them."""
    from gymnasium import spaces

    if isinstance(space, spaces.Dict | spaces.Tuple):
        inner = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        for key, each in inner:
            yield from _leaves(each, (*path, key))
    else:
        yield path, space


def _leaf(path: tuple[Any, ...], space: Any) -> "_Numbers | _Digits":
    from gymnasium import spaces

    name = _name(path)
    if isinstance(space, spaces.Discrete):
        return _digits(path, name, (int(space.n),), (int(space.start),), [name])
    if isinstance(space, spaces.MultiDiscrete):
        sizes, names = space.nvec.ravel().tolist(), list(_names(name, space.shape))
        start = getattr(space, "start", np.zeros_like(space.nvec)).ravel().tolist()
        return _digits(path, name, tuple(sizes), tuple(start), names)
    if isinstance(space, spaces.MultiBinary):
        bits = tuple(_digit(each, 2) for each in _names(name, space.shape))
        return _Numbers(path, name, bits, bits=True)
    if not isinstance(space, spaces.Box) or _is_image(space) or not math.prod(space.shape):
        where = f" as {name}" if path else ""
        raise UnfitSpaceError(f"observes {_shown(space)}{where}", _expected(space))
    bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
    named = zip(_names(name, space.shape), bounds, strict=True)
    return _Numbers(path, name, tuple(Variable(each, "", *_window(*ends)) for each, ends in named))


def _digits(
    path: tuple[Any, ...], name: str, sizes: tuple[int, ...], start: tuple[int, ...], names: list[str]
) -> _Digits:
    state = tuple(_digit(each, size) for each, size in zip(names, sizes, strict=True))
    obs = tuple(
        Variable(f"{each} is {first + index}", "", 0, 1)
        for each, size, first in zip(names, sizes, start, strict=True)
        for index in range(size)
    )
    return _Digits(path, name, state, obs, sizes, start)


def _digit(name: str, size: int) -> Variable:
    """Return the variable of a choice, counted from 0; on a map each number is one cell wide."""
    return Variable(name, "", -0.5, size - 0.5)


def _folded(leaf: "_Numbers | _Digits", grid: Grid | None) -> "_Numbers | _Digits":
    """Return a single choice as several digits, since a map has two axes. grid: None for near to a square."""
    if isinstance(leaf, _Numbers):
        raise UnfitSpaceError("observes a single number", _expected())
    (size,) = leaf.sizes
    if grid is None or math.prod(grid.sizes) != size:
        rows = next(each for each in range(math.isqrt(size), 0, -1) if size % each == 0)
        grid = Grid((f"{leaf.name} // {size // rows}", f"{leaf.name} % {size // rows}"), (rows, size // rows))
    state = tuple(_digit(*each) for each in zip(grid.names, grid.sizes, strict=True))
    return _Digits(leaf.path, leaf.name, state, leaf.obs, leaf.sizes, leaf.start, grid.sizes)


def grid_of(env: Any) -> Grid | None:
    """Return how the cells of an environment are numbered, as far as it says; None if it does not.

    It says so by `nrow` and `ncol`, as FrozenLake, or by a `shape` of two numbers, as CliffWalking. Taxi is
    known by its name.
    """
    inner = env.unwrapped
    if f"{type(inner).__module__}.{type(inner).__qualname__}" == "gymnasium.envs.toy_text.taxi.TaxiEnv":
        return Grid(("taxi row", "taxi column", "passenger", "destination"), (5, 5, 5, 4))
    stated: Any = getattr(inner, "nrow", None), getattr(inner, "ncol", None)
    try:
        rows, columns = map(int, getattr(inner, "shape", ()) if None in stated else stated)
    except (TypeError, ValueError):
        return None
    return Grid(("row", "column"), (rows, columns)) if rows > 0 and columns > 0 else None


def _names(name: str, shape: tuple[int, ...]) -> Iterator[str]:
    """Yield the names of an array's numbers: `position[0]`; of one number alone `position`."""
    if math.prod(shape) == 1 and name != "obs":
        yield name
    else:
        yield from (name + "".join(f"[{i}]" for i in at) for at in np.ndindex(shape or (1,)))


def _name(path: Sequence[Any]) -> str:
    """Return the name of a part of an observation: `goal.x`, `obs[1]` of a Tuple."""
    said = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    plain = re.sub(r"[,=\s]+", "_", said.removeprefix("."))  # settings name variables between commas
    return f"obs{plain}" if not plain or plain.startswith("[") else plain


def _distinct(variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """Return variables of which no two have the same name."""
    seen: dict[str, int] = {}
    found = []
    for each in variables:
        number = seen[each.name] = seen.get(each.name, 0) + 1
        name = each.name if number == 1 else f"{each.name} ({number})"
        found.append(Variable(name, each.unit, each.low, each.high))
    return tuple(found)


def _window(low: float, high: float) -> tuple[float, float]:
    """Return the bounds if a map can show them, else `_WINDOW` on both sides of 0."""
    shows = low < high and max(abs(low), abs(high)) < 1e6
    return (float(low), float(high)) if shows else (-_WINDOW, _WINDOW)


def _is_image(space: Any) -> bool:
    whole = space.dtype == np.uint8 and bool((space.low == 0).all() and (space.high == 255).all())
    return len(space.shape) >= 2 and whole


def _shown(space: Any) -> str:
    """Return a space in words, whose bounds may be thousands of numbers."""
    kind = type(space).__name__
    if _is_old(space):
        return f"a {kind} of the old gym"
    if kind == "Box":
        picture = f"a picture, a Box of {space.dtype} " if _is_image(space) else "a Box "
        return f"{picture}of shape {space.shape}"
    return f"a {kind}"


def _is_old(space: Any) -> bool:
    return any(each.__module__.partition(".")[0] == "gym" for each in type(space).__mro__)


def _expected(space: Any = None) -> str:
    if _is_old(space):
        return f"gymnasium.spaces; {OLD_GYM}"
    return (
        "a Box, Discrete, MultiDiscrete, MultiBinary, or a Dict or Tuple of these, of 2 to "
        f"{_MOST:,} numbers; gymnasium.wrappers (FilterObservation, TransformObservation) can make one"
    )


OLD_GYM = (
    "wrap an environment of the old gym: a function that returns "
    "shimmy.GymV26CompatibilityV0(env=…), or GymV21CompatibilityV0 (pip install shimmy)"
)
"""What to do with environments that were written for gym, before Gymnasium."""
