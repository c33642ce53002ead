"""Messages between the main process and a host; all are values that can be pickled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.config.files import Config
from valuescape.sim.plugins.carrying import CarriedCode
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.shared.layout import TRAIL

SENT_ROWS = ("state", "action", "reward", "ending", "episode_return", *TRAIL)
"""The arrays of the arena whose rows the main process gets, of the agents that it keeps rows of."""

NO_CODE = CarriedCode()
"""Of a run without code of users."""


@dataclass(frozen=True, slots=True)
class Task:
    """A slice for a host to step: as `config` and `checkpoint` say, which hold from tick `first_tick` on.

    config: of the whole run. kept: numbers of the agents whose rows the main process gets, ascending; of all
    slices. cores: that the slice may use. code: of users, that the host loads first.
    """

    agents: Slice
    config: Config
    checkpoint: Checkpoint | None
    kept: IndexArray
    cores: int
    code: CarriedCode = NO_CODE
    first_tick: int = 0


@dataclass(frozen=True, slots=True)
class Tuning:
    """Other numbers, written at rest: they hold from the tick after `tick` on."""

    tick: int
    config: Config = field(repr=False)
    checkpoint: Checkpoint | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Look:
    """A look at all slices of a host.

    after, until: the rows of the ticks after `after`, up to `until`, are wanted. grant: ticks may be made up
    to this one. wait_s: how long the host may wait until `until` is complete.
    """

    after: int
    until: int
    grant: int
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to a look.

    complete: the newest tick that each slice of the host has completed; -1 before the first. upto: the last
    tick whose rows are here: `Look.until`, or `Look.after` if not all slices have completed that. rows: by
    name, [ticks, ...] with the kept agents of the host on the array's `agents_axis`. columns: places of these
    agents in `Task.kept`. kept: slices whose rows were kept since the last look, and at which
    tick. workers, restarts: number of worker processes, and of those replaced. systems_off: (index, tick,
    message) of array systems that were switched off.
    """

    complete: Mapping[Slice, int]
    upto: int
    rows: Mapping[str, NDArray[Any]]
    columns: IndexArray
    kept: tuple[tuple[Slice, int], ...] = ()
    workers: int = 0
    restarts: int = 0
    systems_off: tuple[tuple[int, int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeSums:
    """Sums over the finished episodes of agents; those of slices are added."""

    finished: int = 0
    terminated: int = 0
    returns: float = 0.0
    length: float = 0.0

    def __add__(self, other: "EpisodeSums") -> "EpisodeSums":
        return EpisodeSums(
            self.finished + other.finished,
            self.terminated + other.terminated,
            self.returns + other.returns,
            self.length + other.length,
        )


def places_in(kept: IndexArray, agents: Slice) -> slice:
    """Return where the agents of a slice are in `kept`, ascending numbers."""
    first, stop = np.searchsorted(kept, [agents.first, agents.stop])
    return slice(int(first), int(stop))
