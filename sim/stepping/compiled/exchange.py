"""The compiled twin of `sim.stepping.exchange`: one pass over actions, and one over outcomes."""

from typing import Any, NamedTuple

import numpy as np
from numba import float32
from numpy.typing import NDArray

from valuescape.sim.arrays import BoolArray, Float32Array, Float64Array
from valuescape.sim.codegen.compiler import (
    c_function,
    compile_for,
    compiled_and_kept,
    compiled_inside,
    source_key,
)
from valuescape.sim.codegen.held import hold
from valuescape.sim.codegen.machine import call_at
from valuescape.sim.codegen.rows import load_number, load_rows, row_addresses, store_number, store_together
from valuescape.sim.shared.arena import Arena
from valuescape.sim.stepping.compiled.endings import RUNNING, TERMINATED, TRUNCATED
from valuescape.sim.stepping.exchange import Exchange
from valuescape.sim.worlds.base import World

FLOAT_ZERO = np.float32(0)
_INDICES, _NUMBERS = (np.dtype(np.int64), np.dtype(np.int32)), (np.dtype(np.float32), np.dtype(np.float64))
"""Types of actions that there is machine code for; NumPy copies the others."""


class ExchangeArrays(NamedTuple):
    """The arena's arrays that are exchanged, and the address of `_compile_copy`'s pass."""

    given: Float32Array
    obs: Float32Array
    reward: Float32Array
    ending: NDArray[np.uint8]
    began: NDArray[np.uint32]
    flags: BoolArray
    table: NDArray[np.uint64]
    copy: int
    choices: int  # 0 if actions are continuous
    limit: np.uint32


class CompiledExchange(Exchange):
    """Equals `Exchange`, bit by bit."""

    def __init__(self, arena: Arena, world: World) -> None:
        super().__init__(arena, world)
        dim = self.obs.shape[1]
        self._held = hold(
            ExchangeArrays(
                self.given,
                self.obs,
                arena["reward"],
                arena["ending"],
                arena["episode_start"],
                self.flags,
                np.zeros(dim + 3, np.uint64),
                _compile_copy(dim),
                self.choices,
                self.limit,
            )
        )
        self._shape = (arena.layout.agents,) if self.choices else self.given.T.shape
        self._take: Any = _take_indices if self.choices else _take_numbers
        self._kinds = _INDICES if self.choices else _NUMBERS
        self._compile(dim)

    def _compile(self, dim: int) -> None:
        """Compile or load what the first step would wait for."""
        flags = np.zeros((2, 1), np.bool_)
        compile_for(self._take, self._held, np.zeros([1] * len(self._shape), self._kinds[0]))
        compile_for(_valid, self._held)
        compile_for(_endings, self._held, 0)
        compile_for(_outcome, self._held, 0, np.zeros((1, dim), np.float32), np.zeros(1), *flags)

    def take(self, actions: NDArray[Any]) -> bool:
        """Copy `actions`; return `valid()`. Other types and layouts than the usual take the plain path."""
        if actions.dtype in self._kinds and actions.flags.carray and actions.shape == self._shape:
            return bool(self._take(self._held, actions))
        return super().take(actions)

    def valid(self) -> bool:
        """Return whether every action in `given` is valid."""
        return bool(_valid(self._held))

    def endings(self, tick: int) -> bool:
        """Write which episodes ended in `tick` to its row of `flags`; return whether any did."""
        return bool(_endings(self._held, tick))

    def outcome(
        self,
        tick: int,
        obs: Float32Array,
        reward: Float64Array,
        terminated: BoolArray,
        truncated: BoolArray,
    ) -> bool:
        """Write the result of `tick`; return whether an episode ended."""
        return bool(_outcome(self._held, tick, obs, reward, terminated, truncated))


def _compile_copy(dim: int) -> int:
    """Return the address of the pass (table, agents, -) that copies observations and rewards.

    The table holds the addresses of `dim` rows of observations, of the row of rewards, and of the two
    targets.
    """
    obs_at, reward_at = dim + 1, dim + 2
    count = dim + 3

    def copy(table: Any, agents: Any, _: Any) -> None:
        rows = row_addresses(table, count)
        for i in range(agents):
            store_together(rows, obs_at, i, load_rows(rows, 0, dim, i))
            store_number(rows, reward_at, i, np.float64(load_number(rows, dim, i, float32)))

    return c_function(copy, source_key(constants=dim))


@compiled_and_kept
def _take_indices(held: Any, actions: Any) -> Any:
    """Copy whole numbers, [agents], to `given`; return whether all are indices of a choice."""
    given, choices = held.work.given[0], held.work.choices
    wrong = False
    for i in range(len(actions)):
        wrong |= (actions[i] < 0) | (actions[i] >= choices)
        given[i] = np.float32(actions[i])
    return not wrong


@compiled_and_kept
def _take_numbers(held: Any, actions: Any) -> Any:
    """Copy numbers, [agents, action_dim], to `given`; return whether none is NaN."""
    wrong = False
    for row in range(actions.shape[1]):
        given, column = held.work.given[row], actions[:, row]
        for i in range(len(column)):
            wrong |= column[i] != column[i]
            given[i] = np.float32(column[i])
    return not wrong


@compiled_and_kept
def _valid(held: Any) -> Any:
    """Return whether all given actions are valid."""
    at = held.work
    wrong = False
    choices = np.float32(at.choices)
    for row in range(len(at.given)):
        given = at.given[row]
        if at.choices:
            for i in range(len(given)):
                x = given[i]
                wrong |= not ((x >= FLOAT_ZERO) & (x < choices) & (x == np.floor(x)))
        else:
            for i in range(len(given)):
                wrong |= given[i] != given[i]
    return not wrong


@compiled_and_kept
def _endings(held: Any, tick: Any) -> Any:
    """Write which episodes ended in `tick` to its row of flags."""
    flags = held.work.flags[tick % len(held.work.flags)]
    return _split(held.work, tick, flags[0], flags[1])


@compiled_and_kept
def _outcome(held: Any, tick: Any, obs: Any, reward: Any, terminated: Any, truncated: Any) -> Any:
    """Write the result of `tick`; return whether an episode ended."""
    at = held.work
    row, dim = tick % len(at.obs), at.obs.shape[1]
    for variable in range(dim):
        at.table[variable] = at.obs[row, variable].ctypes.data
    at.table[dim] = at.reward[row].ctypes.data
    at.table[dim + 1] = obs.ctypes.data
    at.table[dim + 2] = reward.ctypes.data
    call_at(at.copy, at.table.ctypes.data, len(reward), np.uintp(0))
    return _split(at, tick, terminated, truncated)


@compiled_inside
def _split(at: Any, tick: Any, terminated: Any, truncated: Any) -> Any:
    """Write which episodes ended in `tick`, and how; termination in the last possible step is both."""
    ending, began, limit = at.ending[tick % len(at.ending)], at.began, at.limit
    found = RUNNING
    for i in range(len(ending)):
        over = np.uint32(np.uint32(tick) - began[i]) >= limit
        terminated[i] = ending[i] == TERMINATED
        truncated[i] = (ending[i] == TRUNCATED) | ((ending[i] == TERMINATED) & over)
        found |= ending[i]
    return found != RUNNING
