"""Reads the arena of an engine: rows of ticks, trails, episodes, and the hash of all of it."""

import hashlib
from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

from valuescape.sim.arrays import IndexArray, Int64Array
from valuescape.sim.config.files import Config
from valuescape.sim.measuring.profiler import SpanRing
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.episodes import Endings, EpisodeState, episodes_at, finished_by
from valuescape.sim.shared.layout import STEADY, TRAIL
from valuescape.sim.stepping.stepper import ROW_ARRAYS
from valuescape.sim.stepping.systems import SwitchedOff, systems_off
from valuescape.sim.worlds import World


@dataclass(frozen=True, slots=True)
class EpisodeStats:
    """Sums and means over the finished episodes of all agents; means are NaN if none has finished."""

    finished: int
    terminated: int
    mean_return: float
    mean_length: float


@dataclass(frozen=True, slots=True)
class AgentEpisode:
    """One agent's episode: its number, from 0, and the steps since its start."""

    number: int
    step: int


class Reader:
    """Reads an arena without locks.

    `newest_tick` is complete, and its rows are not overwritten before the workers are more than
    `workers.max_lead` ticks ahead of it.
    """

    config: Config
    world: World
    workers: int
    arena: Arena
    _ticks: Int64Array
    kept: IndexArray | None = None
    """Numbers of the agents that have rows here, ascending; None: all. On a cluster there are more."""
    kept_step = 1
    """The distance of agents, from the first on, that have rows here."""
    nodes = 0
    """Number of nodes that step the agents; 0: this machine does."""
    _first_row = 0
    """The oldest tick whose rows a change handed over."""

    @property
    def newest_tick(self) -> int:
        """The newest tick that every worker has completed; -1 before the first."""
        return int(min(self._ticks.tolist()))  # a microsecond less than NumPy's min, in every lockstep tick

    @property
    def furthest_tick(self) -> int:
        """The tick of the worker that is furthest ahead."""
        return int(max(self._ticks.tolist()))

    def row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of array `name` at `tick`: a view, valid while the row is not overwritten."""
        rows = self.arena[name]
        row: NDArray[Any] = rows[tick % len(rows)]
        return row

    def recent_row(self, name: str, tick: int, agents: slice = slice(None)) -> NDArray[Any] | None:
        """Return a copy of the row of array `name` at `tick`; None if it is being overwritten, or was.

        agents: those that are copied, of arrays whose last axis they are.
        """
        rows = self.arena[name]
        if name in STEADY:
            return rows[..., agents].copy()
        copied: NDArray[Any] = rows[tick % len(rows)][..., agents].copy()
        oldest = max(self._first_row, self.furthest_tick + 2 - len(rows))
        return copied if self.newest_tick >= tick >= oldest else None

    def whole_row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of array `name` at `tick`, of all agents: a view, or on a cluster a new array."""
        return self.row(name, tick)

    def place_of(self, agent: int, tick: int) -> NDArray[Any] | None:
        """Return the map position [2] of an agent at a recent tick, a copy; None if it is gone."""
        place: NDArray[Any] = self.row("trail_position", tick)[agent].copy()
        return place if self.trail_intact(tick) else None

    def trail_intact(self, tick: int) -> bool:
        """Return whether the trail row of `tick` is not being overwritten yet; call after copying it."""
        return self.furthest_tick + 1 < tick + self.arena.layout.trail_rows

    def episodes(self, tick: int | None = None) -> EpisodeState:
        """Return the state of all agents' episodes at `tick`, by default the newest: new arrays, [agents]."""
        tick = self.newest_tick if tick is None else tick
        endings = Endings(self.row("ending", tick), self.row("episode_return", tick))
        return episodes_at(self.arena["episodes"], endings, tick)

    def episode_of(self, agent: int, tick: int) -> AgentEpisode:
        """Return the episode that an agent is in at `tick`, a recent one, and its steps so far."""
        part = slice(agent, agent + 1)
        endings = Endings(self.row("ending", tick)[part], self.row("episode_return", tick)[part])
        now = episodes_at(self.arena["episodes"][part], endings, tick)
        return AgentEpisode(int(now.number[0]), int(now.step[0]))

    def episode_stats(self) -> EpisodeStats:
        """Return statistics of the episodes that have finished up to the newest tick."""
        tick = self.newest_tick
        endings = Endings(self.row("ending", tick), self.row("episode_return", tick))
        found = finished_by(self.arena["episodes"], endings, tick)
        per_episode = 1 / found.count if found.count else float("nan")
        return EpisodeStats(
            found.count, found.terminated, found.total_return * per_episode, found.length * per_episode
        )

    def tick_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the newest tick by name, agents last: `ROW_ARRAYS`, then `episode <field>`.

        Rows are views of the arena, valid while the engine rests at this tick.
        """
        tick = self.newest_tick
        arrays = {name: self.row(name, tick) for name in ROW_ARRAYS}
        episodes = self.episodes(tick)
        return arrays | {f"episode {each.name}": getattr(episodes, each.name) for each in fields(episodes)}

    def state_hash(self) -> str:
        """Return the SHA-256 of the newest tick, as hexadecimal digits. Call it while paused.

        Hashed are the bytes of each array of `tick_arrays`, in their order, and then position and strand of
        each tick of the trail, oldest first (C order, little-endian). Equal for any number of workers or
        nodes, and after any of them was replaced.
        """
        tick = self.newest_tick
        digest = hashlib.sha256()
        for array in self.tick_arrays().values():
            digest.update(array.tobytes())
        for past in range(max(0, tick + 1 - self.config.trails.length), tick + 1):
            for name in TRAIL:
                digest.update(self.whole_row(name, past).tobytes())
        return digest.hexdigest()

    def worker_spans(self) -> list[NDArray[Any]]:
        """Return each worker's latest spans (dtype SPAN); sections: `stepping.systems.worker_sections`."""
        arena = self.arena
        return [
            SpanRing(arena["spans"][index], arena["span_count"][index]).read()
            for index in range(self.workers)
        ]

    def systems_off(self) -> tuple[SwitchedOff, ...]:
        """Return the array systems that raised and were switched off, as `plugins.on_error` says."""
        return systems_off(self.arena, self.world)
