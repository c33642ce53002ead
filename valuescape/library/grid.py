"""`Map`: values over the plane of a world's states, with names, units and arithmetic."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from valuescape.analysis.pictures import as_png, save
from valuescape.library.exchange import optional
from valuescape.library.origin import Origin, joined
from valuescape.library.pictures import DIFFERENCE, Look, figure_of_fields
from valuescape.paths import require_name
from valuescape.sim.arrays import BoolArray, Float64Array
from valuescape.sim.errors import UsageError
from valuescape.sim.insight.plane import MapPlane
from valuescape.sim.insight.significance import significant_cells
from valuescape.sim.rollouts.judging import significant_errors
from valuescape.sim.rollouts.truth import Truth
from valuescape.sim.worlds.base import Variable


@dataclass(frozen=True, slots=True)
class Estimated:
    """The rollouts behind a map: their estimates, and whether rollouts from one state differ."""

    truth: Truth
    random: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Map:
    """Values over a plane of states: row by row from the low corner, in the columns the variable along x.

    `value_map`, `truth_map` and `signal_map` make them. `np.asarray(map)` is `map.values`.
    """

    values: Float64Array
    """[rows, columns] float64; NaN where there is none. Row 0 is the lowest."""
    plane: MapPlane
    """The plane: the world, the two variables along its axes, the values of the others."""
    name: str
    """A short name: "value", "truth", "error"."""
    label: str
    """The name and the unit of the values, as the colour bar has them: "V(s)"."""
    title: str = ""
    """The title of the picture."""
    unit: str = ""
    """The unit of the values; "" for returns and for numbers without one."""
    quantity: str = ""
    """The kind of the values: maps of the same share their colours in a `plot`."""
    half_width: Float64Array | None = None
    """Half of each value's 95 % interval, [rows, columns]; inf where it is unknown. None if all are exact."""
    significant: BoolArray | None = None
    """Where a difference is beyond chance, [rows, columns]; None where that is no question."""
    look: Look = field(default_factory=Look)
    """The colours of the picture."""
    source: str = ""
    """The model that the map is of, as it was named."""
    estimated: Estimated | None = None
    """The rollouts that the values are estimated by: numbers of them, lengths, ends; None without any."""

    origin: Origin | None = None
    """What it takes to make the map again; None where several calls had a part in it."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        rows, columns = self.values.shape
        return rows, columns

    @property
    def x(self) -> Float64Array:
        """The centres of the columns, [columns], in `x_unit`; a new array."""
        return _centres(self.plane.variables[0], self.shape[1])

    @property
    def y(self) -> Float64Array:
        """The centres of the rows, [rows], in `y_unit`; a new array."""
        return _centres(self.plane.variables[1], self.shape[0])

    @property
    def x_name(self) -> str:
        """The state variable along x."""
        return self.plane.variables[0].name

    @property
    def y_name(self) -> str:
        """The state variable along y."""
        return self.plane.variables[1].name

    @property
    def x_unit(self) -> str:
        """The unit of x; "" for a number without one."""
        return self.plane.variables[0].unit

    @property
    def y_unit(self) -> str:
        """The unit of y; "" for a number without one."""
        return self.plane.variables[1].unit

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """The edges (x low, x high, y low, y high), as Matplotlib's `imshow` takes them."""
        x, y = self.plane.variables
        return x.low, x.high, y.low, y.high

    @property
    def slice(self) -> dict[str, float]:
        """The values of the state variables that are not on the map, by name; empty in worlds of two."""
        named = enumerate(zip(self.plane.world.state, self.plane.values, strict=True))
        return {each.name: value for at, (each, value) in named if at not in self.plane.axes}

    def at(self, x: float, y: float) -> float:
        """Return the value of the cell that (x, y) lies in, in the units of the axes; NaN beyond the map."""
        found = []
        for value, variable, cells in zip((y, x), self.plane.variables[::-1], self.shape, strict=True):
            share = (value - variable.low) / (variable.high - variable.low)
            share = share % 1.0 if variable.periodic else share
            if not 0 <= share <= 1:
                return float("nan")
            found.append(min(int(share * cells), cells - 1))
        return float(self.values[found[0], found[1]])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the values, as NumPy asks for them."""
        if copy is False and dtype not in (None, self.values.dtype):
            raise ValueError("another type takes a copy")
        return np.array(self.values, dtype) if copy or dtype is not None else self.values

    def __repr__(self) -> str:
        rows, columns = self.shape
        known = self.values[np.isfinite(self.values)]
        ends = f"{known.min():.4g} to {known.max():.4g}" if known.size else "no values"
        unit = f" {self.unit}" if self.unit else ""
        place = f" {self.plane.label}" if self.plane.label else ""
        return (
            f"<valuescape.Map {self.name}: {rows} x {columns} cells over {self.x_name}, {self.y_name}"
            f" of {self.plane.world.name}{place}; {ends}{unit}>"
        )

    def __sub__(self, other: "Map | float") -> "Map":
        return difference(self, other) if isinstance(other, Map) else self + -other

    def __add__(self, other: "Map | float") -> "Map":
        if isinstance(other, Map):
            require_same_grid(self, other, "+")
            width = _joined(self.half_width, other.half_width)
            label = f"{self.label} + {other.label}"
            return self._with(self.values + other.values, f"{self.name} + {other.name}", label, width)
        sign = "−" if other < 0 else "+"
        return self._mapped(lambda v: v + other, f"{{}} {sign} {abs(other):.4g}")

    def __mul__(self, factor: float) -> "Map":
        return self._scaled(factor, f"{factor:.4g} · ({{}})")

    def __truediv__(self, divisor: float) -> "Map":
        return self._scaled(1 / divisor, f"({{}}) / {divisor:.4g}")

    def __neg__(self) -> "Map":
        return self._scaled(-1.0, "−({})")

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> "Map":
        return -(self - other)

    def __abs__(self) -> "Map":
        return replace(self._mapped(np.abs, "|{}|"), look=Look())

    def _mapped(self, function: Callable[[Float64Array], Float64Array], said: str) -> "Map":
        """Return the map of a function of the values.

        said: the function in words, {} for the values; ({}) where a single word needs no brackets.
        """
        name, label = (
            (said if " " in each else said.replace("({})", "{}")).format(each)
            for each in (self.name, self.label)
        )
        look = replace(self.look, low=None, high=None)
        made = replace(self, values=function(self.values), name=name, label=label, title=name)
        return replace(made, look=look, origin=None)

    def _scaled(self, factor: float, said: str) -> "Map":
        width = None if self.half_width is None else self.half_width * abs(factor)
        made = self._mapped(lambda values: values * factor, said)
        return replace(made, half_width=width, quantity="", estimated=None)

    def _with(self, values: Float64Array, name: str, label: str, width: Float64Array | None) -> "Map":
        return Map(values, self.plane, name, label, name, self.unit, self.quantity, width, source=self.source)

    @property
    def bar_label(self) -> str:
        """The label of the picture's colour bar: label and unit, or what each value stands for."""
        if self.look.names:
            return ", ".join(f"{index}: {name}" for index, name in enumerate(self.look.names))
        return f"{self.label} ({self.unit})" if self.unit else self.label

    def to_xarray(self) -> Any:
        """Return an `xarray.DataArray` with the axes as coordinates, and units and slice as attributes.

        The values are copied. Raises UsageError if xarray is not installed.
        """
        xarray = optional("xarray", "Map.to_xarray")
        axes = (self.y_name, self.y, self.y_unit), (self.x_name, self.x, self.x_unit)
        about = {"long_name": self.label, "units": self.unit, "world": self.plane.world.name}
        return xarray.DataArray(
            self.values.copy(),
            dims=tuple(name for name, _, _ in axes),
            coords={name: (name, centres, {"units": unit}) for name, centres, unit in axes},
            name=self.name,
            attrs=about | {"source": self.source} | {f"slice {key}": at for key, at in self.slice.items()},
        )

    def plot(self) -> Any:
        """Return the picture as a `matplotlib.figure.Figure`, which pyplot knows nothing of."""
        return figure_of_fields((self,), 1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map: its picture (.png, .pdf, .svg), or its arrays (.npz).

        A picture of a map that one call made says how it was made; `valuescape replay` makes it again. Arrays
        are `values`, `x`, `y`, `half_width` and `significant` if there are any, and `metadata`: JSON with
        names and units. Raises UsageError for another suffix, or if the file cannot be written.
        """
        file = Path(path)
        require_name("save:", file, ".png", ".pdf", ".svg", ".npz")
        if file.suffix.lower() == ".npz":
            _write_arrays(self, file)
        else:
            save(self.plot(), file, self.origin.told() if self.origin else None)

    def _repr_png_(self) -> bytes:
        return as_png(self.plot())


def _write_arrays(given: Map, path: Path) -> None:
    about = {
        "name": given.name,
        "label": given.label,
        "unit": given.unit,
        "world": given.plane.world.name,
        "source": given.source,
        "slice": given.slice,
        **{key: getattr(given, key) for key in ("x_name", "x_unit", "y_name", "y_unit", "extent")},
    }
    arrays: dict[str, Any] = {"values": given.values, "x": given.x, "y": given.y}
    more = {key: found for key in ("half_width", "significant") if (found := getattr(given, key)) is not None}
    try:
        np.savez_compressed(path, **arrays, **more, metadata=np.array(json.dumps(about)))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


def require_same_grid(one: Map, other: Map, sign: Literal["-", "+"]) -> None:
    """Raise UsageError, naming the difference, unless two maps have the same cells of the same plane."""
    what = f"{one.name} {sign} {other.name}"
    mine, others = one.plane, other.plane
    if mine.world.name != others.world.name:
        raise UsageError(f"{what}: worlds differ: {mine.world.name} and {others.world.name}")
    if mine.axes != others.axes:
        axes = [f"{each.x_name}, {each.y_name}" for each in (one, other)]
        raise UsageError(f"{what}: axes differ: {axes[0]} and {axes[1]}", "give both the same axes=")
    if mine.bounds != others.bounds or one.slice != other.slice:
        said = [each.plane.label or str(each.extent) for each in (one, other)]
        raise UsageError(f"{what}: planes differ: {said[0]} and {said[1]}", "give both the same slice=")
    if one.shape != other.shape:
        cells = [f"{each.shape[0]} x {each.shape[1]}" for each in (one, other)]
        raise UsageError(f"{what}: {cells[0]} and {cells[1]} cells", "give both the same cells=")


def difference(one: Map, other: Map) -> Map:
    """Return one map less another: V − G is the error of a critic.

    `significant` tells where it is beyond chance (false discovery rate 5 %), if rollouts took part in one of
    them or in both; `half_width` is that of the difference. Raises UsageError for other cells or planes.
    """
    require_same_grid(one, other, "-")
    values = one.values - other.values
    is_error = (one.name, other.name) == ("value", "truth")
    name = "error" if is_error else f"{one.name} − {other.name}"
    title = "error: belief − truth" if is_error else name
    return Map(
        values,
        one.plane,
        name,
        f"{one.label} − {other.label}",
        title,
        one.unit,
        "error" if one.quantity == other.quantity == "return" else "",
        _joined(one.half_width, other.half_width),
        _beyond_chance(values, one.estimated, other.estimated),
        DIFFERENCE,
        one.source,
        origin=joined(one.origin, other.origin) if is_error else None,
    )


def _joined(one: Float64Array | None, other: Float64Array | None) -> Float64Array | None:
    if one is None or other is None:
        return other if one is None else one
    return np.hypot(one, other)


_CERTAIN = 10**9
"""Rollouts that the one of a deterministic policy counts as: nothing is left to chance."""


def _beyond_chance(values: Float64Array, one: Estimated | None, other: Estimated | None) -> BoolArray | None:
    if one is None and other is None:
        return None
    if one is None or other is None:
        estimated = one or other
        assert estimated is not None
        return significant_errors(values, estimated.truth, random=estimated.random)
    spread = np.hypot(one.truth.standard_error, other.truth.standard_error)
    rollouts = np.minimum(*(np.where(each.random, each.truth.rollouts, _CERTAIN) for each in (one, other)))
    return significant_cells(values, spread, rollouts)


def _centres(variable: Variable, cells: int) -> Float64Array:
    return variable.low + (np.arange(cells) + 0.5) / cells * (variable.high - variable.low)
