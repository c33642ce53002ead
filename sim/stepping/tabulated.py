"""Actors tabulated over a state of two variables: a table of outputs, and what is between its nodes.

Interpolation is bilinear. `sim.stepping.compiled.table` does the same in machine code, bit by bit, and leaves
states beyond the bounds of their variables to the network itself. How far actions are off depends on the
policy: with 256 cells each way the shipped ones are off by at most 0.45 % of the actions' range in the
continuous mountain car and by 14 % in the pendulum, which is steep near one line. `tabulation_error` measures
it for any policy; every run that tabulates says it, and has it in its report.
"""

from dataclasses import dataclass

import numpy as np

from valuescape.sim.arrays import BoolArray, Float32Array
from valuescape.sim.errors import UsageError
from valuescape.sim.policy.inference import BatchPolicy
from valuescape.sim.policy.network import ActorHead, Checkpoint
from valuescape.sim.worlds.base import ContinuousAction, World

_SLACK = np.float32(1e-3)
"""Cells by which a state may lie outside the table: so a state at its bound, rounded, is within."""

_MOST = 256
"""Cells each way at most whose midpoints are compared, and the root of the number of random states."""

_CHUNK = 2**14


@dataclass(frozen=True, slots=True)
class TableError:
    """How far actions from a table are from the network's.

    states: how many were compared: midpoints of cells, where interpolation is worst, and random ones.
    largest: the largest difference of an action, as a share of its range; of choices, the share of the states
    at which another is chosen. units: the same difference in the action's units, None of choices.
    """

    cells: int
    states: int
    largest: float
    units: float | None

    def __str__(self) -> str:
        at = f"policy.tabulated = {self.cells}: at {self.states:,} states"
        if self.units is None:
            return f"{at}, the table chooses otherwise than the network at {self.largest:.2%}"
        return (
            f"{at}, actions differ from the network's by at most {self.units:.2g}, "
            f"{self.largest:.2%} of their range"
        )


def require_table(cells: int, world: World, checkpoint: Checkpoint | None, *, is_compiled: bool) -> None:
    """Raise UsageError, which names what does not fit, if the actor cannot be tabulated over the state.

    is_compiled: whether ticks of this world with this policy are.
    """
    said = ""
    if checkpoint is None:
        said = "no network acts (policy.checkpoint = 'random')"
    elif not is_compiled:
        said = f"ticks of world {world.name} with this policy are not compiled"
    elif len(world.state) != 2:
        said = f"world {world.name} has {len(world.state)} state variables, and tables are of 2"
    if said:
        raise UsageError(f"policy.tabulated = {cells}, but {said}", "set policy.tabulated = 0")


def grid_of(world: World, cells: int) -> Float32Array:
    """Return, for each state variable, its low bound, cells a unit, and cells until it repeats: [2, 3].

    The last is 0 if it does not repeat.
    """
    return np.array(
        [[each.low, cells / (each.high - each.low), cells if each.periodic else 0] for each in world.state],
        np.float32,
    )


def table_size(checkpoint: Checkpoint, cells: int) -> int:
    """Return the number of floats of `table_of`; 0 without cells."""
    return checkpoint.actor.out_dim * (cells + 1) ** 2 if cells else 0


def table_of(checkpoint: Checkpoint, world: World, cells: int) -> Float32Array:
    """Return the actor's outputs at the nodes, flat, [outputs, cells + 1, cells + 1]; [0] without cells.

    The last axis is the state's second variable. Performance: 256 cells of 2-64-64-1 take 20 ms, of
    2-256-256-1 0.2 s.
    """
    if not cells:
        return np.zeros(0, np.float32)
    axes = [np.linspace(each.low, each.high, cells + 1) for each in world.state]
    states = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")]).astype(np.float32)
    return outputs_at(checkpoint, world, states).ravel()


def outputs_at(checkpoint: Checkpoint, world: World, states: Float32Array) -> Float32Array:
    """Return the actor's outputs [out_dim, n] at `states` [2, n], as NumPy computes them."""
    n = states.shape[1]
    policy = BatchPolicy(checkpoint, world.action, min(n, _CHUNK))
    found = np.empty((checkpoint.actor.out_dim, n), np.float32)
    for first in range(0, n, _CHUNK):
        part = states[:, first : first + _CHUNK]
        obs = np.empty((len(world.obs), part.shape[1]), np.float32)
        world.observe(part, obs)
        found[:, first : first + _CHUNK] = policy.outputs(obs)
    return found


def interpolated(
    table: Float32Array, grid: Float32Array, cells: int, states: Float32Array
) -> tuple[Float32Array, BoolArray]:
    """Return outputs [out_dim, n] at `states` [2, n] by the table, and whether each state is within it, [n].

    table, grid: of `table_of` and `grid_of`.
    """
    (i, x, x_within), (j, y, y_within) = (_place(*pair, cells) for pair in zip(states, grid, strict=True))
    nodes = table.reshape(-1, cells + 1, cells + 1)
    near = nodes[:, i, j] + y * (nodes[:, i, j + 1] - nodes[:, i, j])
    far = nodes[:, i + 1, j] + y * (nodes[:, i + 1, j + 1] - nodes[:, i + 1, j])
    return near + x * (far - near), x_within & y_within


def _place(
    values: Float32Array, line: Float32Array, cells: int
) -> tuple[np.ndarray, Float32Array, BoolArray]:
    """Return the cells that values lie in, how far in each, and whether the grid has them."""
    low, rate, wrap = line
    count = np.float32(cells)
    with np.errstate(invalid="ignore", over="ignore"):
        at = (values - low) * rate
        at = at - np.floor(at * (np.float32(1) / count)) * wrap
        within = (at >= -_SLACK) & (at <= count + _SLACK)
        at = np.where(at > 0, at, np.float32(0))
    at = np.where(at < count, at, count)
    cell = np.minimum(at.astype(np.int32), cells - 1)
    return cell, at - cell.astype(np.float32), within


def tabulation_error(checkpoint: Checkpoint, world: World, cells: int) -> TableError:
    """Return how far actions from a table are from the network's, measured at up to 131,072 states.

    Performance: 60 ms for 256 cells of 2-64-64-1.
    """
    every = -(-cells // _MOST)
    axes = [
        np.linspace(each.low, each.high, cells + 1)[:-1:every] + (each.high - each.low) / cells / 2
        for each in world.state
    ]
    middles = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")])
    low, high = (np.array([getattr(each, end) for each in world.state]) for end in ("low", "high"))
    drawn = np.random.default_rng(0).uniform(low[:, None], high[:, None], (2, _MOST**2))
    states = np.concatenate([middles, drawn], axis=1).astype(np.float32)
    by_table, _ = interpolated(table_of(checkpoint, world, cells), grid_of(world, cells), cells, states)
    by_network = outputs_at(checkpoint, world, states)
    count = states.shape[1]
    if checkpoint.actor_head is ActorHead.ARGMAX:
        other = by_table.argmax(axis=0) != by_network.argmax(axis=0)
        return TableError(cells, count, float(other.mean()), None)
    head, space = checkpoint.actor_head, world.action
    assert isinstance(space, ContinuousAction)
    gaps = np.abs(_actions(head, space, by_table) - _actions(head, space, by_network)).max(axis=1)
    shares = gaps / (space.high - space.low)
    worst = int(shares.argmax())
    return TableError(cells, count, float(shares[worst]), float(gaps[worst]))


def _actions(head: ActorHead, space: ContinuousAction, outputs: Float32Array) -> Float32Array:
    """Return the actions [action_dim, n] that outputs of an actor stand for."""
    low, high = space.low[:, None], space.high[:, None]
    scale, center = ((high - low) / 2, (low + high) / 2) if head is ActorHead.SQUASHED else (1, 0)
    actions: Float32Array = np.clip(outputs * scale + center, low, high)
    return actions
