"""The engine: a crowd of agents stepping in shared memory, with worker processes or without."""

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from valuescape.sim.arrays import Int64Array
from valuescape.sim.config.files import Config
from valuescape.sim.crew.arena_layout import arena_layout
from valuescape.sim.crew.choose import CrewMaker, make_crew
from valuescape.sim.crew.crew import Crew
from valuescape.sim.crew.starting import require_descriptors
from valuescape.sim.crew.worker_count import worker_count
from valuescape.sim.insight.plane import map_axes
from valuescape.sim.measuring.profiler import SpanRing
from valuescape.sim.plugins.loading import loads
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.resources import memory_with
from valuescape.sim.shared.arena import Arena
from valuescape.sim.shared.episodes import Endings, EpisodeState, episodes_at
from valuescape.sim.shared.layout import NO_LIMIT
from valuescape.sim.shared.orders import Orders, give_orders, read_orders
from valuescape.sim.stepping.parameters import give_parameters
from valuescape.sim.stepping.spec import WorkerSpec
from valuescape.sim.stepping.stepper import ROW_ARRAYS, Rules, Stepper, give_seed
from valuescape.sim.stepping.systems import SwitchedOff, systems_off
from valuescape.sim.worlds import World, make_world

_LOOK_S = 0.001
"""Interval at which `rest` looks whether the workers are at one tick."""

_CATCH_UP_S = 0.25
"""A simulation that is further behind its clock than this restarts the clock instead of catching up."""


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


class Engine:
    """Agents stepping in an arena; a context manager that leaves no process and no memory behind.

    Reading takes no locks: `newest_tick` is complete, and its rows are not overwritten before the workers are
    more than `workers.max_lead` ticks ahead of it.
    """

    def __init__(
        self,
        config: Config,
        checkpoint: Checkpoint | None,
        *,
        given_actions: bool = False,
        autoreset: bool = True,
        crew: CrewMaker = make_crew,
    ) -> None:
        """Reserve the arena and start the workers, without waiting until they are ready.

        given_actions: agents do what `arena["given_action"]` says, [action_dim, agents] float32, clipped, in
        the world's units; the caller writes it and then calls `advance_to`, a tick at a time. What agents
        observe is then in `arena["obs"]`, or in `state` where that is the same. autoreset: False leaves
        agents whose episode ended to `restart` of `stepper()`. crew: returns the crew that makes the ticks.
        """
        self.config = config
        self.world: World = make_world(config.world.name, config)
        self.rules = Rules(config.policy.exploration, map_axes(config, self.world), autoreset)
        self.workers = worker_count(config, checkpoint)
        self._ticks_per_s = config.sim.ticks_per_s
        self._crew: Crew | None = None
        require_descriptors(self.workers)
        self.arena = Arena(arena_layout(config, self.world, self.workers, given_actions=given_actions))
        self._ticks: Int64Array = self.arena["worker"]["tick"]
        give_seed(self.arena, config.run.seed)
        give_parameters(self.arena, self.world)
        give_orders(self.arena, Orders(False, 0, 0, time.monotonic_ns(), self._tick_ns()))
        agents = slice(0, config.agents.count)
        spec = WorkerSpec(0, agents, config, checkpoint, self.rules, self.arena, plugins=loads())
        try:
            self._crew = crew(spec, self.workers)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def newest_tick(self) -> int:
        """The newest tick that every worker has completed; -1 before the first."""
        return int(min(self._ticks.tolist()))  # a microsecond less than NumPy's min, in every lockstep tick

    @property
    def furthest_tick(self) -> int:
        """The tick of the worker that is furthest ahead."""
        return int(max(self._ticks.tolist()))

    @property
    def restarts(self) -> int:
        """Number of workers that have been replaced."""
        return self._crew.restarts if self._crew else 0

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return self._crew.pids if self._crew else []

    def wait_ready(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until every worker has made tick 0. Raises UsageError if one fails while starting.

        check: called meanwhile; what it raises ends the waiting.
        """
        assert self._crew
        self._crew.wait_ready(check)

    def run_until(self, tick: int) -> None:
        """Let the simulation run up to `tick` at its own pace, beside the caller (async); return at once."""
        self._give(replace(self._paced_from_now(), limit=tick))

    def set_pace(self, ticks_per_s: float) -> None:
        """Make ticks at this rate from now on, instead of `sim.ticks_per_s`; 0 is as fast as possible."""
        self._ticks_per_s = ticks_per_s
        self._give(self._paced_from_now())

    def run_freely(self) -> None:
        """Let the simulation run at its own pace without end."""
        self.run_until(NO_LIMIT)

    def pause(self) -> None:
        """Order a stop at the tick of the furthest worker, which the others still come up to; never waits."""
        self._give(replace(self._orders, limit=self.furthest_tick))

    def rest(self) -> int:
        """Stop, wait until all workers are at one tick, and return it; no other is made until new orders."""
        limit = self._orders.limit
        self.pause()
        # A worker that had not read that order yet has begun one more tick at most; even the furthest may.
        furthest = self.furthest_tick
        tick = min(furthest + 1, max(limit, furthest))
        self._give(replace(self._orders, limit=tick, tick_ns=0))
        while self.newest_tick < tick:
            self.check()
            time.sleep(_LOOK_S)
        return tick

    def advance_to(self, tick: int) -> None:
        """Make every tick up to `tick` as fast as possible, and return when it is complete (lockstep)."""
        assert self._crew
        self._crew.advance_to(tick)

    def stepper(self) -> Stepper:
        """Return a stepper of all agents in this process, for `restart` while the workers rest."""
        assert self._crew
        return self._crew.stepper()

    def check(self) -> None:
        """Replace dead workers, restart a clock that is too far ahead, and step if there are no workers.

        To be called once a frame.
        """
        assert self._crew
        self._crew.check()
        self._let_all_come_up()
        self._forgive_lateness()

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
        copied: NDArray[Any] = rows[tick % len(rows)][..., agents].copy()
        return copied if self.newest_tick >= tick > self.furthest_tick + 1 - len(rows) else None

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
        episodes = self.episodes()
        finished = int(episodes.finished_count.sum())
        per_episode = 1 / finished if finished else float("nan")
        return EpisodeStats(
            finished,
            int(episodes.terminated_count.sum()),
            float(episodes.finished_return.sum()) * per_episode,
            float(episodes.finished_length.sum()) * per_episode,
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
        each tick of the trail, oldest first (C order, little-endian). Equal for any number of workers, and
        after any of them was replaced.
        """
        tick = self.newest_tick
        digest = hashlib.sha256()
        for array in self.tick_arrays().values():
            digest.update(array.tobytes())
        for past in range(max(0, tick + 1 - self.config.trails.length), tick + 1):
            digest.update(self.row("trail_position", past).tobytes())
            digest.update(self.row("trail_strand", past).tobytes())
        return digest.hexdigest()

    def worker_spans(self) -> list[NDArray[Any]]:
        """Return each worker's latest spans (dtype SPAN); sections: `stepping.systems.worker_sections`."""
        arena = self.arena
        return [
            SpanRing(arena["spans"][index], arena["span_count"][index]).read()
            for index in range(self.workers)
        ]

    def systems_off(self) -> tuple[SwitchedOff, ...]:
        """Return the array systems that raised and were switched off, as their `on_error` says."""
        return systems_off(self.arena, self.world)

    def memory_bytes(self) -> int:
        """Return the memory of this process and its workers, the shared part counted once."""
        return memory_with(self.worker_pids)

    def close(self) -> None:
        """End the workers and free the arena, within a few seconds whatever the workers do."""
        if self._crew:
            self._crew.close()
        self._crew = None
        del self._ticks
        # The traceback of an error being raised may hold a view; the memory is then freed with it.
        with contextlib.suppress(BufferError):
            self.arena.close()

    @property
    def _orders(self) -> Orders:
        return read_orders(self.arena)

    def _tick_ns(self) -> int:
        return round(1e9 / self._ticks_per_s) if self._ticks_per_s else 0

    def _paced_from_now(self) -> Orders:
        tick = max(0, self.newest_tick)
        return replace(self._orders, origin_tick=tick, origin_ns=time.monotonic_ns(), tick_ns=self._tick_ns())

    def _give(self, orders: Orders) -> None:
        assert self._crew
        self._crew.give(orders)

    def _let_all_come_up(self) -> None:
        """Raise the limit to the tick of a worker that began it before it read a lower limit (`pause`)."""
        furthest = self.furthest_tick
        if furthest > self._orders.limit:
            self._give(replace(self._orders, limit=furthest))

    def _forgive_lateness(self) -> None:
        """Restart the clock if the simulation is more than _CATCH_UP_S behind it."""
        orders = self._orders
        late_ns = time.monotonic_ns() - orders.due_ns(self.newest_tick + 1)
        if orders.tick_ns and self.newest_tick < orders.limit and late_ns > _CATCH_UP_S * 1e9:
            self._give(replace(self._paced_from_now(), limit=orders.limit))
