"""The plane of a world's states that the map shows, and the grid of states over it."""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from valuescape.sim.arrays import Float32Array
from valuescape.sim.config.files import Config
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import normalized_obs
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.worlds import Variable, World


@dataclass(frozen=True, slots=True)
class MapPlane:
    """A plane through a world's states: two variables span it, the others are constant on it.

    Agents are shown at their values of the two axes, whatever their other variables. A critic is evaluated on
    the plane itself.
    """

    world: World
    axes: tuple[int, int]
    values: tuple[float, ...]
    """One for each state variable, in its unit; those of the axes are not used."""

    @property
    def variables(self) -> tuple[Variable, Variable]:
        """The state variables along x and y."""
        x, y = self.axes
        return self.world.state[x], self.world.state[y]

    @property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The map's window in the units of the state: (x, y) of the low corner and of the high one."""
        x, y = self.variables
        return (x.low, y.low), (x.high, y.high)

    @property
    def label(self) -> str:
        """The constant values: "at cart velocity = 0 m/s, heading = 0.5 rad"; empty in 2-D worlds."""
        held = [
            f"{variable.name} = {value:.3g} {variable.unit}".rstrip().replace("-", "−")
            for index, (variable, value) in enumerate(zip(self.world.state, self.values, strict=True))
            if index not in self.axes
        ]
        return f"at {', '.join(held)}" if held else ""


def own_plane(world: World) -> MapPlane:
    """Return the plane that a world shows unless told otherwise."""
    return MapPlane(world, world.map_axes, _own_values(world))


def map_plane(config: Config, world: World) -> MapPlane:
    """Return the plane that `heatmap.axes` and `heatmap.slice` choose.

    Raises UsageError if they do not fit the world, naming the key, what it says and what was expected.
    """
    axes = map_axes(config, world)
    values = list(_own_values(world))
    for index, value in _slice_values(config.heatmap.slice, world, axes).items():
        values[index] = value
    return MapPlane(world, axes, tuple(values))


def map_axes(config: Config, world: World) -> tuple[int, int]:
    """Return the indices of the state variables along the map's x and y: `heatmap.axes`, or the world's own.

    Raises UsageError if `heatmap.axes` does not name two different variables of the world.
    """
    text = config.heatmap.axes
    if text.strip() == "auto":
        return world.map_axes
    where = f"heatmap.axes = {text!r}"
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2:
        message = f"{where}: expected auto, or two names with a comma between them"
        raise UsageError(message, _names_hint(world, world.state))
    x, y = (_index(world, name, where) for name in names)
    if x == y:
        raise UsageError(f"{where}: expected two different variables", _names_hint(world, world.state))
    return x, y


def grid_states(plane: MapPlane, edge: int) -> Float32Array:
    """Return the states at the centres of `edge` x `edge` texels over the map.

    [state_dim, edge * edge] float32, a new array: row by row from the low corner, the variable along x
    innermost.
    """
    (x_low, y_low), (x_high, y_high) = plane.bounds
    centres = (np.arange(edge, dtype=np.float64) + 0.5) / edge
    x, y = np.meshgrid(x_low + centres * (x_high - x_low), y_low + centres * (y_high - y_low))
    states = np.repeat(np.array(plane.values, np.float32)[:, None], edge * edge, axis=1)
    states[list(plane.axes)] = x.ravel(), y.ravel()
    return states


def grid_obs(plane: MapPlane, edge: int) -> Float32Array:
    """Return the observations of `grid_states`, [obs_dim, edge * edge] float32, a new array."""
    states = grid_states(plane, edge)
    obs = np.empty((len(plane.world.obs), states.shape[1]), np.float32)
    plane.world.observe(states, obs)
    return obs


def network_inputs(plane: MapPlane, checkpoint: Checkpoint, edge: int) -> Float32Array:
    """Return `grid_obs` as the checkpoint's networks take it: normalised if it was trained so."""
    return normalized_obs(checkpoint, grid_obs(plane, edge))


def _own_values(world: World) -> tuple[float, ...]:
    """Return the world's own value of each state variable: `map_slice`, or the middle of the window."""
    return tuple(world.map_slice.get(each.name, (each.low + each.high) / 2) for each in world.state)


def _slice_values(text: str, world: World, axes: tuple[int, int]) -> dict[int, float]:
    """Return the values that `heatmap.slice` names, by the index of their state variable."""
    where, values = f"heatmap.slice = {text!r}", dict[int, float]()
    for part in text.split(",") if text.strip() else ():
        name, equals, value = (each.strip() for each in part.partition("="))
        if not (name and equals):
            message = f"{where}: expected name=value, with commas between several"
            raise UsageError(message, _held_hint(world, axes))
        index = _index(world, name, where)
        if index in axes:
            raise UsageError(f"{where}: {name} is an axis of the map", _held_hint(world, axes))
        if index in values:
            raise UsageError(f"{where}: {name} is given twice")
        values[index] = _number(value, world.state[index], where)
    return values


def _number(text: str, variable: Variable, where: str) -> float:
    """Return the number in `text`. It must be within the variable's bounds: a wrong unit is beyond them."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if variable.low <= value <= variable.high:
        return value
    expected = f"a number from {variable.low:.4g} to {variable.high:.4g} {variable.unit}".rstrip()
    raise UsageError(f"{where}: {variable.name} is {text!r}, expected {expected}")


def _index(world: World, name: str, where: str) -> int:
    names = [variable.name for variable in world.state]
    if name in names:
        return names.index(name)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else _names_hint(world, world.state)
    raise UsageError(f"{where}: {name!r} is no state variable of {world.name}", hint)


def _held_hint(world: World, axes: tuple[int, int]) -> str:
    """Return a hint that names the variables that a slice may set."""
    held = [variable for index, variable in enumerate(world.state) if index not in axes]
    if not held:
        return f"{world.name} has no other state variables; leave heatmap.slice empty"
    return _names_hint(world, held)


def _names_hint(world: World, variables: Sequence[Variable]) -> str:
    return f"{world.name} has {', '.join(variable.name for variable in variables)}"
