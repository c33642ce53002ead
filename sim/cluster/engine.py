"""The engine of a run on a cluster: reads as the ordinary one does, of the agents whose rows are here."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuescape.sim.arrays import IndexArray
from valuescape.sim.cells.reader import CellReader
from valuescape.sim.changes import Wanted, Way, differing, way_between, way_from
from valuescape.sim.cluster.cells import ClusterCells
from valuescape.sim.cluster.formation import ClusterFormation
from valuescape.sim.cluster.kept_agents import kept_agents, step_of
from valuescape.sim.cluster.member import Member
from valuescape.sim.cluster.messages import EpisodeSums, places_in
from valuescape.sim.cluster.node import Call, NodeLostError, Nodes
from valuescape.sim.cluster.requirements import require_divisible
from valuescape.sim.cluster.slices import Slice
from valuescape.sim.cluster.team import Team
from valuescape.sim.config.files import Config
from valuescape.sim.config.model import settings_of
from valuescape.sim.engine import Engine
from valuescape.sim.errors import UsageError
from valuescape.sim.formation import Formation, Kind
from valuescape.sim.policy.network import Checkpoint
from valuescape.sim.reading import AgentEpisode, EpisodeStats
from valuescape.sim.resources import memory_with
from valuescape.sim.shared.episodes import EpisodeState
from valuescape.sim.shared.layout import agents_axis
from valuescape.sim.stepping.stepper import ROW_ARRAYS
from valuescape.sim.stepping.systems import SwitchedOff, systems_called

_LOOK_S = 0.0005


class ClusterEngine(Engine):
    """Agents stepping on nodes; this process has rows of `kept` agents alone, ascending numbers.

    `row` and `recent_row` are of those, and so is `arena`. Of all agents there are sums (`episode_stats`),
    the hash, and what is asked for by number (`rows_of`, `episode_of`). What a change at rest writes, it
    writes on all nodes at one tick; other changes are refused.

    A question to the nodes waits for them, while a lost one is replaced, and raises what `check` raises. Once
    `check` has raised, the run can still be shown as far as it came: rows of agents whose rows are not kept
    are gone then, and statistics are the last that were asked for.
    """

    formation: ClusterFormation

    def __init__(
        self,
        config: Config,
        checkpoint: Checkpoint | None,
        nodes: Callable[[], Nodes],
        kept: int | None = None,
    ) -> None:
        """Begin to start hosts on the nodes that `nodes` returns, without waiting until they are ready.

        kept: number of agents, the first ones, whose rows are kept; None: as `kept_agents` chooses. Raises
        UsageError if the configuration cannot be run on a cluster.
        """
        self._nodes, self._readers = nodes, 0
        self._stats = EpisodeStats(0, 0, math.nan, math.nan)
        count = config.agents.count
        self.kept: IndexArray = kept_agents(count) if kept is None else np.arange(min(kept, count))
        self.kept_step = 1 if kept is not None and kept >= count else step_of(count)
        super().__init__(config, checkpoint)

    def _form(self, config: Config, checkpoint: Checkpoint | None, kind: Kind) -> Formation:
        formation = ClusterFormation(config, checkpoint, self.kept, self._nodes)
        require_divisible(config, formation.world)
        formation.reserve(0)
        return formation

    @property
    def team(self) -> Team:
        """The nodes that share the run."""
        return self.formation.crew.team

    def wait_ready(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until all agents have made tick 0, on all nodes that were there at first."""
        super().wait_ready(check)
        self._count_nodes()

    def check(self) -> None:
        """Look after the nodes, and go on with a change. To be called once a frame."""
        super().check()
        self._count_nodes()

    def _count_nodes(self) -> None:
        self.nodes = len(self.team.at_work)
        self.workers = sum(each.workers for each in self.team.at_work)

    def recent_row(self, name: str, tick: int, agents: slice = slice(None)) -> NDArray[Any] | None:
        """Return a copy of the row of array `name` at `tick`; None if it is being overwritten, or was.

        agents: of all; the default means those whose rows are kept. Others are asked for.
        """
        assert self.kept is not None
        if agents == slice(None):
            return super().recent_row(name, tick)
        numbers = np.arange(self.config.agents.count)[agents]
        at = np.searchsorted(self.kept, numbers)
        if len(at) and at[-1] < len(self.kept) and np.array_equal(self.kept[at], numbers):
            found = super().recent_row(name, tick)
            return None if found is None else found[..., at]
        rows = self.rows_of((name,), tick, numbers)
        return None if rows is None else rows[name]

    def whole_row(self, name: str, tick: int) -> NDArray[Any]:
        """Return the row of array `name` at `tick`, of all agents: a new array."""
        rows = self.rows_of((name,), tick, np.arange(self.config.agents.count))
        if rows is None:
            raise LookupError(f"{name} of tick {tick} is gone")
        return rows[name]

    def place_of(self, agent: int, tick: int) -> NDArray[Any] | None:
        """Return the map position [2] of an agent at a recent tick, a copy; None if it is gone."""
        rows = self.rows_of(("trail_position",), tick, np.array([agent]))
        return None if rows is None else rows["trail_position"][0]

    def require_change(self, wanted: Wanted) -> None:
        """Raise UsageError for all but numbers that are written at rest; those all nodes can have."""
        super().require_change(wanted)
        if way_between(self.asked, wanted) is Way.SUCCESSION:
            raise UsageError(_unchangeable(self.asked.config, wanted.config), "begin a new run with it")

    @property
    def loss(self) -> str:
        """The newest loss of a node since this was last read, or first a remark; "" if there is none."""
        said, self.team.untold = self.team.untold, ""
        return said

    def cell_reader(self, length: int) -> CellReader:
        """Return a new reader of cells, of `length` ticks; the one before is void."""
        self._readers += 1
        return ClusterCells(self, self._readers, length)

    @property
    def is_level(self) -> bool:
        """Whether all agents have come to the newest tick; not while those of a lost node are made again."""
        return self.formation.crew.is_level

    def worker_spans(self) -> list[NDArray[Any]]:
        """Return nothing: spans of workers stay on their nodes."""
        return []

    def systems_off(self) -> tuple[SwitchedOff, ...]:
        """Return the array systems that raised on any node and were switched off there."""
        called, off = systems_called(self.world), self.formation.crew.systems_off
        return tuple(
            SwitchedOff(called[index].name, tick, said.decode("utf-8", "ignore"))
            for index, (tick, said) in sorted(off.items())
        )

    # --- Of all agents ------------------------------------------------------------------------------------

    def episode_stats(self) -> EpisodeStats:
        """Return statistics of the episodes that have finished up to the newest tick."""
        if self._is_over:
            return self._stats
        sums = self._asked(lambda agents: ("sums", agents, self.newest_tick))
        total: EpisodeSums = sum(sums, EpisodeSums())
        per_episode = 1 / total.finished if total.finished else math.nan
        self._stats = EpisodeStats(
            total.finished, total.terminated, total.returns * per_episode, total.length * per_episode
        )
        return self._stats

    @property
    def _is_over(self) -> bool:
        """Whether the run has failed: no node is asked any more."""
        return self.formation.crew.failed is not None

    def rows_of(self, names: Sequence[str], tick: int, numbers: IndexArray) -> dict[str, NDArray[Any]] | None:
        """Return rows of agents, ascending numbers, at a recent tick, by name; None if the tick is gone.

        Their last axis are the agents, but of trails the first. Each node gets the numbers of its own agents.
        """
        if self._is_over:
            return None
        found = self._asked(
            lambda agents: ("rows", agents, tuple(names), tick, numbers[places_in(numbers, agents)])
        )
        if any(each is None for each in found):
            return None
        return {name: np.concatenate([each[name] for each in found], agents_axis(name)) for name in names}

    def episode_of(self, agent: int, tick: int) -> AgentEpisode:
        """Return the episode that an agent is in at `tick`, a recent one, and its steps so far.

        Raises LookupError once the run has failed.
        """
        if self._is_over:
            raise LookupError(f"the episode of agent {agent} is gone")
        found = self._asked(lambda agents: ("episode_of", agents, agent, tick))
        return next(AgentEpisode(*each) for each in found if each)

    def episodes(self, tick: int | None = None) -> EpisodeState:
        """Return the state of all agents' episodes at `tick`, by default the newest: new arrays, [agents].

        Gets 36 bytes of each agent; `episode_stats` gets sums.
        """
        at = self.newest_tick if tick is None else tick
        found = self._asked(lambda agents: ("episodes", agents, at))
        names = [each.name for each in fields(EpisodeState)]
        return EpisodeState(**{name: np.concatenate([each[name] for each in found]) for name in names})

    def tick_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the newest tick, of all agents, by name; new arrays. Call it while paused.

        Gets them from the nodes: some 70 bytes an agent.
        """
        tick, everyone = self.newest_tick, np.arange(self.config.agents.count)
        episodes, rows = self.episodes(tick), self.rows_of(ROW_ARRAYS, tick, everyone)
        assert rows is not None
        return rows | {f"episode {each.name}": getattr(episodes, each.name) for each in fields(episodes)}

    # --- Questions ----------------------------------------------------------------------------------------

    def memory_bytes(self) -> int:
        """Return the memory of this process; nodes have their own."""
        return memory_with(())

    def _asked(self, question: Callable[[Slice], tuple[Any, ...]]) -> list[Any]:
        """Return what the hosts of all slices answer, in order; asks again if one was lost meanwhile.

        question: returns method and arguments for a slice.
        """
        return self._answers(
            lambda: [(member, member.node.ask(*question(agents))) for agents, member in self.team.slices]
        )

    def ask_hosts(self, method: str, argument: Any) -> list[Any]:
        """Return what all hosts that step agents answer; asks again if one was lost meanwhile."""
        return self._answers(
            lambda: [(each, each.node.ask(method, argument)) for each in self.team.at_work if each.slices]
        )

    def _answers(self, ask: Callable[[], list[tuple[Member, Call]]]) -> list[Any]:
        while True:
            self._wait_level()
            calls = ask()
            try:
                return [self._answer(member, call) for member, call in calls]
            except NodeLostError:
                continue

    def _wait_level(self) -> None:
        """Look after the nodes until all slices have come to the newest tick."""
        crew = self.formation.crew
        while not crew.is_level:
            crew.check()
            time.sleep(_LOOK_S)

    def _answer(self, member: Member, call: Call) -> Any:
        while not call.is_done():
            self.formation.crew.check()
            if member not in self.team.members:
                raise NodeLostError(member.node.name)
            time.sleep(_LOOK_S)
        return call.result(self.config.workers.heartbeat_timeout)


def _unchangeable(before: Config, after: Config) -> str:
    """Return which setting cannot change on a cluster."""
    for name in differing(before, after):
        if way_from(name, before, after) is Way.SUCCESSION:
            value = settings_of(type(after))[name].value_in(after)
            return f"{name} = {value!r} cannot change during a run on a cluster"
    return "a policy of another kind cannot take over during a run on a cluster"
