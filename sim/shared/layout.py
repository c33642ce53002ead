"""The layout of the memory that processes share: the only definition of each array's shape and dtype."""

from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import Any

import numpy as np

CACHE_LINE = 64
NO_LIMIT = np.iinfo(np.int64).max


class Phase(IntEnum):
    """The state of a worker process."""

    STARTING = 0
    RUNNING = 1
    FAILED = 2
    COMPILING = 3  # a part of starting


class Ending(IntEnum):
    """Whether an agent's episode ended in a tick, and why."""

    RUNNING = 0
    TERMINATED = 1
    TRUNCATED = 2


CONTROL = np.dtype(
    [
        ("stop", "i8"),  # 1: workers stop
        ("limit", "i8"),  # no worker makes a tick beyond this one
        ("origin_tick", "i8"),  # tick `origin_tick` is due at `origin_ns` (monotonic clock)
        ("origin_ns", "i8"),
        ("tick_ns", "i8"),  # from one tick to the next; 0: as fast as possible
        ("pad", "i8", 3),
    ]
)
"""Orders to all workers. The arena has two slots, of which `main.slot` names the one in force."""

MAIN = np.dtype(
    [
        ("slot", "i8"),  # the `control` slot in force
        ("waits_for", "i8"),  # the main process sleeps until all workers reach this tick; NO_LIMIT: awake
        ("seed", "u8"),  # key of all random numbers
        ("first_agent", "i8"),  # number of the arena's first agent in the run: 0 but on nodes of a cluster
        ("exploration", "f4"),  # as `policy.exploration`; written while no tick is made, as the seed is
        ("pad", "i4", 7),
    ]
)
"""One cache line written by the main process alone."""

WORKER = np.dtype(
    [
        ("tick", "i8"),  # newest complete tick of the slice; -1 before the first
        ("heartbeat_ns", "i8"),  # monotonic time of the last sign of life
        ("pid", "i8"),
        ("phase", "i8"),  # `Phase`
        ("waits_for", "i8"),  # sleeps until all workers reach this tick; NO_LIMIT: does not wait for them
        ("asleep", "i8"),  # 1: sleeps, for whatever reason, and must be woken for new orders
        ("pad", "i8", 2),
    ]
)
"""One cache line a worker, written by that worker alone."""

SPAN = np.dtype(
    [
        ("section", "u4"),  # index of its name
        ("depth", "u4"),  # number of sections around it
        ("began_ns", "i8"),  # perf_counter, which on Linux is the monotonic clock, the same in all processes
        ("took_ns", "i8"),
    ]
)
"""A piece of work that a profiler has timed."""

EPISODE = np.dtype(
    [
        ("number", "i4"),  # of the agent's episodes, from 0; -1: none
        ("began", "u4"),  # tick of its start state, modulo 2**32
        ("terminated_count", "u4"),  # among the episodes before this one
        ("pad", "u4"),
        ("finished_length", "u8"),  # sum over the episodes before this one
        ("finished_return", "f8"),
    ]
)
"""An episode of an agent, written once, when it starts.

Each agent has two records: of the newest episode and of the one before. If a worker dies within a tick, its
successor makes that tick again: the record before is untouched, and the newest is written again, the same.
"""

START_KEY = np.dtype([("seed", "u8"), ("agent", "u8")])
"""The key of the random numbers of an agent's start states, where agents may have seeds of their own."""


SYSTEM_OFF = np.dtype(
    [
        ("tick", "i8"),  # the first one made without the system, written last; 0: it is on
        ("said", "S248"),  # why: UTF-8, cut to this length
    ]
)
"""An array system that raised and was switched off, written by the worker in which it did."""


STEADY = frozenset({"parameter"})
"""Arrays of agents that are no rings of ticks: they are the same in all ticks until the engine changes."""


TRAIL = ("trail_position", "trail_strand")
"""The arrays of trails."""

_BEFORE_LAST = frozenset({"trail_position", "episodes"})


def agents_axis(name: str) -> int:
    """Return which axis of an array of agents, or of a row of it, the agents are on; counted from the end."""
    return -2 if name in _BEFORE_LAST else -1


def of_agents(name: str, agents: Any) -> tuple[Any, ...]:
    """Return the index of some agents in an array, or in a row of it. agents: a slice, or their places."""
    return (..., agents, *[slice(None)] * (-1 - agents_axis(name)))


@dataclass(frozen=True, slots=True)
class SharedField:
    """One array in the arena."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes the array takes."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class ArenaLayout:
    """The sizes that determine the arena; `fields` computes offsets from them.

    Arrays of a tick are rings of rows: tick k of `state` is row k mod `state_rows`, of the trail row
    k mod `trail_rows`. Agents are the last axis, so that a worker's slice of a row is contiguous, but for
    those that `agents_axis` names. What only
    changes with episodes (`episodes`, `episode_start`) is not copied from tick to tick: at a million agents
    the bytes that a tick touches decide its speed.

    kept_obs_dim: variables in `obs`, what agents observe after a tick; 0 if only policies need it.
    action_log_rows: ticks whose actions are kept, for worlds that cannot continue from a state alone.
    policy_numbers: of the policy that acts; 0 if it is in no arena, but each stepper has its own.
    spans: number that each worker's profiler keeps. parameters: of the world, a row each. systems: of the
    world, if there are array systems.
    """

    agents: int
    workers: int
    state_dim: int
    action_dim: int
    state_rows: int
    trail_rows: int
    given_actions: bool = False
    kept_obs_dim: int = 0
    action_log_rows: int = 0
    spans: int = 0
    systems: int = 0
    parameters: int = 0
    policy_numbers: int = 0

    def fields(self) -> dict[str, SharedField]:
        """Return every array by name, each beginning on a cache line."""
        ring, n = self.state_rows, self.agents
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "spans": ((max(1, self.workers), self.spans), SPAN),
            "span_count": ((max(1, self.workers), CACHE_LINE // 8), "i8"),  # the first in each cache line
            "control": ((2,), CONTROL),
            "main": ((1,), MAIN),
            "worker": ((max(1, self.workers),), WORKER),
            "system_off": ((self.systems,), SYSTEM_OFF),
            "state": ((ring, self.state_dim, n), "f4"),
            # The action that led to this tick; zero if it was given.
            "action": ((1 if self.given_actions else ring, self.action_dim, n), "f4"),
            "reward": ((ring, n), "f4"),
            "ending": ((ring, n), "u1"),
            "episode_return": ((ring, n), "f4"),
            "episode_start": ((n,), "u4"),  # `began` of the newest episode, for every tick to read
            "episodes": ((n, 2), EPISODE),  # episode e of an agent is in e mod 2
            "trail_position": ((self.trail_rows, n, 2), "f4"),  # map coordinates, in the state's units
            "trail_strand": ((self.trail_rows, n), "u1"),  # changes where the line must break
            "given_action": ((self.action_dim, n * self.given_actions), "f4"),
            "action_log": ((self.action_log_rows, self.action_dim, n), "f4"),  # row k led to tick k + 1
            "obs": ((ring, self.kept_obs_dim, n), "f4"),
            "start_key": ((n * self.given_actions,), START_KEY),
            "parameter": ((self.parameters, n), "f4"),  # written by the main process alone, while all rest
            "policy": ((self.policy_numbers,), "f4"),  # the same; see `sim.stepping.shared_policy`
        }
        fields, offset = {}, 0
        for name, (shape, dtype) in shapes.items():
            fields[name] = SharedField(offset, shape, np.dtype(dtype))
            offset += -(-fields[name].nbytes // CACHE_LINE) * CACHE_LINE
        return fields

    @property
    def nbytes(self) -> int:
        """Bytes the whole arena takes."""
        last = list(self.fields().values())[-1]
        return last.offset + -(-last.nbytes // CACHE_LINE) * CACHE_LINE


def slices(agents: int, workers: int, block: int) -> list[slice]:
    """Return one contiguous slice of agents per worker, of equal sizes as far as possible.

    Slices begin at multiples of `block`, because policies evaluate whole blocks (`sim.policy.inference`).
    With more workers than blocks some slices are empty.
    """
    blocks = -(-agents // block)
    ends = [min(agents, block * (blocks * (w + 1) // workers)) for w in range(workers)]
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
