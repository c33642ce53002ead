"""A host: what runs on a node. Steps slices of a run, and keeps rows of others' for the case of a loss."""

import time
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cluster.cell_messages import CellsAsked, CellsSeen
from valuescape.sim.cluster.hosted import HostedSlice
from valuescape.sim.cluster.hosted_cells import HostedCells
from valuescape.sim.cluster.kept_rows import KeptRows, joined
from valuescape.sim.cluster.messages import (
    SENT_ROWS,
    EpisodeSums,
    Look,
    Seen,
    Task,
    Tuning,
)
from valuescape.sim.cluster.requirements import require_products
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.plugins.carrying import CarriedCode, receive_carried
from valuescape.sim.shared.layout import TRAIL, agents_axis, of_agents

_LOOK_S = 0.0005
"""Interval at which a look that waits for a tick looks whether it is complete."""


class Host:
    """Carries out calls of the main process: values in, values out (see `sim.cluster.node`).

    Ticks are made by the workers of its slices between the calls, or without workers in `look`.
    """

    def __init__(self) -> None:
        self._slices: dict[Slice, HostedSlice] = {}
        self._kept: dict[tuple[Slice, int], KeptRows] = {}
        self._news: list[tuple[Slice, int]] = []
        self._cells: HostedCells | None = None

    def load(self, code: CarriedCode) -> None:
        """Load the plug-ins and worlds that tasks need. Raises UsageError."""
        receive_carried(code)

    def begin(self, task: Task, *parts: KeptRows) -> None:
        """Begin to step a slice, without waiting until it is ready: from tick 0, or from rows of its parts.

        Raises UsageError if it cannot be stepped here, or not as on other nodes.
        """
        require_products(task.config)
        self._slices[task.agents] = HostedSlice(task, joined(parts) if parts else None)

    def drop(self, agents: Slice) -> None:
        """Step a slice no longer. What was kept of it stays."""
        self._slices.pop(agents).close()

    def tune(self, agents: Slice, tuning: Tuning) -> None:
        """Have other numbers hold for a slice after a tick at which it rests, or that was not granted yet."""
        self._slices[agents].tune(tuning)

    def look(self, look: Look) -> Seen:
        """Let all slices go on, and return what is new. Raises WorkerFailedError if a world raised."""
        until, end = look.until, time.monotonic() + look.wait_s
        self._turn(look.grant)
        while self._complete(look.grant) < until and time.monotonic() < end:
            time.sleep(_LOOK_S)
            self._turn(look.grant)
        upto = until if self._complete(look.grant) >= until else look.after
        ticks = range(look.after + 1, upto + 1)
        news, self._news = tuple(self._news), []
        return Seen(
            {agents: each.complete for agents, each in self._slices.items()},
            upto,
            self._rows(ticks),
            self._columns(),
            news,
            sum(each.engine.workers for each in self._slices.values()),
            sum(each.engine.restarts for each in self._slices.values()),
            self._systems_off(),
        )

    def _turn(self, grant: int) -> None:
        for each in self._slices.values():
            if rows := each.turn(grant):
                self.keep(rows)
                self._news.append((rows.slice, rows.tick))

    def _complete(self, grant: int) -> int:
        """Return the newest tick that is complete in all slices; of a host without any, what is granted."""
        return min((each.complete for each in self._slices.values()), default=grant)

    def _rows(self, ticks: range) -> dict[str, NDArray[Any]]:
        found = {}
        for name in SENT_ROWS:
            parts = [_sent(each, name, ticks) for each in self._in_order()]
            if parts and ticks:
                found[name] = np.concatenate(parts, agents_axis(name))
        return found

    def _in_order(self) -> list[HostedSlice]:
        return [self._slices[agents] for agents in sorted(self._slices)]

    def _columns(self) -> IndexArray:
        parts = [np.arange(each.columns.start, each.columns.stop) for each in self._in_order()]
        return np.concatenate([np.zeros(0, np.intp), *parts])

    def _systems_off(self) -> tuple[tuple[int, int, bytes], ...]:
        found: dict[int, tuple[int, bytes]] = {}
        for each in self._slices.values():
            for index, record in enumerate(each.engine.arena["system_off"]):
                if record["tick"] > 0:
                    found.setdefault(index, (int(record["tick"]), bytes(record["said"])))
        return tuple((index, tick, said) for index, (tick, said) in found.items())

    # --- Rows that are kept -------------------------------------------------------------------------------

    def keep(self, rows: KeptRows) -> None:
        """Keep rows of a slice, of this host or another, until `forget`."""
        self._kept[rows.slice, rows.tick] = rows

    def kept(self, agents: Slice, tick: int, part: Slice) -> KeptRows:
        """Return the part of rows that were kept of a slice. Raises KeyError if there are none."""
        return self._kept[agents, tick].cut(part)

    def forget(self, before: int) -> None:
        """Forget rows of ticks before this one."""
        self._kept = {key: rows for key, rows in self._kept.items() if rows.tick >= before}

    # --- What a picture shows -----------------------------------------------------------------------------

    def cells(self, asked: CellsAsked) -> CellsSeen:
        """Return trail rows of drawn agents, and the cells of all, as far as they are new."""
        if self._cells is None or self._cells.reader != asked.reader:
            self._cells = HostedCells(asked.reader)
        return self._cells.answer(asked, self._in_order())

    # --- Answers to questions -----------------------------------------------------------------------------

    def sums(self, agents: Slice, tick: int) -> EpisodeSums:
        """Return sums over the episodes of a slice that finished up to a recent tick.

        Performance: 30 ns an agent.
        """
        now = self._slices[agents].engine.episodes(tick)
        return EpisodeSums(
            int(now.finished_count.sum()),
            int(now.terminated_count.sum()),
            float(now.finished_return.sum()),
            float(now.finished_length.sum()),
        )

    def rows(
        self, agents: Slice, names: Sequence[str], tick: int, numbers: IndexArray
    ) -> dict[str, NDArray[Any]] | None:
        """Return rows of agents of a slice, ascending numbers; None if the tick is gone.

        Their agents are on the `agents_axis` of each array.
        """
        hosted = self._slices[agents]
        found = {name: _row(hosted, name, tick, numbers - agents.first) for name in names}
        whole = {name: row for name, row in found.items() if row is not None}
        return whole if len(whole) == len(found) else None

    def episodes(self, agents: Slice, tick: int) -> dict[str, NDArray[Any]]:
        """Return the state of the episodes of a slice at a recent tick, by the fields of `EpisodeState`."""
        now = self._slices[agents].engine.episodes(tick)
        return {each.name: getattr(now, each.name) for each in fields(now)}

    def episode_of(self, agents: Slice, agent: int, tick: int) -> tuple[int, int] | None:
        """Return number and step of an agent's episode at a recent tick; None if it is not of the slice."""
        if not agents.first <= agent < agents.stop:
            return None
        found = self._slices[agents].engine.episode_of(agent - agents.first, tick)
        return found.number, found.step

    def close(self) -> None:
        """End all slices; a second call does nothing."""
        while self._slices:
            self._slices.popitem()[1].close()


def _sent(hosted: HostedSlice, name: str, ticks: range) -> NDArray[Any]:
    """Return the rows of some ticks, of the agents whose rows the main process keeps."""
    at = of_agents(name, hosted.sent)
    rows = [hosted.engine.row(name, tick)[at] for tick in ticks]
    return np.stack(rows) if rows else np.zeros(0)


def _row(hosted: HostedSlice, name: str, tick: int, agents: IndexArray) -> NDArray[Any] | None:
    """Return a copy of some agents' part of a recent row; None if it is gone, or not made yet."""
    if hosted.complete < tick:
        return None
    if name in TRAIL:
        found: NDArray[Any] = hosted.engine.row(name, tick)[of_agents(name, agents)]
        return found if hosted.engine.trail_intact(tick) else None
    row = hosted.engine.recent_row(name, tick)
    return None if row is None else row[of_agents(name, agents)]
