"""A slice of agents on a node: an engine of the ordinary kind, and the ticks at which it rests."""

import contextlib
from collections import deque

import numpy as np

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cluster.kept_rows import KeptRows, put_back, rows_of
from valuescape.sim.cluster.messages import Task, Tuning, places_in
from valuescape.sim.config.files import Config, changed
from valuescape.sim.engine import Engine
from valuescape.sim.policy.inference import BLOCK


class HostedSlice:
    """Steps a slice up to the ticks that are granted, from tick 0 on or from kept rows.

    It rests at every multiple of `workers.keep_ticks`, where `turn` returns its rows, and at the ticks of
    tunings, which then hold. columns: places of its agents in `Task.kept`.
    """

    def __init__(self, task: Task, rows: KeptRows | None) -> None:
        """Start the engine, without waiting until it is ready. rows: of the tick `task.first_tick`."""
        self.agents, self._rows = task.agents, rows
        self.columns = places_in(task.kept, task.agents)
        self.sent: IndexArray = task.kept[self.columns] - task.agents.first
        self._every = task.config.workers.keep_ticks
        self._tunings: deque[Tuning] = deque()
        self._began, self._limit = False, -1
        self._next_keep = (task.first_tick // self._every + 1) * self._every
        self.engine = Engine(_own_config(task), task.checkpoint, first_agent=task.agents.first)

    @property
    def complete(self) -> int:
        """The newest tick that is complete; -1 before the first that was asked for."""
        return self.engine.newest_tick if self._began else -1

    def tune(self, tuning: Tuning) -> None:
        """Have other numbers hold after a tick that was not granted yet, or at which the slice rests."""
        self._tunings.append(tuning)

    def turn(self, grant: int) -> KeptRows | None:
        """Go on, up to tick `grant`; return rows that are to be kept, if it came to their tick.

        Never waits, but without workers steps for 20 ms. Raises as `Engine.check`.
        """
        self.engine.check()
        if not self._began and not self._begin():
            return None
        kept = self._rest_at(self.engine.newest_tick)
        stops = [grant, self._next_keep, *(each.tick for each in self._tunings)]
        if min(stops) != self._limit:
            self._limit = min(stops)
            self.engine.run_until(self._limit)
        return kept

    def _begin(self) -> bool:
        """Go on from the kept rows, once the engine is ready; return whether it is."""
        if not self.engine.is_ready():
            return False
        if self._rows:
            put_back(self.engine.arena, self._rows)
            self.engine.go_on_from(self._rows.tick)
            self._rows = None
        self._began = True
        return True

    def _rest_at(self, tick: int) -> KeptRows | None:
        """Do what is due at a tick that the slice was to stop at, if that is where it is."""
        kept = None
        if tick == self._next_keep:
            kept = rows_of(self.engine.arena, self.agents, tick)
            self._next_keep += self._every
        while self._tunings and self._tunings[0].tick <= tick:
            tuning = self._tunings.popleft()
            self.engine.tune(_with_agents(tuning.config, self.engine.config), tuning.checkpoint)
        return kept

    def close(self) -> None:
        """End the engine."""
        with contextlib.suppress(BufferError):
            self.engine.close()


def _own_config(task: Task) -> Config:
    """Return the configuration of the engine of a slice: unpaced, with workers for its cores."""
    blocks = -(-len(task.agents) // BLOCK)
    count = task.config.workers.count
    workers = max(1, min(task.cores, blocks)) if count == "auto" else count
    changes = {"agents.count": len(task.agents), "workers.count": workers, "sim.ticks_per_s": 0.0}
    return changed(task.config, changes)


def _with_agents(config: Config, own: Config) -> Config:
    """Return the configuration of a run with the numbers that a slice's own has."""
    parts = {name: getattr(own, name) for name in ("agents", "workers", "sim")}
    return config.model_copy(update=parts)


def within(numbers: IndexArray, hosted: HostedSlice) -> IndexArray:
    """Return the places, in a slice's arrays, of those of `numbers`, ascending, that it has."""
    found = numbers[places_in(numbers, hosted.agents)]
    return np.asarray(found - hosted.agents.first, np.intp)
