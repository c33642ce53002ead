"""Kept rows: all that the ticks after a tick follow from, of a slice of agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.cluster.slices import Slice
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.layout import TRAIL, agents_axis, of_agents
from valuescape.sim.stepping.stepper import ROW_ARRAYS

_RINGS = (*ROW_ARRAYS, *TRAIL)
"""Arrays of the arena of which the row of the tick is kept."""

_WHOLE = ("episodes", "episode_start", "action_log")
"""Arrays that are kept as they are."""

_SYSTEMS = "system_off"


@dataclass(frozen=True, slots=True)
class KeptRows:
    """The rows of a slice at a tick, by the names of the arena's arrays: copies, which nobody changes.

    Performance: 98 bytes an agent of a world with two variables and one action, 64 of them the records of
    episodes; no trail but its newest row, since trails are made again with the ticks.
    """

    slice: Slice
    tick: int
    arrays: Mapping[str, NDArray[Any]]

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(each.nbytes for each in self.arrays.values())

    def cut(self, wanted: Slice) -> "KeptRows":
        """Return the part of these rows that is of `wanted`, in which all of its agents are: views."""
        at = wanted.within(self.slice)
        arrays = {
            name: array if name == _SYSTEMS else array[of_agents(name, at)]
            for name, array in self.arrays.items()
        }
        return KeptRows(wanted, self.tick, arrays)


def rows_of(arena: Arena, agents: Slice, tick: int) -> KeptRows:
    """Return copies of the rows of an arena whose agents, `agents`, all rest at `tick`."""
    arrays = {name: arena[name][tick % len(arena[name])].copy() for name in _RINGS}
    arrays |= {name: arena[name].copy() for name in (*_WHOLE, _SYSTEMS)}
    return KeptRows(agents, tick, arrays)


def joined(parts: Sequence[KeptRows]) -> KeptRows:
    """Return the rows of consecutive slices at one tick as those of one slice.

    A system that was switched off in one of them is off. Raises ValueError if they do not follow each other.
    """
    parts = sorted(parts, key=lambda each: each.slice)
    for before, after in pairwise(parts):
        if before.slice.stop != after.slice.first or before.tick != after.tick:
            raise ValueError(f"{before.slice} at tick {before.tick}, {after.slice} at tick {after.tick}")
    arrays = {
        name: np.concatenate([each.arrays[name] for each in parts], agents_axis(name))
        for name in parts[0].arrays
        if name != _SYSTEMS
    }
    arrays[_SYSTEMS] = max((each.arrays[_SYSTEMS] for each in parts), key=lambda off: int(off["tick"].sum()))
    return KeptRows(Slice(parts[0].slice.first, parts[-1].slice.stop), parts[0].tick, arrays)


def put_back(arena: Arena, rows: KeptRows) -> None:
    """Write rows to an arena of the same agents, none of whose ticks is being made."""
    for name in _RINGS:
        arena[name][rows.tick % len(arena[name])] = rows.arrays[name]
    for name in (*_WHOLE, _SYSTEMS):
        arena[name][:] = rows.arrays[name]
