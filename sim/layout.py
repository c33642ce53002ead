"""The layout of everything that processes share; the one definition of each array's shape and dtype."""

from dataclasses import dataclass
from enum import IntEnum
from math import prod
from typing import Any

import numpy as np

CACHE_LINE = 64
NO_LIMIT = np.iinfo(np.int64).max


class Phase(IntEnum):
    """Where a worker is in its life."""

    STARTING = 0
    RUNNING = 1
    FAILED = 2


class Ending(IntEnum):
    """How an agent's episode stands after a tick."""

    RUNNING = 0
    TERMINATED = 1
    TRUNCATED = 2


CONTROL = np.dtype(
    [
        ("stop", "i8"),  # 1: workers end
        ("limit", "i8"),  # no worker steps beyond this tick
        ("origin_tick", "i8"),  # tick `origin_tick` is due at `origin_ns` (monotonic clock)
        ("origin_ns", "i8"),
        ("tick_ns", "i8"),  # from one tick to the next; 0 is unpaced
        ("pad", "V24"),
    ]
)
"""What the main process tells all workers: two slots, of which `control_slot` names the valid one."""

WORKER = np.dtype(
    [
        ("tick", "i8"),  # newest complete tick of the slice; -1 before the first
        ("heartbeat_ns", "i8"),
        ("pid", "i8"),
        ("phase", "i8"),
        (
            "waits_for",
            "i8",
        ),  # all workers' ticks must reach this before it goes on; NO_LIMIT if it does not wait
        ("pad", "V24"),
    ]
)
"""One cache line a worker, written by that worker alone."""


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
    """Sizes that decide the arena; `fields` turns them into offsets.

    Arrays of a tick are rings of rows: tick k of `state` is row k mod `state_rows`, of the trail row
    k mod `trail_rows`. Agents are innermost, so that a worker's slice of a row is contiguous.
    """

    agents: int
    workers: int
    state_dim: int
    action_dim: int
    state_rows: int
    trail_rows: int

    def fields(self) -> dict[str, SharedField]:
        """Return every array by name, each beginning on a cache line."""
        ring, n = self.state_rows, self.agents
        shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "control": ((2,), CONTROL),
            "control_slot": ((1,), "i8"),
            "worker": ((max(1, self.workers),), WORKER),
            "state": ((ring, self.state_dim, n), "f4"),
            "action": ((ring, self.action_dim, n), "f4"),  # the one that led to this tick
            "reward": ((ring, n), "f4"),
            "ending": ((ring, n), "u1"),
            "episode": ((ring, n), "u4"),
            "episode_step": ((ring, n), "u4"),
            "episode_return": ((ring, n), "f4"),
            "finished_return": ((ring, n), "f8"),  # sums over the agent's finished episodes
            "finished_length": ((ring, n), "u4"),
            "finished_count": ((ring, n), "u4"),
            "terminated_count": ((ring, n), "u4"),
            "trail_position": ((self.trail_rows, n, 2), "f4"),  # map coordinates, in the state's units
            "trail_strand": ((self.trail_rows, n), "u4"),  # changes where the line must break
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
    """Return one contiguous slice of agents per worker, beginning at multiples of `block`, as even as can be.

    Policies evaluate whole blocks (see `sim.policy.inference`), which is why no slice begins inside one.
    With more workers than blocks some slices are empty.
    """
    blocks = -(-agents // block)
    ends = [min(agents, block * (blocks * (w + 1) // workers)) for w in range(workers)]
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
